"""The rows of the segments that a hit shows, among the scored segments of its search. Only their payloads are read."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from operator import attrgetter

import numpy as np

from omnisearch.query.expressions import Summand
from omnisearch.search.rank.algebra import ScoredExpression
from omnisearch.search.rank.scorer import RankedItem

_item = attrgetter("place.item_id")


def shown_rows(entry: RankedItem, most: int, explain: bool) -> set[int]:
    """Return the rows that a hit with up to `most` best segments shows, and with `explain` those of its explanation."""
    return {*_match_rows(entry.scored.expression, entry.row, explain), *best_rows(entry, most)}


def best_rows(entry: RankedItem, most: int) -> list[int]:
    """Return the rows of up to `most` of an item's best segments, best first, among those that were scored.

    Of a sum, the search scores only the best segment.
    """
    if isinstance(entry.scored.scorer.expression, Summand):
        return [entry.row][:most]
    points, item = entry.scored.points, entry.point.place.item_id  # points are in the order of their items
    first = bisect_left(points, item, key=_item)
    odds = entry.scored.expression.odds[first : bisect_right(points, item, key=_item)]
    best = np.argsort(-odds, kind="stable")[:most]
    return [first + int(row) for row in best if odds[row] > -np.inf]


def _match_rows(expression: ScoredExpression, row: int, explain: bool) -> Iterator[int]:
    """Yield the rows of the last and the first segment of a match, and with `explain` those of all operands."""
    yield row
    yield int(expression.first[row])
    if explain:
        for part, at in zip(expression.parts, expression.rows(row), strict=True):
            yield from _match_rows(part, at, explain)
