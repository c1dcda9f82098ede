"""Ranking: segments are judged by an expression, and items stand in the order of their best one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from omnisearch.query.expressions import Expression, Sum
from omnisearch.search.plan.compose import Leaf
from omnisearch.search.plan.exact_copies import CERTAIN
from omnisearch.search.rank.algebra import Judged, Odds, either, judge
from omnisearch.search.rank.calibration import Calibration
from omnisearch.search.rank.lexical import Wording
from omnisearch.spaces.towers import unit
from omnisearch.stores.base import Scored
from omnisearch.types import Floats

_NONE: Mapping[Sum, Mapping[str, float]] = {}


@dataclass(frozen=True, eq=False)
class Judge:
    """What one query asks of one modality: its leaves as vectors, and what their scores mean there.

    `words` are those of the leaves whose words count as well. `copies` are points of the items that are certain
    matches of a leaf.
    """

    expression: Expression
    leaves: Mapping[Sum, Leaf]
    calibrations: Mapping[Sum, Calibration]
    words: Mapping[Sum, Wording] = field(default_factory=dict)
    copies: Mapping[Sum, Sequence[Scored]] = field(default_factory=dict)

    def odds(self, leaf: Sum, scores: Floats, found: Floats | None = None) -> Odds:
        """Return the log-odds (n,) of segments with these cosines (n,), and BM25 scores (n,) where words count."""
        near = self.calibrations[leaf].odds(scores)
        return near if found is None else either([near, self.words[leaf].odds(found)])

    def certainty(self, leaf: Sum, points: Sequence[Scored]) -> Odds:
        """Return the log-odds (n,) to add to segments whose items are copies of the query file."""
        copies = {point.payload.item_id for point in self.copies.get(leaf, ())}
        return np.array([CERTAIN if point.payload.item_id in copies else 0.0 for point in points])


@dataclass(frozen=True, eq=False)
class Verdict:
    """Segments with what was made of them: `points` (n) with unit rows `vectors` (n, dim), `scores` (n,) by leaf.

    `found` are the BM25 scores (n,) of the leaves whose words count.
    """

    judge: Judge
    points: Sequence[Scored]
    vectors: Floats
    scores: Mapping[Sum, Floats]
    judged: Judged
    found: Mapping[Sum, Floats] = field(default_factory=dict)


@dataclass(eq=False, slots=True)  # not frozen, which triples the time to make one: a query makes hundreds
class Ranked:
    """An item by its best segment, `row` of the verdict; `odds` is the logit of its relevance."""

    odds: float
    row: int
    verdict: Verdict

    @property
    def point(self) -> Scored:
        """The segment that decided."""
        return self.verdict.points[self.row]


def rank(judge_: Judge, points: Sequence[Scored], words: Mapping[Sum, Mapping[str, float]] = _NONE) -> list[Ranked]:
    """Judge segments exactly, those of an item together, and return the items in order, the most relevant first.

    `words` are the BM25 scores of points by their ids. What cannot match at all, as a picture cannot match THEN, is
    left out.
    """
    if not points:
        return []
    points = sorted(points, key=lambda p: (p.payload.item_id, p.payload.segment.index))
    vectors = unit(np.stack([_vector(point) for point in points]))
    # Not `vectors @ leaf`: a product's last bits depend on the other rows, and equal vectors must stay equal.
    scores: dict[Sum, Floats] = {s: (vectors * leaf.vector).sum(axis=1) for s, leaf in judge_.leaves.items()}
    found = {s: np.array([by_id.get(p.id, 0) for p in points], np.float32) for s, by_id in words.items()}
    odds = {s: judge_.odds(s, scores[s], found.get(s)) + judge_.certainty(s, points) for s in scores}
    ids = [point.payload.item_id for point in points]
    starts = [row for row, id_ in enumerate(ids) if row == 0 or ids[row - 1] != id_]
    runs = [slice(start, end) for start, end in zip(starts, [*starts[1:], len(ids)], strict=True)]
    timed = [run for run in runs if points[run.start].payload.segment.unit == "seconds"]
    verdict = Verdict(judge_, points, vectors, scores, judge(judge_.expression, odds, timed), found)
    every = verdict.judged.odds.tolist()
    best = [max(range(run.start, run.stop), key=every.__getitem__) for run in runs]  # the first of equal ones
    return in_order(Ranked(every[row], row, verdict) for row in best if every[row] > -np.inf)


def in_order(ranked: Iterable[Ranked]) -> list[Ranked]:
    """Sort by relevance, whatever the modality; ties by id, so that the same question has the same answer."""
    return sorted(ranked, key=lambda entry: (-entry.odds, entry.point.payload.item_id))


def _vector(point: Scored) -> Floats:
    assert point.vector is not None
    return point.vector
