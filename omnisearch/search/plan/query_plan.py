"""The plan of a query: its vectors, a scorer for each modality, and the lookups to send to the store."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from omnisearch.errors import NotReadyError
from omnisearch.query.expressions import Sum, Term
from omnisearch.query.query import Query
from omnisearch.search.index import Index
from omnisearch.search.plan.compose import QueryVector, query_vector
from omnisearch.search.plan.embed import EmbeddedTerm
from omnisearch.search.plan.exact_copies import find_copies
from omnisearch.search.present.cursor import MAX_DEPTH, PagePosition, digest, read_cursor
from omnisearch.search.present.near_duplicates import REACH
from omnisearch.search.rank.algebra import positive_leaves
from omnisearch.search.rank.candidates import ModalitySearch
from omnisearch.search.rank.lexical import query_words
from omnisearch.search.rank.scorer import Scorer
from omnisearch.stores.base import Filter, Scored
from omnisearch.types import Modality


@dataclass(frozen=True, eq=False)
class QueryPlan:
    """A query ready to run. `after` is the end of the previous page; `name` identifies the query in its cursors."""

    query: Query
    scorers: Mapping[Modality, Scorer]
    chosen: Filter
    name: str
    after: PagePosition | None = None

    @property
    def depth(self) -> int:
        """The number of items of each modality to fetch first for a page."""
        before = self.after.depth if self.after else 0
        return min(before + self.query.limit + 2 + (REACH if self.query.fold else 0), MAX_DEPTH)

    def searches(self, depth: int) -> list[ModalitySearch]:
        """Return the searches for `depth` items of each modality."""
        return [
            ModalitySearch(scorer, depth, replace(self.chosen, modalities=(m,))) for m, scorer in self.scorers.items()
        ]


def plan_query(index: Index, query: Query, embedded: Mapping[Term, EmbeddedTerm]) -> QueryPlan:
    """Plan a query for an index.

    Raises:
        QueryError: the terms cancel out, the query only excludes, or its cursor belongs to another query.
        NotReadyError: the query has conditions or is hybrid, and the index is too old for either.
    """
    if (query.where or query.hybrid) and (old := index.store.undescribed()):
        raise NotReadyError(
            f"{old:,} segments were indexed by a version without conditions and keywords: run `omnisearch index PATH` "
            f"once, which records size, time and path of every file and encodes none"
        )
    positive_leaves(query.expression)  # raises here, before the query shares calls of the store with others
    leaves = {total: query_vector(total, embedded) for total in query.expression.leaves}
    points = index.store.count() if query.hybrid else 0
    words = {total: found for total in leaves if query.hybrid and (found := query_words(total, points))}
    own = {item for term in query.terms if (item := embedded[term].item_id)}
    chosen = Filter(exclude_item_ids=() if query.include_self else tuple(sorted(own)), where=query.where)
    scorers = {
        modality: Scorer(
            query.expression,
            leaves,
            {total: index.calibration(found.vector, found.shares, modality) for total, found in leaves.items()},
            words,
            _copies(index, leaves, embedded, replace(chosen, modalities=(modality,))),
        )
        for modality in query.modalities
        if modality in index.model.modalities
    }
    name = digest(query, embedded, index.store.collection)
    return QueryPlan(query, scorers, chosen, name, read_cursor(query.cursor, name) if query.cursor else None)


def _copies(
    index: Index, leaves: Mapping[Sum, QueryVector], embedded: Mapping[Term, EmbeddedTerm], chosen: Filter
) -> dict[Sum, list[Scored]]:
    """Return the copies of the files in the leaves. A file has copies only in its own modality."""
    asked = {total: embedded[total.terms[0]] for total in leaves}
    found = {
        total: find_copies(index.store, total, first, chosen)
        for total, first in asked.items()
        if first.modality in chosen.modalities
    }
    return {total: points for total, points in found.items() if points}
