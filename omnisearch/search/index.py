"""An index as search sees it: a collection, the model that made it, and what their scores mean."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import FingerprintError, NoIndexError, NotFoundError
from omnisearch.search.rank.background_sample import BackgroundSample
from omnisearch.search.rank.calibration import Background, Calibration, blend
from omnisearch.search.space_embeddings import read_space_embeddings
from omnisearch.stores.base import Filter, Point, VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, INDEX_FILE, SpaceEmbeddingStore
from omnisearch.types import Floats, Modality, SpaceEmbeddings


class QueryContext(Protocol):
    """What a query is embedded and judged against: an index, or a model alone."""

    @property
    def model(self) -> OmniBind:
        """The model that embeds the query."""
        ...

    def item(self, item_id: str, with_vectors: bool = False) -> list[Point]:
        """Return every segment of an item, in order."""
        ...

    def spaces(self, points: Sequence[Point]) -> SpaceEmbeddings | None:
        """Return what the spaces gave for segments of one modality; None where that was not kept."""
        ...

    def calibration(self, vector: Floats, shares: Mapping[Modality | None, float], modality: Modality) -> Calibration:
        """Return what the scores of a query `vector` (dim,) mean in a modality; `shares` say what it was made of."""
        ...


def _load(settings: Settings) -> OmniBind:
    return OmniBind.load(settings.model, settings)


class Index:
    """A collection with the model that made it: the two are replaced together or not at all.

    `raw` is the directory of the space embeddings that were kept when it was made, where there is one.
    """

    def __init__(self, model: OmniBind, store: VectorStore, raw: Path | None = None) -> None:
        self.model, self.store, self._raw = model, store, raw
        self._samples = {m: BackgroundSample(store, m, model.dim) for m in model.modalities}
        self._backgrounds: dict[Modality, tuple[Floats, Background]] = {}  # with the sample that each was made from

    @classmethod
    def open(cls, settings: Settings, load: Callable[[Settings], OmniBind] = _load) -> "Index":
        """Open the collection in use with the model of the settings."""
        model = load(settings)
        store = open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=False)
        try:
            return cls(model, store, settings.index_dir / EMBEDDINGS_DIRECTORY)
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

    def spaces(self, points: Sequence[Point]) -> SpaceEmbeddings | None:
        """Return what the spaces gave for segments of one modality; None where that was not kept beside the index.

        So it is where another machine has filled the server's collection.
        """
        if self._raw is None or not (self._raw / INDEX_FILE).exists():
            return None
        with closing(SpaceEmbeddingStore(self._raw)) as raw:
            found = read_space_embeddings(raw, self.model, points[0].payload.modality, [point.id for point in points])
        if not all(present.all() for _, present in found.values()):
            return None
        return {key: rows for key, (rows, _) in found.items()}

    def background(self, modality: Modality) -> Background:
        """Return what stands for chance in a modality: what ships with the model and a sample of the collection.

        Both count by their number of items, so a small collection is judged by the model's background, and a large one
        by its own items as much.
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
        """How many segments of some modalities there were when they were last sampled."""
        return sum(self._samples[m].count for m in modalities)

    def calibration(self, vector: Floats, shares: Mapping[Modality | None, float], modality: Modality) -> Calibration:
        """Return what the scores of a query `vector` (dim,) mean in a modality; `shares` say what it was made of."""
        return _calibration(self.model, self.background(modality), vector, shares, modality)


class Unindexed:
    """A model without a collection, for questions about one file."""

    def __init__(self, model: OmniBind) -> None:
        self.model = model

    def item(self, item_id: str, with_vectors: bool = False) -> list[Point]:  # noqa: ARG002
        """Refuse: there are no items.

        Raises:
            NoIndexError: always.
        """
        raise NoIndexError(f"no index is asked here, so id:{item_id} is not known: name the file instead")

    def spaces(self, points: Sequence[Point]) -> None:  # noqa: ARG002
        """Return None: nothing was kept."""
        return

    def calibration(self, vector: Floats, shares: Mapping[Modality | None, float], modality: Modality) -> Calibration:
        """Return what scores mean against the background that ships with the model."""
        return _calibration(self.model, Background(self.model.background), vector, shares, modality)


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
    """Open the collection in use for questions about one file; without one of this model, the model alone answers."""
    try:
        index = Index.open(settings)
    except (NoIndexError, FingerprintError):
        yield Unindexed(OmniBind.load(settings.model, settings))
        return
    with closing(index.store):
        yield index
