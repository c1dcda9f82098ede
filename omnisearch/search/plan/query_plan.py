"""The plan of a query: its vectors, a scorer for each modality, and the lookups to send to the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from omnisearch.errors import NotReadyError
from omnisearch.query.expressions import Sum, Term
from omnisearch.query.query import Query
from omnisearch.search.index import Index
from omnisearch.search.plan.compose import QueryVector, query_vector
from omnisearch.search.plan.embed import EmbeddedTerm
from omnisearch.search.plan.exact_copies import find_copies
from omnisearch.search.plan.exact_texts import find_named, find_phrases, find_placed
from omnisearch.search.present.cursor import MAX_DEPTH, PagePosition, digest, read_cursor
from omnisearch.search.present.near_duplicates import REACH
from omnisearch.search.present.order import cut_relevance
from omnisearch.search.rank.algebra import positive_leaves
from omnisearch.search.rank.calibration import Calibration
from omnisearch.search.rank.candidates import ModalitySearch, word_lookups
from omnisearch.search.rank.lexical import QueryWords, query_words
from omnisearch.search.rank.scorer import Scorer
from omnisearch.stores.base import Filter, Scored
from omnisearch.types import Modality

# The items of each modality that are fetched first for an order by date or name, and the most that are ordered.
SORTED = 64, 1024


@dataclass(frozen=True, eq=False)
class QueryPlan:
    """A query ready to run. `after` is the end of the previous page; `name` identifies the query in its cursors.

    `searched` is the number of segments among which it looks. `chosen` selects the items of all its modalities, and
    `words` are the words of its sums.
    """

    query: Query
    scorers: Mapping[Modality, Scorer]
    chosen: Filter
    searched: int
    name: str
    words: Mapping[Sum, QueryWords]
    after: PagePosition | None = None

    @property
    def depth(self) -> int:
        """The number of items of each modality to fetch first for a page.

        All relevant items are needed for an order by date or name, and how many there are is not known. Every page
        begins with the same number, so that all pages are made of the same items.
        """
        if self.query.has_cut:
            return SORTED[0]
        before = self.after.depth if self.after else 0
        return min(before + self.query.limit + 2 + (REACH if self.query.fold else 0), MAX_DEPTH)

    @property
    def cut(self) -> float:
        """The relevance below which items are expected by chance."""
        return cut_relevance(self.query, self.searched)

    @property
    def least(self) -> float:
        """The least relevance of a hit."""
        return self.cut if self.query.has_cut else self.query.min_relevance

    @property
    def most(self) -> int:
        """The most items of each modality to fetch for a page."""
        return SORTED[1] if self.query.has_cut else MAX_DEPTH

    def searches(self, depth: int) -> list[ModalitySearch]:
        """Return the searches for `depth` items of each modality."""
        worded = word_lookups(self.words, self.chosen, self.query.explain)
        return [
            ModalitySearch(scorer, depth, replace(self.chosen, modalities=(m,)), worded)
            for m, scorer in self.scorers.items()
        ]


def plan_query(index: Index, query: Query, embedded: Mapping[Term, EmbeddedTerm]) -> QueryPlan:
    """Plan a query for an index.

    Raises:
        QueryError: the terms cancel out, the query only excludes, or its cursor belongs to another query.
        NotFoundError: the query has an area, and there is no map.
        NotReadyError: the query has conditions, and the index is too old for them. Words are ignored in such an index.
    """
    old = index.undescribed()
    if query.where and old:
        raise NotReadyError(
            f"{old:,} segments were indexed by a version without conditions and keywords: run `omnisearch index PATH` "
            f"once, which records size, time and path of every file and encodes none"
        )
    positive_leaves(query.expression)  # raises here, before the query shares calls of the store with others
    leaves = {total: query_vector(total, embedded) for total in query.expression.leaves}
    points = index.count() if query.words and not old else 0
    words = {total: found for total in leaves if points and (found := query_words(total, points))}
    own = {item for term in query.terms if (item := embedded[term].item_id)}
    excluded = () if query.include_self else tuple(sorted(own))
    chosen = Filter(exclude_item_ids=excluded, where=query.where, among=index.inside(query.area))
    texts = _texts(index, leaves, embedded) if query.words else {}
    named, exact = _exact(index, leaves, chosen) if points else ({}, {})
    placed = {total: find_placed(index.store, wording, chosen) for total, wording in words.items()}
    scorers = {
        modality: Scorer(
            query.expression,
            leaves,
            {total: index.calibration(found.vector, found.shares, modality) for total, found in leaves.items()},
            words,
            copies=_copies(index, leaves, embedded, chosen, modality) | _within(named, modality),
            text_calibrations={} if modality is Modality.TEXT else texts,
            exact=_within(exact, modality),
            placed=_within(placed, modality),
        )
        for modality in query.modalities
        if modality in index.model.modalities
    }
    name = digest(query, embedded, index.store.collection)
    after = read_cursor(query.cursor, name, query.sort) if query.cursor else None
    if not scorers.keys() >= set(index.model.modalities):
        chosen = replace(chosen, modalities=tuple(scorers))
    searched = index.searched(replace(chosen, modalities=tuple(scorers)))
    return QueryPlan(query, scorers, chosen, searched, name, words, after)


def _exact(
    index: Index, leaves: Mapping[Sum, QueryVector], chosen: Filter
) -> tuple[dict[Sum, list[Scored]], dict[Sum, list[Scored]]]:
    """Return points of the items that the sums name, and the segments with their phrases."""
    named = {total: find_named(index.store, query, chosen) for total, query in leaves.items()}
    return named, {total: find_phrases(index.store, total, chosen) for total in leaves}


def _within(found: Mapping[Sum, Sequence[Scored]], modality: Modality) -> dict[Sum, list[Scored]]:
    within = {total: [p for p in points if p.place.modality is modality] for total, points in found.items()}
    return {total: points for total, points in within.items() if points}


def _texts(
    index: Index, leaves: Mapping[Sum, QueryVector], embedded: Mapping[Term, EmbeddedTerm]
) -> dict[Sum, Calibration]:
    """Return the calibrations of the sums with a text, in texts, if segments of other media have text vectors."""
    if Modality.TEXT not in index.model.modalities or not index.has_texts():
        return {}
    return {
        total: index.calibration(found.vector, found.shares, Modality.TEXT)
        for total, found in leaves.items()
        if any(term.weight > 0 and embedded[term].modality is Modality.TEXT for term in total.terms)
    }


def _copies(
    index: Index,
    leaves: Mapping[Sum, QueryVector],
    embedded: Mapping[Term, EmbeddedTerm],
    chosen: Filter,
    modality: Modality,
) -> dict[Sum, list[Scored]]:
    """Return the copies of the files in the leaves. A file has copies only in its own modality."""
    asked = {total: embedded[total.terms[0]] for total in leaves}
    found = {
        total: find_copies(index.store, total, first, replace(chosen, modalities=(modality,)))
        for total, first in asked.items()
        if first.modality is modality
    }
    return {total: points for total, points in found.items() if points}
