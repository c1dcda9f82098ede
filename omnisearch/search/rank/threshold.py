"""Fagin's threshold algorithm: the most relevant items of an expression, found by lists of segments for each leaf."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from omnisearch.query.expressions import Sum, Summand
from omnisearch.search.rank.algebra import bound_odds, or_odds
from omnisearch.search.rank.nearest_items import Page, Steps
from omnisearch.search.rank.scorer import Scorer, rank
from omnisearch.stores.base import Filter, Lookup, Scored
from omnisearch.types import Floats, Modality

# Segments that are looked up for each leaf of an expression: at first, and at most.
DEPTH, MAX_DEPTH = 64, 4096

# The segments nearest to a leaf, those with the nearest text vectors, those with the highest BM25, and the nearest of
# those with any of its words.
ListName: TypeAlias = Literal["near", "text", "worded", "near worded"]


@dataclass(frozen=True, eq=False)
class Retrieved:
    """The `page` of a lookup of at most `limit` segments."""

    page: Page
    limit: int

    @property
    def is_whole(self) -> bool:
        """Whether all segments of the lookup are in the page."""
        return len(self.page) < self.limit

    @property
    def last(self) -> Floats:
        """The lowest score (1,), which no segment outside of a full page exceeds."""
        return np.array([self.page[-1].score], np.float32)


Lists: TypeAlias = dict[ListName, Retrieved]


def threshold_steps(
    scorer: Scorer,
    limit: int,
    chosen: Filter,
    found: Mapping[Sum, Lists],
    rare: Mapping[Sum, Page],
) -> Steps:
    """Find the `limit` most relevant items among those that pass `chosen`, and what surely follows.

    `found` has the first lists of the leaves, and `rare` all segments with the words of some leaves. The segments in
    the lists are candidates. Every segment of a candidate's item is scored by every leaf; of a sum, only the
    candidates. The lists grow until no item outside of them can be among the first `limit`, or MAX_DEPTH segments were
    looked up for each leaf. Many segments with a common word have the same score, in no order, so these are also looked
    up by their vectors.
    """
    common = [leaf for leaf in scorer.words if leaf not in rare]
    depth, whole = max(DEPTH, 2 * limit), dict[str, Scored]()
    while True:
        asked = {
            (leaf, name): lookup
            for leaf, lists in found.items()
            for name, lookup in _lookups(scorer, leaf, depth, chosen, leaf in common).items()
            if name not in lists
        }
        if asked:
            for (leaf, name), page in zip(asked, (yield list(asked.values())), strict=True):
                found[leaf][name] = Retrieved(page, depth)
        pages = [each.page for lists in found.values() for each in lists.values()]
        points = _of_search(scorer, chosen, [*pages, *rare.values()])
        if not isinstance(scorer.expression, Summand):
            whole |= {point.id: point for point in points}
            if (others := _other_segments(scorer, whole.values(), chosen)) is not None:
                [page] = yield [others]
                whole |= {point.id: point for point in page}
            points = list(whole.values())
        scores = {leaf: scores_of(page) for leaf, page in rare.items()}
        if common and points:
            these = Filter(ids=tuple(point.id for point in points))
            scored = yield [Lookup(scorer.words[leaf].words, len(points), these) for leaf in common]
            scores |= {leaf: scores_of(page) for leaf, page in zip(common, scored, strict=True)}
        ranked = rank(scorer, points, scores)
        ceilings = {leaf: _ceiling(scorer, leaf, lists) for leaf, lists in found.items()}
        beyond = bound_odds(scorer.expression, ceilings, has_time=has_time(chosen))
        known = sum(entry.odds >= beyond for entry in ranked)
        if known >= limit or beyond == -np.inf or depth >= MAX_DEPTH:
            return ranked[: max(known, limit)]
        depth = min(4 * depth, MAX_DEPTH)
        found = {leaf: {} for leaf in found}


def with_copies(scorer: Scorer, points: Sequence[Scored]) -> list[Scored]:
    """Add the points that certainly match, and those whose texts were read, once each."""
    known = (*scorer.copies.values(), *scorer.exact.values(), *scorer.placed.values())
    found = {point.id: point for matches in known for point in matches}
    return list({**found, **{point.id: point for point in points}}.values())


def scores_of(page: Page) -> dict[str, float]:
    """Return the BM25 scores of a page by the ids of its points."""
    return {point.id: point.score for point in page}


def _of_search(scorer: Scorer, chosen: Filter, pages: Sequence[Page]) -> list[Scored]:
    """Return the points of the search's modality, with the copies of query files. Some pages are of all modalities."""
    points = (point for page in pages for point in page)
    return with_copies(scorer, [p for p in points if not chosen.modalities or p.place.modality in chosen.modalities])


def _lookups(scorer: Scorer, leaf: Sum, depth: int, chosen: Filter, common: bool) -> dict[ListName, Lookup]:
    near = Lookup(scorer.leaves[leaf].vector, depth, chosen)
    lookups: dict[ListName, Lookup] = {"near": near}
    if leaf in scorer.text_calibrations:
        lookups["text"] = replace(near, using="text")
    if common:
        wording = scorer.words[leaf]
        worded = Lookup(wording.words, depth, chosen)
        lookups["worded"] = replace(worded, least=wording.least)
        lookups["near worded"] = replace(near, among=replace(worded, limit=wording.points))
    return lookups


def _ceiling(scorer: Scorer, leaf: Sum, lists: Lists) -> float:
    """Return an upper bound of the log-odds of segments that are in none of the lists of a leaf."""
    near = lists["near"]
    if near.is_whole:
        return -np.inf
    has_more = "text" in lists and not lists["text"].is_whole
    text = [scorer.text_calibrations[leaf].odds(lists["text"].last)] if has_more else []
    nearest = or_odds([scorer.calibrations[leaf].odds(near.last), *text])
    if "worded" not in lists or lists["worded"].is_whole or lists["near worded"].is_whole:
        return float(nearest[0])
    cosine = np.minimum(near.last, lists["near worded"].last)
    most = scorer.words[leaf].odds(lists["worded"].last)
    with_words = or_odds([scorer.calibrations[leaf].odds(cosine), *text, most])
    return float(max(nearest, with_words)[0])


def has_time(chosen: Filter) -> bool:
    """Return whether some of the chosen items may be sounds or videos."""
    return not chosen.modalities or not {Modality.AUDIO, Modality.VIDEO}.isdisjoint(chosen.modalities)


def _other_segments(scorer: Scorer, points: Iterable[Scored], chosen: Filter) -> Lookup | None:
    """Return a lookup of the segments of those items that are not whole among the points; None if all are whole."""
    known = Counter(point.place.item_id for point in points)
    cut = {p.place.item_id: p.place.segments for p in points if p.place.segments > known[p.place.item_id]}
    if not cut:
        return None
    vector = next(iter(scorer.leaves.values())).vector  # any vector: the limit admits all of these segments
    return Lookup(vector, sum(cut.values()), replace(chosen, item_ids=tuple(cut)), exact=True)
