"""Candidates: look up the items that can be hits of a query in one modality, and rank them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from omnisearch.query.expressions import Sum, Summand
from omnisearch.search.rank.algebra import bound_odds, or_odds, positive_leaves
from omnisearch.search.rank.scorer import RankedItem, Scorer, rank
from omnisearch.stores.base import Filter, Lookup, Scored, VectorStore
from omnisearch.types import Floats

# Segments that are looked up for each leaf of an expression: at first, and at most.
DEPTH, MAX_DEPTH = 64, 4096


@dataclass
class NearestItems:
    """Collects the best segment of each of the `limit` items nearest to `vector` (dim,) that pass `chosen`.

    The store ranks segments, and a long item can fill a page. So items already seen are excluded and the lookup is
    repeated until enough items are found.
    """

    vector: Floats
    limit: int
    chosen: Filter
    best: dict[str, Scored] = field(default_factory=dict)
    done: bool = False

    @property
    def lookup(self) -> Lookup:
        """The next lookup to send to the store."""
        excluded = (*self.chosen.exclude_item_ids, *self.best)
        # Points are expensive and most items have one segment, so few extra points are fetched in one lookup.
        return Lookup(self.vector, self.limit - len(self.best) + 8, replace(self.chosen, exclude_item_ids=excluded))

    def take(self, wanted: int, page: Sequence[Scored]) -> None:
        """Add the result of a lookup with the limit `wanted`."""
        for point in page:
            self.best.setdefault(point.payload.item_id, point)
        self.done = len(self.best) >= self.limit or len(page) < wanted

    @property
    def points(self) -> list[Scored]:
        """The best segments found, one per item."""
        return list(self.best.values())[: self.limit]


def fetch_all(store: VectorStore, searches: Sequence[NearestItems]) -> None:
    """Call the store until every search is complete. Each round is one call for all of them."""
    while open_ := [search for search in searches if not search.done]:
        lookups = [search.lookup for search in open_]
        for search, lookup, page in zip(open_, lookups, store.search(lookups, with_vectors=True), strict=True):
            search.take(lookup.limit, page)


@dataclass(frozen=True, eq=False)
class ModalitySearch:
    """A search in one modality for at least the `limit` most relevant items among those that pass `chosen`."""

    scorer: Scorer
    limit: int
    chosen: Filter


def run_searches(store: VectorStore, searches: Sequence[ModalitySearch]) -> list[list[RankedItem]]:
    """Return the most relevant items of each search. Sums of different queries share calls of the store."""
    sums: dict[int, NearestItems] = {}
    for n, search in enumerate(searches):
        if isinstance(search.scorer.expression, Summand) and not search.scorer.words:
            (leaf,) = search.scorer.leaves.values()
            sums[n] = NearestItems(leaf.vector, search.limit, search.chosen)
    fetch_all(store, list(sums.values()))
    return [
        rank(search.scorer, with_copies(search.scorer, sums[n].points))
        if n in sums
        else search_expression(store, search.scorer, search.limit, search.chosen)
        for n, search in enumerate(searches)
    ]


def search_expression(store: VectorStore, scorer: Scorer, limit: int, chosen: Filter) -> list[RankedItem]:
    """Return the most relevant items of an expression with operators or words: `limit`, and what surely follows.

    The items near its leaves, and those with their words, are candidates, and every segment of a candidate is scored
    by every leaf. The candidates grow until no item outside of them can be among the first `limit` (Fagin's threshold
    algorithm), or MAX_DEPTH segments were looked up for each leaf. Many items with the same word have the same
    score, in no order, so the items with words are also looked up by their vectors.
    """
    seekers = positive_leaves(scorer.expression)
    depth = max(DEPTH, 2 * limit)
    while True:
        asked = {leaf: _lookups(scorer, leaf, depth, chosen) for leaf in seekers}
        pages = iter(store.search([lookup for lookups in asked.values() for lookup in lookups], with_vectors=True))
        found = {leaf: [next(pages) for _ in lookups] for leaf, lookups in asked.items()}
        near = [point for lists in found.values() for page in lists for point in page]
        points = whole_items(store, with_copies(scorer, near), chosen)
        ranked = rank(scorer, points, word_scores(store, scorer, points))
        beyond = bound_odds(scorer.expression, {leaf: _ceiling(scorer, leaf, found[leaf], depth) for leaf in seekers})
        known = sum(entry.odds >= beyond for entry in ranked)
        if known >= limit or beyond == -np.inf or depth >= MAX_DEPTH:
            return ranked[: max(known, limit)]
        depth = min(4 * depth, MAX_DEPTH)


def with_copies(scorer: Scorer, points: Sequence[Scored]) -> list[Scored]:
    """Add the copies of query files, once each."""
    found = {point.id: point for copies in scorer.copies.values() for point in copies}
    return list({**found, **{point.id: point for point in points}}.values())


def _lookups(scorer: Scorer, leaf: Sum, depth: int, chosen: Filter) -> list[Lookup]:
    """Return the lookups of a leaf: by vector and, if it has words, by BM25 and by vector among segments with one."""
    near = Lookup(scorer.leaves[leaf].vector, depth, chosen)
    if leaf not in scorer.words:
        return [near]
    wording = scorer.words[leaf]
    worded = Lookup(wording.words, depth, chosen)
    return [near, worded, replace(near, among=replace(worded, limit=wording.points))]


def _ceiling(scorer: Scorer, leaf: Sum, pages: Sequence[Sequence[Scored]], depth: int) -> float:
    """Return an upper bound of the log-odds of segments that are in none of the pages of a leaf.

    A page that is not full has all segments of its lookup.
    """
    near, *worded = pages
    if len(near) < depth:
        return -np.inf
    nearest = scorer.calibrations[leaf].odds(_last(near))
    if not worded or any(len(page) < depth for page in worded):
        return float(nearest[0])
    most, nearest_worded = worded
    cosine = np.minimum(_last(near), _last(nearest_worded))
    with_words = or_odds([scorer.calibrations[leaf].odds(cosine), scorer.words[leaf].odds(_last(most))])
    return float(max(nearest, with_words)[0])


def _last(page: Sequence[Scored]) -> Floats:
    return np.array([page[-1].score], np.float32)


def word_scores(store: VectorStore, scorer: Scorer, points: Sequence[Scored]) -> dict[Sum, dict[str, float]]:
    """Return the BM25 score of every point that has a word of a leaf, by leaf and id."""
    if not scorer.words or not points:
        return {}
    chosen = Filter(item_ids=tuple({point.payload.item_id for point in points}))
    lookups = [Lookup(wording.words, len(points), chosen) for wording in scorer.words.values()]
    pages = store.search(lookups)
    return {leaf: {p.id: p.score for p in page} for leaf, page in zip(scorer.words, pages, strict=True)}


def whole_items(store: VectorStore, points: Sequence[Scored], chosen: Filter) -> list[Scored]:
    """Return the points once each, together with the other segments of their items that pass `chosen`."""
    found = {point.id: point for point in points}
    cut = tuple({point.payload.item_id for point in points if point.payload.segments > 1})
    if cut:
        for point in store.scroll(replace(chosen, item_ids=cut), with_vectors=True):
            found.setdefault(point.id, Scored(point.id, np.nan, point.payload, point.vector))
    return list(found.values())
