"""Candidates: look up the items that can be hits of a query in one modality, and rank them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from omnisearch.query.expressions import Sum, Summand
from omnisearch.search.rank.algebra import bound_odds, positive_leaves
from omnisearch.search.rank.lexical import QueryWords
from omnisearch.search.rank.nearest_items import NearestItems, Page, Steps
from omnisearch.search.rank.scorer import RankedItem, Scorer, rank
from omnisearch.search.rank.threshold import DEPTH, Lists, Retrieved, has_time, scores_of, threshold_steps, with_copies
from omnisearch.stores.base import Filter, Lookup, VectorStore

# Words are rare if at most this many segments of all modalities have so many of them that they are evidence.
RARE = 127


@dataclass(frozen=True, eq=False)
class ModalitySearch:
    """A search in one modality for at least the `limit` most relevant items among those that pass `chosen`.

    `worded` are the `word_lookups` of the query, which its searches share.
    """

    scorer: Scorer
    limit: int
    chosen: Filter
    worded: Mapping[Sum, Lookup] = field(default_factory=dict)


def word_lookups(words: Mapping[Sum, QueryWords], chosen: Filter, explain: bool = False) -> dict[Sum, Lookup]:
    """Return a lookup for each sum with words, which finds all segments with its words if they are rare.

    Segments in which the words are no evidence are left out, unless their scores are wanted for an explanation.
    `chosen` selects the segments of all modalities of a query: one lookup for all costs less than one for each.
    """
    return {
        total: Lookup(wording.words, RARE + 1, chosen, least=None if explain else wording.least)
        for total, wording in words.items()
    }


def run_searches(store: VectorStore, searches: Sequence[ModalitySearch]) -> list[list[RankedItem]]:
    """Return the most relevant items of each search. The searches of all queries share calls of the store."""
    steps = [_steps(search) for search in searches]
    found: list[list[RankedItem]] = [[] for _ in searches]
    open_ = {n: next(step) for n, step in enumerate(steps)}
    while open_:
        asked = list({id(lookup): lookup for lookups in open_.values() for lookup in lookups}.values())
        answers = zip(asked, store.search(asked, with_vectors=True) if asked else (), strict=True)
        pages = {id(lookup): page for lookup, page in answers}
        following: dict[int, Sequence[Lookup]] = {}
        for n, lookups in open_.items():
            try:
                following[n] = steps[n].send([pages[id(lookup)] for lookup in lookups])
            except StopIteration as end:
                found[n] = end.value
        open_ = following
    return found


def _steps(search: ModalitySearch) -> Steps:
    if isinstance(search.scorer.expression, Summand):
        return _sum_steps(search)
    return _expression_steps(search)


def _sum_steps(search: ModalitySearch) -> Steps:
    """Find the items nearest to a sum, and all items with its words if these are rare and no segment has a text vector.

    A segment of no such item has no words, and is not nearer than the last item.
    """
    scorer, limit, chosen = search.scorer, search.limit, search.chosen
    ((leaf, query),) = scorer.leaves.items()
    near = NearestItems(query.vector, limit, chosen)
    lookup = near.lookup
    texts = []
    if leaf in scorer.text_calibrations:
        lookup = Lookup(query.vector, max(DEPTH, 2 * limit), chosen)
        texts = [replace(lookup, using="text")]
    page, *pages = yield [lookup, *search.worded.values(), *texts]
    rare, text_page = _rare(search, pages[: len(search.worded)]), pages[-1] if texts else ()
    if leaf in scorer.words.keys() - rare.keys() or text_page:
        lists: Lists = {"near": Retrieved(page, lookup.limit)}
        if texts:
            lists["text"] = Retrieved(text_page, lookup.limit)
        if leaf in scorer.words and leaf not in rare:
            lists["worded"] = Retrieved(pages[0], RARE + 1)
        return (yield from threshold_steps(scorer, limit, chosen, {leaf: lists}, rare))
    near.take(lookup.limit, page)
    while not near.done:
        lookup = near.lookup
        [page] = yield [lookup]
        near.take(lookup.limit, page)
    worded = rare.get(leaf, ())
    ranked = rank(scorer, with_copies(scorer, [*near.points, *worded]), {leaf: scores_of(worded)} if worded else {})
    if not (worded or scorer.placed) or len(near.points) < limit:
        return ranked
    beyond = scorer.calibrations[leaf].odds(np.array([near.points[-1].score], np.float32))[0]
    return ranked[: max(limit, sum(entry.odds >= beyond for entry in ranked))]


def _expression_steps(search: ModalitySearch) -> Steps:
    scorer, limit, chosen = search.scorer, search.limit, search.chosen
    if bound_odds(scorer.expression, dict.fromkeys(scorer.leaves, np.inf), has_time=has_time(chosen)) == -np.inf:
        yield []
        return []
    seekers, depth = positive_leaves(scorer.expression), max(DEPTH, 2 * limit)
    pages = yield [*(Lookup(scorer.leaves[leaf].vector, depth, chosen) for leaf in seekers), *search.worded.values()]
    worded = dict(zip(search.worded, pages[len(seekers) :], strict=True))
    rare = _rare(search, list(worded.values()))
    found: dict[Sum, Lists] = {}
    for leaf, page in zip(seekers, pages, strict=False):
        found[leaf] = {"near": Retrieved(page, depth)}
        if leaf in scorer.words and leaf not in rare:
            found[leaf]["worded"] = Retrieved(worded[leaf], RARE + 1)
    return (yield from threshold_steps(scorer, limit, chosen, found, rare))


def _rare(search: ModalitySearch, pages: Sequence[Page]) -> dict[Sum, Page]:
    """Return all segments of the modality with the words of each leaf, except for leaves with common words."""
    wanted = search.chosen.modalities
    return {
        leaf: [point for point in page if not wanted or point.place.modality in wanted]
        for (leaf, lookup), page in zip(search.worded.items(), pages, strict=True)
        if len(page) < lookup.limit or search.scorer.words[leaf].odds(Retrieved(page, 1).last)[0] == -np.inf
    }
