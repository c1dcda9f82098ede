"""Scoring: an expression scores the segments of items, and items are ranked by their best segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import numpy as np

from omnisearch.query.expressions import Expression, Sum, Summand
from omnisearch.search.plan.compose import QueryVector
from omnisearch.search.plan.exact_copies import CERTAIN
from omnisearch.search.rank.algebra import Odds, Rows, ScoredExpression, or_odds, score_expression
from omnisearch.search.rank.calibration import Calibration
from omnisearch.search.rank.lexical import QueryWords
from omnisearch.spaces.towers import unit
from omnisearch.stores.base import Scored
from omnisearch.types import Floats

_PLACE = attrgetter("place")
_NONE: Mapping[Sum, Mapping[str, float]] = {}


@dataclass(frozen=True, eq=False)
class Scorer:
    """Scores segments of one modality: the query vectors of an expression, each with its calibration.

    `words` are the words of leaves that are also scored by BM25. `text_calibrations` are those of leaves that are also
    compared with the text vectors of segments. `copies` are points of items that certainly match a leaf, and `exact`
    are segments that do. `placed` are segments whose score has the places of their words, beside BM25.
    """

    expression: Expression
    leaves: Mapping[Sum, QueryVector]
    calibrations: Mapping[Sum, Calibration]
    words: Mapping[Sum, QueryWords] = field(default_factory=dict)
    copies: Mapping[Sum, Sequence[Scored]] = field(default_factory=dict)
    text_calibrations: Mapping[Sum, Calibration] = field(default_factory=dict)
    exact: Mapping[Sum, Sequence[Scored]] = field(default_factory=dict)
    placed: Mapping[Sum, Sequence[Scored]] = field(default_factory=dict)

    def odds(self, leaf: Sum, scores: Floats, words: Floats | None = None, texts: Floats | None = None) -> Odds:
        """Return the log-odds (n,) of segments with these cosines (n,).

        `words` (n,) are the scores of their words, for a leaf with words. `texts` (n,) are the cosines of their text
        vectors, NaN for segments without one.
        """
        parts = [self.calibrations[leaf].odds(scores)]
        if texts is not None:
            parts.append(np.where(np.isnan(texts), -np.inf, self.text_calibrations[leaf].odds(np.nan_to_num(texts))))
        if words is not None:
            parts.append(self.words[leaf].odds(words))
        return parts[0] if len(parts) == 1 else or_odds(parts)

    def certainty(self, leaf: Sum, points: Sequence[Scored]) -> Odds:
        """Return the log-odds (n,) to add to segments that match exactly, or whose items do."""
        copies = {point.place.item_id for point in self.copies.get(leaf, ())}
        exact = {point.id for point in self.exact.get(leaf, ())}
        if not (copies or exact):
            return np.zeros(len(points))
        return np.array([CERTAIN * (point.place.item_id in copies or point.id in exact) for point in points], float)


@dataclass(frozen=True, eq=False)
class ScoredSegments:
    """Segments with their scores: `points` (n) with unit rows `vectors` (n, dim), `scores` (n,) by leaf.

    `word_scores` are the BM25 scores (n,) of the leaves that have words, and `text_scores` the cosines (n,) of the text
    vectors, NaN where there is none.
    """

    scorer: Scorer
    points: Sequence[Scored]
    vectors: Floats
    scores: Mapping[Sum, Floats]
    expression: ScoredExpression
    word_scores: Mapping[Sum, Floats] = field(default_factory=dict)
    text_scores: Mapping[Sum, Floats] = field(default_factory=dict)


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
    """Score segments exactly and return their items, the most relevant first; ties by id.

    `words` are the BM25 scores of points by their ids. Items that cannot match, such as pictures with THEN, are left
    out.
    """
    if not points:
        return []
    points = sorted(points, key=_PLACE)
    vectors = np.array([point.vector for point in points])
    # Not `vectors @ leaf`: a product's last bits depend on the other rows, and equal vectors must stay equal.
    scores: dict[Sum, Floats] = {s: (vectors * leaf.vector).sum(axis=1) for s, leaf in scorer.leaves.items()}
    placed = {s: {p.id: p.score for p in found} for s, found in scorer.placed.items()}
    by_leaf = {s: {**words.get(s, {}), **placed.get(s, {})} for s in scorer.leaves if s in words or s in placed}
    found = {s: np.array([by_id.get(p.id, 0) for p in points], np.float32) for s, by_id in by_leaf.items()}
    texts = {s: _text_scores(points, scorer.leaves[s].vector) for s in scorer.text_calibrations}
    odds = {s: scorer.odds(s, scores[s], found.get(s), texts.get(s)) + scorer.certainty(s, points) for s in scores}
    ids = [point.place.item_id for point in points]
    starts = [0, *(row for row, (id_, before) in enumerate(zip(ids[1:], ids, strict=False), 1) if id_ != before)]
    runs = map(slice, starts, [*starts[1:], len(ids)])
    has_runs = not isinstance(scorer.expression, Summand)  # THEN is among operands
    timed = [run for run in runs if points[run.start].place.unit == "seconds"] if has_runs else []
    expression = score_expression(scorer.expression, odds, timed)
    scored = ScoredSegments(scorer, points, vectors, scores, expression, found, texts)
    best = _best_rows(expression.odds, starts)
    # The sort is stable, and rows are sorted by id: the same query has the same answer, also where items tie.
    best = best[np.argsort(-expression.odds[best], kind="stable")]
    ranked = zip(expression.odds[best].tolist(), best.tolist(), strict=True)
    return [RankedItem(each, row, scored) for each, row in ranked if each > -np.inf]


def _best_rows(odds: Odds, starts: Sequence[int]) -> Rows:
    """Return the row with the highest odds of each item, which begins at one of `starts`; the first of equals."""
    if len(starts) == len(odds):
        return np.arange(len(odds))
    lengths = np.diff([*starts, len(odds)])
    best = np.flatnonzero(odds == np.repeat(np.maximum.reduceat(odds, starts), lengths))
    return best[np.unique(np.repeat(np.arange(len(starts)), lengths)[best], return_index=True)[1]]


def _text_scores(points: Sequence[Scored], vector: Floats) -> Floats:
    found = np.full(len(points), np.nan, np.float32)
    having = [(row, text) for row, point in enumerate(points) if (text := point.text_vector) is not None]
    if having:
        found[[row for row, _ in having]] = (unit(np.stack([text for _, text in having])) * vector).sum(axis=1)
    return found
