"""The engine: a query in, hits out. It knows the model and the store by their seams and never opens a file itself.

embed      terms -> vectors                     embed.py
compose    sums of terms -> leaves              compose.py
search     leaves -> items, per modality        retrieve.py, rank.py, algebra.py
explain    items -> hits                        explain.py
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import NoIndexError, QueryError
from omnisearch.media.pool import DecoderPool
from omnisearch.query import Query
from omnisearch.search.compose import leaf
from omnisearch.search.embed import Decoder, Embedder
from omnisearch.search.explain import hit
from omnisearch.search.index import Index
from omnisearch.search.rank import Judge, in_order
from omnisearch.search.retrieve import search_modality
from omnisearch.stores.base import Filter, Payload
from omnisearch.types import Answer, Modality

T = TypeVar("T")


class Engine:
    """Answers queries against the index in use, also after another took its place. Safe to use from several threads."""

    def __init__(self, open_index: Callable[[], Index], decoder: Decoder) -> None:
        self._open_index, self._decoder = open_index, decoder
        self._embedder = Embedder(decoder)
        self._index = open_index()
        self._replaced: list[Index] = []  # another thread may still be asking them
        self._replacing = threading.Lock()

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
            embedded = self._embedder.embed(index, query.terms, query.explain)
            leaves = {total: leaf(total, embedded) for total in query.expression.leaves}
        with clock("search"):
            own = () if query.include_self else tuple({e.item_id for e in embedded.values() if e.item_id})
            ranked = []
            for modality in [m for m in query.modalities if m in index.model.modalities]:
                calibrations = {total: index.calibration(found.vector, modality) for total, found in leaves.items()}
                judge = Judge(query.expression, leaves, calibrations)
                chosen = Filter((modality,), exclude_item_ids=own)
                ranked += search_modality(index.store, judge, query.limit, chosen)
        with clock("rank"):
            hits = tuple(hit(entry, embedded, query.explain) for entry in in_order(ranked)[: query.limit])
        return Answer(hits, clock.took_ms())


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
