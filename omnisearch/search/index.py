"""The index that search reads: a collection, its model, and the calibration of their scores."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from omnisearch.binding.background import Background
from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import FingerprintError, NoIndexError, NotFoundError
from omnisearch.paths import show_path
from omnisearch.query.area import Area
from omnisearch.query.conditions import MAX_PATTERN, PatternCondition
from omnisearch.search.map_area import KeptMap
from omnisearch.search.rank.background_sample import BackgroundSample
from omnisearch.search.rank.calibration import Calibration, blend
from omnisearch.search.rank.recounted import Recounted
from omnisearch.search.space_embeddings import read_space_embeddings
from omnisearch.search.suggestions import Vocabulary
from omnisearch.stores.base import FIRST, Filter, Lookup, Order, Payload, Point, VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.stores.clauses import clauses
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, INDEX_FILE, SpaceEmbeddingStore
from omnisearch.types import Floats, Modality, Reading, SpaceEmbeddings


class QueryContext(Protocol):
    """The model, items and calibration that a query needs: those of an index, or of a model alone."""

    @property
    def model(self) -> OmniBind:
        """The model that embeds the query."""
        ...

    def item(self, item_id: str, with_vectors: bool = False) -> list[Point]:
        """Return every segment of an item, in order."""
        ...

    def spaces(self, points: Sequence[Point]) -> SpaceEmbeddings | None:
        """Return the space embeddings of segments of one modality; None if they were not stored."""
        ...

    def readings(self, path: Path) -> list[Reading]:
        """Return the texts that were read in the file at `path` when it was indexed."""
        ...

    def calibration(self, vector: Floats, shares: Mapping[Modality | None, float], modality: Modality) -> Calibration:
        """Return the calibration of a query `vector` (dim,) in a modality, given its shares by modality."""
        ...


def _load(settings: Settings) -> OmniBind:
    return OmniBind.load(settings.model, settings)


class Index:
    """A collection with the model that made it. The two are always replaced together.

    `raw` is the directory of the stored space embeddings, and `kept_map` the map; None if there are none.
    """

    def __init__(
        self, model: OmniBind, store: VectorStore, raw: Path | None = None, kept_map: KeptMap | None = None
    ) -> None:
        self.model, self.store, self._raw, self._map = model, store, raw, kept_map
        self._points, self._undescribed = Recounted(store.count), Recounted(store.undescribed)
        self._texts = Recounted(self._find_text)
        self.vocabulary = Vocabulary(store, self.count)
        self._samples = {m: BackgroundSample(store, m, model.dim) for m in model.modalities}
        self._backgrounds: dict[Modality, tuple[Floats, Background]] = {}  # each with the sample that it was made from

    @classmethod
    def open(cls, settings: Settings, load: Callable[[Settings], OmniBind] = _load) -> "Index":
        """Open the collection in use with the model of the settings."""
        model = load(settings)
        store = open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=False)
        try:
            kept_map = KeptMap(settings.index_dir, settings.collection)
            return cls(model, store, settings.index_dir / EMBEDDINGS_DIRECTORY, kept_map)
        except BaseException:
            store.close()
            raise

    def item(self, item_id: str, with_vectors: bool = False) -> list[Point]:
        """Return every segment of an item, in order.

        Raises:
            NotFoundError: no such item.
        """
        found = list(self.store.scroll(Filter(item_ids=(item_id,)), with_vectors=with_vectors))
        if not found:
            raise NotFoundError(f"no item {item_id!r} in the index")
        return sorted(found, key=lambda point: point.payload.segment.index)

    def first(self, item_id: str) -> Payload:
        """Return the payload of the first segment of an item, without its passage. An item may have thousands.

        Raises:
            NotFoundError: no such item.
        """
        found = self.store.page(Filter(item_ids=(item_id,), segments=FIRST), Order(), None, 1).points
        if not found:
            raise NotFoundError(f"no item {item_id!r} in the index")
        return found[0].payload

    def spaces(self, points: Sequence[Point]) -> SpaceEmbeddings | None:
        """Return the space embeddings of segments of one modality; None if they are not stored beside the index.

        They are missing if another machine has filled the collection of a Qdrant server.
        """
        if self._raw is None or not (self._raw / INDEX_FILE).exists():
            return None
        with closing(SpaceEmbeddingStore(self._raw)) as raw:
            found = read_space_embeddings(raw, self.model, points[0].payload.modality, [point.id for point in points])
        if not all(present.all() for _, present in found.values()):
            return None
        return {key: rows for key, (rows, _) in found.items()}

    def readings(self, path: Path) -> list[Reading]:
        """Return the texts that were read in the file at `path`; none if it is not indexed or has changed since."""
        shown = show_path(str(path))
        if len(shown) > MAX_PATTERN:
            return []
        points = self.store.scroll(Filter(where=(PatternCondition("path", shown),)))
        own = [point.payload for point in points if point.payload.path == shown and point.payload.readings]
        if not own or not _is_unchanged(path, own[0]):
            return []
        return [reading for payload in own for reading in payload.readings]

    def background(self, modality: Modality) -> Background:
        """Return the background of a modality: the model's unrelated items and a sample of the collection.

        Each of these items counts once, so a small collection is judged by the model's background, and a large one as
        much by its own items.
        """
        own = self.sample(modality)
        known = self._backgrounds.get(modality)
        if known is None or known[0] is not own:
            shipped = self.model.background.get(modality)
            both = Background({modality: own if shipped is None else np.concatenate([shipped, own])})
            known = self._backgrounds[modality] = own, both
        return known[1]

    def sample(self, modality: Modality) -> Floats:
        """Return a uniform sample of the collection's vectors of a modality: (n, dim)."""
        return self._samples[modality].rows()

    def size(self, modalities: Iterable[Modality]) -> int:
        """Return the number of segments of some modalities when they were last sampled."""
        return sum(self._samples[m].count for m in modalities)

    def inside(self, area: Area) -> tuple[str, ...] | None:
        """Return the ids of the items in an area of the map; None if the area has no corners.

        Raises:
            NotFoundError: there is no map.
        """
        return None if self._map is None else self._map.inside(area)

    def count(self) -> int:
        """Return the number of segments, counted at most some seconds ago."""
        return self._points()

    def has_texts(self) -> bool:
        """Return whether some segment has a text vector, as of some seconds ago."""
        return bool(self._texts())

    def _find_text(self) -> int:
        any_vector = np.ones(self.model.dim, np.float32)
        return len(self.store.search([Lookup(any_vector, 1, using="text")])[0])

    def undescribed(self) -> int:
        """Return the number of segments without facts (see `VectorStore.undescribed`), counted some seconds ago."""
        return self._undescribed()

    def searched(self, chosen: Filter) -> int:
        """Return the number of segments among which a search looks: those of its modalities that meet its conditions.

        Conditions that the engine cannot decide by its indexes are not counted, because that reads all points.
        """
        if not chosen.where or clauses(chosen).rest:
            return self.size(chosen.modalities)
        return self.store.count(chosen)

    def calibration(self, vector: Floats, shares: Mapping[Modality | None, float], modality: Modality) -> Calibration:
        """Return the calibration of a query `vector` (dim,) in a modality, given its shares by modality."""
        return _calibration(self.model, self.background(modality), vector, shares, modality)


