"""The engine: a query in, hits out. It knows the model and the store by their seams and never opens a file itself."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import MediaError, NoIndexError, QueryError
from omnisearch.media.file import item_id
from omnisearch.media.pool import DecoderPool
from omnisearch.paths import show_path
from omnisearch.search.calibration import relevance
from omnisearch.search.compose import compose
from omnisearch.search.index import Index
from omnisearch.spaces.towers import unit
from omnisearch.stores.base import Filter, Payload, Scored
from omnisearch.types import (
    Answer,
    Content,
    Decoded,
    Floats,
    Hit,
    ItemRef,
    Match,
    Modality,
    Query,
    Term,
)

# A query file is embedded as the mean of its segments; more than these add time, not meaning.
QUERY_SEGMENTS = 32

T = TypeVar("T")


class Decoder(Protocol):
    """What the engine asks of `omnisearch.media`."""

    def decode(self, path: Path, follow_links: bool = True) -> Decoded:
        """Open a file of the user."""
        ...

    def close(self) -> None:
        """Stop the workers."""
        ...


@dataclass(frozen=True, eq=False)
class Embedded:
    """A term with its unit vector (dim,), its combining factors, and the item that it is, if it is one."""

    term: Term
    vector: Floats
    factors: dict[str, float]
    item_id: str | None = None


class Engine:
    """Answers queries against the index in use, also after another took its place. Safe to use from several threads."""

    def __init__(self, open_index: Callable[[], Index], decoder: Decoder) -> None:
        self._open_index, self._decoder = open_index, decoder
        self._index = open_index()
        self._replaced: list[Index] = []  # another thread may still be asking them
        self._replacing = threading.Lock()
        self._encoding = threading.Lock()  # towers load on first use, and one batch already fills the cores

    @classmethod
    def open(cls, settings: Settings) -> "Engine":
        """Open the index of the settings with the model of the settings.

        Raises:
            NotReadyError: nothing is indexed, the model is missing, or the index belongs to another model.
        """
        decoder = DecoderPool(settings, workers=1)
        try:
            return cls(lambda: Index.open(settings), decoder)
        except BaseException:
            decoder.close()
            raise

    @property
    def model(self) -> OmniBind:
        """The model of the index in use."""
        return self._index.model

    def close(self) -> None:
        """Let go of the store and stop the decoder."""
        self._decoder.close()
        for index in (*self._replaced, self._index):
            index.store.close()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def item(self, item_id: str) -> tuple[Payload, ...]:
        """Return what is known of every segment of an item, in order.

        Raises:
            NotFoundError: no such item.
        """
        return self._ask(lambda index: tuple(point.payload for point in index.item(item_id)))

    def counts(self) -> dict[Modality, int]:
        """How many segments of each modality are indexed."""
        return self._ask(lambda i: {m: i.store.count(Filter(modalities=(m,))) for m in i.model.modalities})

    def search(self, query: Query) -> Answer:
        """Answer a query: the hits of all its modalities in one list, most relevant first, one hit per item.

        Raises:
            QueryError: it has no terms, no limit, or its terms cancel out.
            MediaError: a file term cannot be read.
            NotFoundError: an item term is not in the index.
        """
        if not query.terms or query.limit < 1:
            raise QueryError(f"a query needs at least one term and a limit of 1 or more, not {query.limit}")
        return self._ask(lambda index: self._search(index, query))

    def _ask(self, question: Callable[[Index], T]) -> T:
        """Ask the index, and once more where it turns out to be gone: a rebuilt one took its place."""
        index = self._index
        try:
            return question(index)
        except NoIndexError:
            return question(self._replacement(index))

    def _replacement(self, gone: Index) -> Index:
        with self._replacing:
            if self._index is gone:
                self._index = self._open_index()
                self._replaced.append(gone)
            return self._index

    def _search(self, index: Index, query: Query) -> Answer:
        clock = _Clock()
        with clock("embed"):
            embedded = [self._embed(index, term, query.explain) for term in query.terms]
            vector, shares = compose(np.stack([e.vector for e in embedded]), [e.term.weight for e in embedded])
        own = () if query.include_self else tuple(e.item_id for e in embedded if e.item_id)
        with clock("search"):
            modalities = [m for m in query.modalities if m in index.model.modalities]
            found = {m: index.best_per_item(vector, m, query.limit, own) for m in modalities}
        with clock("rank"):
            ranked = [entry for m, points in found.items() for entry in index.odds(vector, m, points)]
            ranked.sort(key=lambda entry: (-entry[0], entry[1].id))
            hits = tuple(_hit(point, odds, embedded, shares) for odds, point in ranked[: query.limit])
        return Answer(hits, clock.took_ms())

    def _embed(self, index: Index, term: Term, explain: bool) -> Embedded:
        written = term.source.id if isinstance(term.source, ItemRef) else term.source
        if isinstance(written, str) and not _is_unicode(written):
            raise QueryError(f"{show_path(str(term))!r} holds bytes that are no UTF-8: write it anew in UTF-8")
        if isinstance(term.source, ItemRef):
            points = index.item(term.source.id, with_vectors=True)
            return Embedded(term, _mean(np.stack([p.vector for p in points])), {}, term.source.id)
        own: str | None = None
        modality = Modality.TEXT
        contents: list[Content] = []
        if isinstance(term.source, Path):
            own, modality, contents = self._read(term, term.source)
        else:
            contents = [term.source]
        with self._encoding:
            spaces = index.model.encode_spaces(modality, contents)
            vectors = index.model.bind(modality, spaces)
            weights = index.model.factors(modality, spaces) if explain else {}
        factors = {name: float(rows.mean()) for name, rows in weights.items()}
        return Embedded(term, _mean(vectors), factors, own)

    def _read(self, term: Term, path: Path) -> tuple[str, Modality, list[Content]]:
        """Return the item that a file is, its modality and its first segments; an error names the term."""
        try:
            own = item_id(path)
            decoded = self._decoder.decode(path)
            return own, decoded.info.modality, [piece.content for piece in islice(decoded.pieces, QUERY_SEGMENTS)]
        except MediaError as error:
            raise MediaError(error.reason, f"{term}: {error.detail}" if error.detail else str(term)) from None


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _hit(point: Scored, odds: float, embedded: Sequence[Embedded], shares: Floats) -> Hit:
    assert point.vector is not None
    parts = shares @ (point.vector / np.linalg.norm(point.vector))
    payload = point.payload
    return Hit(
        id=payload.item_id,
        path=payload.path,
        modality=payload.modality,
        score=point.score,
        relevance=relevance(odds),
        segment=payload.segment,
        matched_by=tuple(
            Match(str(e.term), e.term.weight, float(part), e.factors) for e, part in zip(embedded, parts, strict=True)
        ),
        snippet=payload.snippet,
        mime=payload.mime,
    )


def _mean(vectors: Floats) -> Floats:
    """The mean direction of rows (n, dim): (dim,)."""
    mean: Floats = unit(vectors.sum(axis=0, keepdims=True))[0]
    return mean


class _Clock:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}
        self._start = time.perf_counter()

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._spent[stage] = 1000 * (time.perf_counter() - start)

    def took_ms(self) -> dict[str, float]:
        total = 1000 * (time.perf_counter() - self._start)
        return {stage: round(spent, 2) for stage, spent in {**self._spent, "total": total}.items()}
