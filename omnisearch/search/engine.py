"""The engine: a query in, hits out. It knows the model and the store by their seams and never opens a file itself.

embed      terms -> vectors                     embed.py
compose    sums of terms -> leaves              feedback.py, compose.py, question.py
search     leaves -> items, per modality        copies.py, retrieve.py, rank.py, algebra.py
page       items -> the items that are shown    near.py, page.py, cursor.py
explain    items -> hits                        explain.py, parts.py

locate     terms and one file -> places         locate.py
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import NoIndexError, QueryError
from omnisearch.media.pool import DecoderPool
from omnisearch.paths import find_path, is_missing
from omnisearch.query import Expression, ItemRef, Query, Term
from omnisearch.search.budget import UNLIMITED, Budget
from omnisearch.search.calibration import nothing_matches
from omnisearch.search.cursor import write_cursor
from omnisearch.search.embed import Embedded, Embedder, path_of
from omnisearch.search.explain import hit
from omnisearch.search.feedback import with_feedback
from omnisearch.search.index import Index
from omnisearch.search.locate import Locator
from omnisearch.search.page import Page, above, check_page, make_page
from omnisearch.search.parts import best_parts
from omnisearch.search.places import Located
from omnisearch.search.question import put
from omnisearch.search.retrieve import search_lanes
from omnisearch.stores.base import Filter, Payload
from omnisearch.types import Answer, Hit, Modality

DECODERS = 2  # processes for the files of queries: one slow file does not block the next
T = TypeVar("T")


class Engine:
    """Answers queries against the index in use, also after another took its place. Safe to use from several threads."""

    def __init__(self, open_index: Callable[[], Index], settings: Settings) -> None:
        self._open_index = open_index
        self._index = open_index()
        self._decoder = DecoderPool(settings, workers=DECODERS)
        self._embedder = Embedder(self._decoder)
        self._locator = Locator(self._embedder, settings)
        self._replaced: list[Index] = []  # another thread may still be asking them
        self._replacing = threading.Lock()

    @classmethod
    def open(cls, settings: Settings) -> "Engine":
        """Open the index of the settings with the model of the settings.

        Raises:
            NotReadyError: nothing is indexed, the model is missing, or the index belongs to another model.
        """
        return cls(lambda: Index.open(settings), settings)

    @property
    def model(self) -> OmniBind:
        """The model of the index in use."""
        return self._index.model

    def close(self) -> None:
        """Let go of the store and stop the decoders."""
        self._decoder.close()
        self._locator.close()
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

    def search(self, asked: Query | Expression, budget: Budget = UNLIMITED) -> Answer:
        """Answer a query: the hits of all its modalities in one list, most relevant first, one hit per item.

        A bare expression, `Term("a dog") + Term(path) - 0.5 * Term("puppy")`, is the query `Query(expression)`.

        Raises:
            QueryError: it has no terms or no limit, its terms cancel out, it only says what not to find, or a file is
                longer than the budget allows.
            MediaError: a file term cannot be read, or has no such slice.
            NotFoundError: an item term is not in the index.
            StoppedError: the budget says so.
        """
        return self.search_many([asked], budget)[0]

    def search_many(self, asked: Sequence[Query | Expression], budget: Budget = UNLIMITED) -> list[Answer]:
        """Answer queries together: each distinct term is embedded once, and all sums share the calls of the store.

        Every answer's `took_ms` is that of them all. Raises what `search` raises, for the first query that is wrong.
        """
        queries = [Query(each) if isinstance(each, Expression) else each for each in asked]
        for query in queries:
            if not query.terms or query.limit < 1:
                raise QueryError(f"a query needs at least one term and a limit of 1 or more, not {query.limit}")
            check_page(query)
        return self._ask(lambda index: self._search(index, queries, budget))

    def locate(
        self,
        query: Expression,
        source: Path | ItemRef,
        limit: int = 5,
        budget: Budget = UNLIMITED,
    ) -> Located:
        """Find up to `limit` places of one file, or of an item's, that match. Files are looked at one at a time.

        Raises:
            QueryError: terms cancel out, the file is a 3D model, THEN is asked of what has no time, or a file among
                the terms is longer than the budget allows.
            MediaError: a file cannot be read.
            NotFoundError: an item is not in the index, or its file is another one by now.
            StoppedError: the budget says so.
        """

        def question(index: Index) -> Located:
            path = source if isinstance(source, Path) else path_of(index, source)
            return self._locator.locate(index, query, path, limit, budget)

        return self._ask(question)

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

    def _search(self, index: Index, queries: Sequence[Query], budget: Budget) -> list[Answer]:
        clock = _Clock()
        queries = [with_feedback(query) for query in queries]
        with clock("embed"):
            terms = [term for query in queries for term in query.terms]
            embedded = self._embedder.embed(index, terms, any(query.explain for query in queries), budget)
        with clock("calibrate"):
            questions = [put(index, query, embedded) for query in queries]
        with clock("search"):
            found = iter(search_lanes(index.store, [lane for q in questions for lane in q.lanes(q.depth)]))
        with clock("group"):
            made = [make_page(index.store, q, [next(found) for _ in q.judges]) for q in questions]
            pages = [above(page, query.min_relevance) for query, page in zip(queries, made, strict=True)]
            hits = [_hits(index, page, query, embedded) for query, page in zip(queries, pages, strict=True)]
        return [
            Answer(
                each,
                clock.took_ms(),
                write_cursor(page.end, question.name) if page.end else None,
                not question.query.cursor
                and nothing_matches((hit.relevance for hit in each), index.size(question.judges)),
            )
            for each, page, question in zip(hits, pages, questions, strict=True)
        ]


def _hits(index: Index, page: Page, query: Query, embedded: Mapping[Term, Embedded]) -> tuple[Hit, ...]:
    parts = best_parts(index.store, [one.entry for one in page.items], query.segments)
    found = [
        replace(hit(one.entry, embedded, query.explain), segments=best, duplicates=one.duplicates)
        for one, best in zip(page.items, parts, strict=True)
    ]
    return _missing_last([replace(each, missing=is_missing(find_path(each.path))) for each in found], query.lanes)


def _missing_last(hits: Sequence[Hit], lanes: bool) -> tuple[Hit, ...]:
    """Move hits without a file to the end of their page, or of their lane."""
    lane = {modality: n for n, modality in enumerate(dict.fromkeys(each.modality for each in hits))} if lanes else {}
    return tuple(sorted(hits, key=lambda each: (lane.get(each.modality, 0), each.missing)))


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
