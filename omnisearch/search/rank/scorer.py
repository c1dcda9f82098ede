"""Scoring: an expression scores the segments of items, and items are ranked by their best segment."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from omnisearch.query.expressions import Expression, Sum
from omnisearch.search.plan.compose import QueryVector
from omnisearch.search.plan.exact_copies import CERTAIN
from omnisearch.search.rank.algebra import Odds, ScoredExpression, or_odds, score_expression
from omnisearch.search.rank.calibration import Calibration
from omnisearch.search.rank.lexical import QueryWords
from omnisearch.spaces.towers import unit
from omnisearch.stores.base import Scored
from omnisearch.types import Floats

_NONE: Mapping[Sum, Mapping[str, float]] = {}


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores segments of one modality: the query vectors of an expression, each with its calibration.

    `words` are the words of leaves that are also scored by BM25. `copies` are points of items that certainly match a
    leaf.
    """

    expression: Expression
    leaves: Mapping[Sum, QueryVector]
    calibrations: Mapping[Sum, Calibration]
    words: Mapping[Sum, QueryWords] = field(default_factory=dict)
    copies: Mapping[Sum, Sequence[Scored]] = field(default_factory=dict)

    def odds(self, leaf: Sum, scores: Floats, found: Floats | None = None) -> Odds:
        """Return the log-odds (n,) of segments with these cosines (n,), and BM25 scores (n,) where words count."""
        near = self.calibrations[leaf].odds(scores)
        return near if found is None else or_odds([near, self.words[leaf].odds(found)])

    def certainty(self, leaf: Sum, points: Sequence[Scored]) -> Odds:
        """Return the log-odds (n,) to add to segments whose items are copies of the query file."""
        copies = {point.payload.item_id for point in self.copies.get(leaf, ())}
        return np.array([CERTAIN if point.payload.item_id in copies else 0.0 for point in points])


@dataclass(frozen=True, eq=False)
class ScoredSegments:
    """Segments with their scores: `points` (n) with unit rows `vectors` (n, dim), `scores` (n,) by leaf.

    `found` are the BM25 scores (n,) of the leaves that have words.
    """

    scorer: Scorer
    points: Sequence[Scored]
    vectors: Floats
    scores: Mapping[Sum, Floats]
    expression: ScoredExpression
    found: Mapping[Sum, Floats] = field(default_factory=dict)


@dataclass(eq=False, slots=True)  # not frozen: that triples the time to make one, and a query makes hundreds
class RankedItem:
    """An item with its best segment, `row` of `scored`; `odds` is the logit of its relevance."""

    odds: float
    row: int
    scored: ScoredSegments

    @property
    def point(self) -> Scored:
        """The best segment."""
        return self.scored.points[self.row]


def rank(
    scorer: Scorer, points: Sequence[Scored], words: Mapping[Sum, Mapping[str, float]] = _NONE
) -> list[RankedItem]:
    """Score segments exactly and return their items, the most relevant first.

    `words` are the BM25 scores of points by their ids. Items that cannot match, such as pictures with THEN, are left
    out.
    """
    if not points:
        return []
    points = sorted(points, key=lambda p: (p.payload.item_id, p.payload.segment.index))
    vectors = unit(np.stack([_vector(point) for point in points]))
    # Not `vectors @ leaf`: a product's last bits depend on the other rows, and equal vectors must stay equal.
    scores: dict[Sum, Floats] = {s: (vectors * leaf.vector).sum(axis=1) for s, leaf in scorer.leaves.items()}
    found = {s: np.array([by_id.get(p.id, 0) for p in points], np.float32) for s, by_id in words.items()}
    odds = {s: scorer.odds(s, scores[s], found.get(s)) + scorer.certainty(s, points) for s in scores}
    ids = [point.payload.item_id for point in points]
    starts = [row for row, id_ in enumerate(ids) if row == 0 or ids[row - 1] != id_]
    runs = [slice(start, end) for start, end in zip(starts, [*starts[1:], len(ids)], strict=True)]
    timed = [run for run in runs if points[run.start].payload.segment.unit == "seconds"]
    scored = ScoredSegments(scorer, points, vectors, scores, score_expression(scorer.expression, odds, timed), found)
    every = scored.expression.odds.tolist()
    best = [max(range(run.start, run.stop), key=every.__getitem__) for run in runs]  # the first of equally good ones
    return in_order(RankedItem(every[row], row, scored) for row in best if every[row] > -np.inf)


def in_order(ranked: Iterable[RankedItem]) -> list[RankedItem]:
    """Sort items of all modalities by relevance; ties by id, so that the same query has the same answer."""
    return sorted(ranked, key=lambda entry: (-entry.odds, entry.point.payload.item_id))


def _vector(point: Scored) -> Floats:
    assert point.vector is not None
    return point.vector