class Unindexed:
    """A model without a collection, for queries about one file."""

    def __init__(self, model: OmniBind) -> None:
        self.model = model

    def item(self, item_id: str, with_vectors: bool = False) -> list[Point]:  # noqa: ARG002
        """Raise NoIndexError: there are no items.

        Raises:
            NoIndexError: always.
        """
        raise NoIndexError(f"there is no index here that contains id:{item_id}: name the file instead")

    def spaces(self, points: Sequence[Point]) -> None:  # noqa: ARG002
        """Return None: no space embeddings are stored."""
        return

    def readings(self, path: Path) -> list[Reading]:  # noqa: ARG002
        """Return an empty list: nothing was indexed."""
        return []

    def calibration(self, vector: Floats, shares: Mapping[Modality | None, float], modality: Modality) -> Calibration:
        """Return the calibration by the background that ships with the model."""
        return _calibration(self.model, Background(self.model.background), vector, shares, modality)


def _is_unchanged(path: Path, payload: Payload) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_size, float(status.st_mtime_ns // 10**9)) == (payload.size, payload.mtime)


def _calibration(
    model: OmniBind,
    background: Background,
    vector: Floats,
    shares: Mapping[Modality | None, float],
    modality: Modality,
) -> Calibration:
    line = blend((share, model.relevance(modality, query)) for query, share in shares.items())
    return Calibration(*background.chance(vector, modality), line)


@contextmanager
def opened_or_bare(settings: Settings) -> Iterator[QueryContext]:
    """Open the collection in use for queries about one file. Without one of this model, use the model alone."""
    try:
        index = Index.open(settings)
    except (NoIndexError, FingerprintError):
        yield Unindexed(OmniBind.load(settings.model, settings))
        return
    with closing(index.store):
        yield index
