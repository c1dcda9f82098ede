"""The best segments of a hit, merged if they touch."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from operator import attrgetter

import numpy as np

from omnisearch.query.expressions import Summand
from omnisearch.search.present.explanation import score_at
from omnisearch.search.present.merge_segments import merge_segments
from omnisearch.search.rank.scorer import RankedItem
from omnisearch.stores.base import VectorStore
from omnisearch.types import Floats, Segment

Parts = tuple[tuple[Segment, float], ...]
_item = attrgetter("payload.item_id")  # scored segments are sorted by it


def best_segments(store: VectorStore, entries: Sequence[RankedItem], most: int) -> list[Parts]:
    """Return, for each item, up to `most` of its best segments with their scores; none for an item without bounds.

    For a sum, the search retrieves only the best segment; one call of the store retrieves the others of all items.
    """
    cut = [entry for entry in entries if isinstance(entry.scored.scorer.expression, Summand) and _many(entry, most)]
    found = store.best_segments([_wanted(entry) for entry in cut], most) if cut else ()
    asked = dict(zip(cut, found, strict=True))
    return [tuple(merge_segments(_bounded(asked[e] if e in asked else _judged(e, most)))) for e in entries]


def _many(entry: RankedItem, most: int) -> bool:
    return most > 1 and entry.point.payload.segments > 1


def _wanted(entry: RankedItem) -> tuple[Floats, str]:
    (leaf,) = entry.scored.scorer.leaves.values()
    return leaf.vector, entry.point.payload.item_id


def _judged(entry: RankedItem, most: int) -> list[tuple[Segment, float]]:
    """Return the best segments among those that were scored."""
    scored, item = entry.scored, entry.point.payload.item_id
    odds = scored.expression.odds
    own = range(bisect_left(scored.points, item, key=_item), bisect_right(scored.points, item, key=_item))
    best = sorted((row for row in own if odds[row] > -np.inf), key=lambda row: -odds[row])[:most]
    return [(scored.points[row].payload.segment, score_at(scored.scores, scored.expression, row)) for row in best]


def _bounded(found: Sequence[tuple[Segment, float]]) -> list[tuple[Segment, float]]:
    return [(segment, score) for segment, score in found if segment.start is not None]
