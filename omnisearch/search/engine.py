"""The engine: a query in, hits out. Processes of their own decode the files of its terms.

batch      queries of several threads together  microbatch.py, answer.py
embed      terms -> vectors                     embed.py, encode.py
compose    sums of terms -> leaves              feedback.py, compose.py, question.py
search     leaves -> items, per modality        copies.py, retrieve.py, rank.py, algebra.py
page       items -> the items that are shown    near.py, page.py, cursor.py
explain    items -> hits                        explain.py, parts.py

locate     terms and one file -> places         locate.py
shared     what several engines have together   shared.py
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import NoIndexError
from omnisearch.query.expressions import Expression, ItemRef, Summand, Term
from omnisearch.query.query import Query
from omnisearch.search.answer import Outcome, answer_each, answered
from omnisearch.search.counts import ItemCounts, Totals, count_items, totals
from omnisearch.search.index import Index
from omnisearch.search.item_list import ItemPage, Selection, list_items
from omnisearch.search.item_text import TextPage, read_text
from omnisearch.search.locate.results import Located
from omnisearch.search.map import Map, is_stale
from omnisearch.search.microbatch import MicroBatcher
from omnisearch.search.plan.budget import UNLIMITED, Budget
from omnisearch.search.plan.embed import path_of
from omnisearch.search.shared import Shared
from omnisearch.search.warm_up import warm
from omnisearch.stores.base import Filter, Order, Payload
from omnisearch.types import Answer, Floats, Modality

BATCH = 16  # short queries that are answered together at most
T = TypeVar("T")


class Engine:
    """Answers queries against the index in use, also after another took its place. Safe to use from several threads."""

    def __init__(self, open_index: Callable[[], Index], shared: Shared, is_alone: bool = True) -> None:
        self._open_index = open_index
        self._index = open_index()
        self._shared, self._is_alone = shared, is_alone
        self._short = MicroBatcher[Query, Outcome](self.search_each, BATCH)
        self._replaced: list[Index] = []  # another thread may still be asking them
        self._replacing = threading.Lock()

    @classmethod
    def open(cls, settings: Settings, shared: Shared | None = None) -> "Engine":
        """Open the index of the settings with the model of the settings; other engines may share what `shared` holds.

        Raises:
            NotReadyError: nothing is indexed, the model is missing, or the index belongs to another model.
        """
        parts = shared or Shared(settings)
        return cls(lambda: Index.open(settings, parts.model), parts, shared is None)

    @property
    def model(self) -> OmniBind:
        """The model of the index in use."""
        return self._index.model

    def close(self) -> None:
        """Let go of the store, and stop the decoders unless other engines share them."""
        if self._is_alone:
            self._shared.close()
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

    def items(self, chosen: Selection, order: Order, limit: int, cursor: str = "") -> ItemPage:
        """List up to `limit` items in an order, from a cursor on.

        Raises:
            QueryError: `cursor` is none, or one of another list or index.
        """
        return self._ask(lambda index: list_items(index.store, chosen, order, limit, cursor))

    def text(self, item_id: str, limit: int, cursor: str = "") -> TextPage:
        """Return up to `limit` passages of the text of an item, from a cursor on.

        Raises:
            NotFoundError: no such item.
            NoTextError: the item is no text.
            QueryError: `cursor` is none, or one of another item or index.
        """
        return self._ask(lambda index: read_text(index.store, item_id, limit, cursor))

    def count_items(self, chosen: Selection) -> ItemCounts:
        """Count the items of a selection by modality, type, year and folder; an estimate where there are many."""
        return self._ask(lambda index: count_items(index.store, chosen))

    def totals(self) -> Totals:
        """Count the items and the segments of each modality."""
        return self._ask(lambda index: totals(index.store, index.model.modalities))

    def outdates(self, kept: Map) -> bool:
        """Whether the index has changed since a map of it was made."""
        return self._ask(lambda index: is_stale(kept, index.store))

    def counts(self) -> dict[Modality, int]:
        """How many segments of each modality are indexed."""
        return self._ask(lambda i: {m: i.store.count(Filter(modalities=(m,))) for m in i.model.modalities})

    def search(self, asked: Query | Expression, budget: Budget = UNLIMITED) -> Answer:
        """Answer a query: the hits of all its modalities in one list, most relevant first, one hit per item.

        A bare expression, `Term("a dog") + Term(path) - 0.5 * Term("puppy")`, is the query `Query(expression)`.
        Short queries that several threads ask at the same time are answered together.

        Raises:
            QueryError: it has no terms or no limit, its terms cancel out, it only says what not to find, or a file is
                longer than the budget allows.
            MediaError: a file term cannot be read, or has no such slice.
            NotFoundError: an item term is not in the index.
            StoppedError: the budget says so.
        """
        query = Query(asked) if isinstance(asked, Expression) else asked
        return answered(self._short.ask(query) if _is_short(query) else self.search_each([query], budget)[0])

    def search_many(self, asked: Sequence[Query | Expression], budget: Budget = UNLIMITED) -> list[Answer]:
        """Answer queries together: each distinct term is embedded once, and all sums share the calls of the store.

        Every answer's `took_ms` is that of them all. Raises what `search` raises, for the first query that is wrong.
        """
        return [answered(outcome) for outcome in self.search_each(asked, budget)]

    def search_each(self, asked: Sequence[Query | Expression], budget: Budget = UNLIMITED) -> list[Outcome]:
        """Answer queries together like `search_many`; a query that is wrong gets its error, and the others an answer.

        Raises:
            StoppedError: the budget says so.
        """
        return self._ask(lambda index: answer_each(index, self._shared.embedder, asked, budget))

    def warm(self, modalities: Iterable[Modality]) -> None:
        """Load the encoders of some modalities, which the first query of each would otherwise do."""
        warm(self.model, modalities)

    def embed(self, terms: Sequence[Term], budget: Budget = UNLIMITED) -> list[Floats]:
        """Return the unit vector (dim,) of each term, as a query of it alone would have it.

        Raises:
            QueryError: a file is longer than the budget allows.
            MediaError: a file term cannot be read, or has no such slice.
            NotFoundError: an item term is not in the index.
            StoppedError: the budget says so.
        """
        found = self._ask(lambda index: self._shared.embedder.embed(index, terms, budget=budget))
        return [found[term].vector for term in terms]

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
            return self._shared.locator.locate(index, query, path, limit, budget)

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


def _is_short(query: Query) -> bool:
    """Whether a query takes milliseconds. One that takes longer would hold up those that it is answered with."""
    return isinstance(query.expression, Summand) and not query.hybrid and not any(t.reads_file for t in query.terms)
