"""The engine: answers queries with hits. Files among the terms of a query are decoded in separate processes.

batch      queries of several threads together  microbatch.py, answer.py
embed      terms -> vectors                     plan/embed.py, plan/shared_encoding.py
compose    sums of terms -> query vectors       plan/feedback.py, plan/compose.py, plan/query_plan.py
search     query vectors -> ranked items        plan/exact_copies.py, rank/
page       ranked items -> items of a page      present/near_duplicates.py, present/page.py, present/cursor.py
explain    items of a page -> hits              present/explanation.py, present/best_segments.py

locate     terms and one file -> locations      locate/
shared     model and decoders of all engines    shared.py
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
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
from omnisearch.search.shuffled import Shuffle, shuffled_items
from omnisearch.search.suggestions import Suggestions
from omnisearch.search.warm_up import warm
from omnisearch.stores.base import Filter, Order, Payload
from omnisearch.types import Answer, Floats, Modality, Role

BATCH = 16  # the most short queries that are answered together
T = TypeVar("T")


class Engine:
    """Answers queries with the index in use, and reopens it when it was replaced. Safe to use from several threads."""

    def __init__(self, open_index: Callable[[], Index], shared: Shared, is_alone: bool = True) -> None:
        self._open_index = open_index
        self._index = open_index()
        self._shared, self._is_alone = shared, is_alone
        self._short = MicroBatcher[Query, Outcome](self.search_each, BATCH)
        self._replaced: list[Index] = []  # other threads may still read them
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
        """Close the store. Stop the decoders unless other engines share them."""
        if self._is_alone:
            self._shared.close()
        for index in (*self._replaced, self._index):
            index.store.close()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def item(self, item_id: str) -> tuple[Payload, ...]:
        """Return the payloads of all segments of an item, in order.

        Raises:
            NotFoundError: no such item.
        """
        return self._ask(lambda index: tuple(point.payload for point in index.item(item_id)))

    def first(self, item_id: str) -> Payload:
        """Return the payload of the first segment of an item, without its passage.

        Raises:
            NotFoundError: no such item.
        """
        return self._ask(lambda index: index.first(item_id))

    def items(self, chosen: Selection, order: Order | Shuffle, limit: int, cursor: str = "") -> ItemPage:
        """List up to `limit` items in an order, starting after `cursor`.

        Raises:
            QueryError: `cursor` is not valid, or belongs to another list or index.
        """
        if isinstance(order, Shuffle):
            return self._ask(lambda i: shuffled_items(i.store, _placed(chosen, i), order, limit, cursor))
        return self._ask(lambda i: list_items(i.store, _placed(chosen, i), order, limit, cursor))

    def text(self, item_id: str, limit: int, cursor: str = "") -> TextPage:
        """Return up to `limit` passages of the text of an item, starting after `cursor`.

        Raises:
            NotFoundError: no such item.
            NoTextError: the item is no text.
            QueryError: `cursor` is not valid, or belongs to another item or index.
        """
        return self._ask(lambda index: read_text(index.store, item_id, limit, cursor))

    def count_items(self, chosen: Selection) -> ItemCounts:
        """Count the items of a selection by modality, type, year and folder. Large counts are estimates."""
        return self._ask(lambda index: count_items(index.store, _placed(chosen, index)))

    def suggest(self, typed: str, limit: int) -> Suggestions:
        """Return up to `limit` names, labels and other texts of items that have the typed letters."""
        return self._ask(lambda index: index.vocabulary.suggest(typed, limit))

    def totals(self) -> Totals:
        """Count the items and the segments of each modality."""
        return self._ask(lambda index: totals(index.store, index.model.modalities))

    def outdates(self, kept: Map) -> bool:
        """Return whether the index has changed since a map of it was made."""
        return self._ask(lambda index: is_stale(kept, index.store))

    def counts(self) -> dict[Modality, int]:
        """Return the number of indexed segments of each modality."""
        return self._ask(lambda i: {m: i.store.count(Filter(modalities=(m,))) for m in i.model.modalities})

    def search(self, asked: Query | Expression, budget: Budget = UNLIMITED) -> Answer:
        """Answer a query: the hits of all its modalities in one list, most relevant first, one hit per item.

        A bare expression, `Term("a dog") + Term(path) - 0.5 * Term("puppy")`, is the query `Query(expression)`.
        Short queries that several threads ask at the same time are answered together.

        Raises:
            QueryError: the query has no terms or no limit, its terms cancel out, it only excludes, or a file is longer
                than the budget allows.
            MediaError: a file term cannot be read, or does not contain its slice.
            NotFoundError: an item term is not in the index.
            StoppedError: the budget's `stopped()` became true.
        """
        query = Query(asked) if isinstance(asked, Expression) else asked
        return answered(self._short.ask(query) if _is_short(query) else self.search_each([query], budget)[0])

    def search_many(self, asked: Sequence[Query | Expression], budget: Budget = UNLIMITED) -> list[Answer]:
        """Answer queries together: each distinct term is embedded once, and all sums share the calls of the store.

        `took_ms` of each answer is the time of the whole batch. Raises the first error of a query, as `search` does.
        """
        return [answered(outcome) for outcome in self.search_each(asked, budget)]

    def search_each(self, asked: Sequence[Query | Expression], budget: Budget = UNLIMITED) -> list[Outcome]:
        """Answer queries together like `search_many`, but return the error of a query in its place.

        Raises:
            StoppedError: the budget's `stopped()` became true.
        """
        return self._ask(lambda index: answer_each(index, self._shared.embedder, asked, budget))

    def warm(self, modalities: Iterable[Modality]) -> None:
        """Load the encoders of some modalities before the first query needs them."""
        warm(self.model, modalities)

    def embed(self, terms: Sequence[Term], budget: Budget = UNLIMITED, role: Role = Role.QUERY) -> list[Floats]:
        """Return the unit vector (dim,) of each term, texts in a role.

        As a query, it is the query vector of a query with this term alone.

        Raises:
            QueryError: a file is longer than the budget allows.
            MediaError: a file term cannot be read, or does not contain its slice.
            NotFoundError: an item term is not in the index.
            StoppedError: the budget's `stopped()` became true.
        """
        found = self._ask(lambda index: self._shared.embedder.embed(index, terms, budget=budget, role=role))
        return [found[term].vector for term in terms]

    def locate(
        self,
        query: Expression,
        source: Path | ItemRef,
        limit: int = 5,
        budget: Budget = UNLIMITED,
    ) -> Located:
        """Find up to `limit` locations that match in one file or in the file of an item. Runs on one file at a time.

        Raises:
            QueryError: terms cancel out, the file is a 3D model, THEN is used on a file without time, or a file among
                the terms is longer than the budget allows.
            MediaError: a file cannot be read.
            NotFoundError: an item is not in the index, or its file has changed since.
            StoppedError: the budget's `stopped()` became true.
        """

        def locate(index: Index) -> Located:
            path = source if isinstance(source, Path) else path_of(index, source)
            return self._shared.locator.locate(index, query, path, limit, budget)

        return self._ask(locate)

    def _ask(self, call: Callable[[Index], T]) -> T:
        """Call with the index in use. If that index is gone because it was rebuilt, open the new one and repeat."""
        index = self._index
        try:
            return call(index)
        except NoIndexError:
            return call(self._replacement(index))

    def _replacement(self, gone: Index) -> Index:
        with self._replacing:
            if self._index is gone:
                self._index = self._open_index()
                self._replaced.append(gone)
            return self._index


def _placed(chosen: Selection, index: Index) -> Selection:
    """Return a selection with the items in its area."""
    return replace(chosen, among=index.inside(chosen.area))


def _is_short(query: Query) -> bool:
    """Return whether a query takes only milliseconds. A longer one would delay the other queries of its batch."""
    return isinstance(query.expression, Summand) and not any(t.reads_file for t in query.terms)
