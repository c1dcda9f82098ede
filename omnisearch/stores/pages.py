"""Pages of items in an order, made of scrolls, so that every page costs the same.

Engines can continue a scroll by id after any id. A scroll by a number can only begin at a value, and returns points of
the same value in any order. So a page by a number is made of scrolls by number up to its last value, and of scrolls by
id among the points of that value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from omnisearch.query.conditions import RangeCondition
from omnisearch.stores.base import Filter, Mark, Order, Payload, Point, PointPage
from omnisearch.stores.clauses import clauses


@dataclass(frozen=True)
class Scroll:
    """A request to an engine: up to `limit` points that pass a filter, by id after `after`, or by an `order`."""

    filter: Filter
    limit: int
    after: str | None = None
    order: Order = field(default_factory=Order)


# Returns the points that the engine finds. Conditions that the engine cannot evaluate are not checked.
Ask: TypeAlias = Callable[[Scroll], list[Point]]


def read_page(ask: Ask, chosen: Filter, order: Order, after: Mark | None, limit: int) -> list[Point]:
    """Return the next points in an order, ties by id; fewer than `limit` after the last one."""
    if order.field == "id":
        return ask(Scroll(chosen, limit, None if after is None else after.id))
    found: list[Point] = []
    if after is not None:
        found = ask(Scroll(_tied(chosen, order, after.value), limit, after.id))
    value = None if after is None else after.value
    while (left := limit - len(found)) > 0:
        beyond = chosen if value is None else _beyond(chosen, order, value)
        rows = ask(Scroll(beyond, left, order=order))
        rows.sort(key=lambda row: (number(row.payload, order) * order.sign, row.id))
        if len(rows) < left:
            return found + rows
        value = number(rows[-1].payload, order)  # more points may have it
        found += [row for row in rows if number(row.payload, order) != value]
        found += ask(Scroll(_tied(chosen, order, value), limit - len(found)))
    return found


def finished(looked_at: Sequence[Point], chosen: Filter, order: Order, limit: int) -> PointPage:
    """Return the page of the points that were read: those that meet the conditions that engines cannot evaluate."""
    compiled = clauses(chosen)
    kept = [point for point in looked_at if compiled.keeps(point.payload)]
    return PointPage(kept, mark(looked_at[-1], order) if len(looked_at) == limit else None)


def number(payload: Payload, order: Order) -> float:
    """Return the number that an order compares."""
    return float(getattr(payload, order.field))


def mark(point: Point, order: Order) -> Mark:
    """Return the position of a point in an order."""
    return Mark(point.id, 0.0 if order.field == "id" else number(point.payload, order))


def _beyond(chosen: Filter, order: Order, value: float) -> Filter:
    within = RangeCondition(order.field, lt=value) if order.descending else RangeCondition(order.field, gt=value)
    return replace(chosen, where=(*chosen.where, within))


def _tied(chosen: Filter, order: Order, value: float) -> Filter:
    return replace(chosen, where=(*chosen.where, RangeCondition(order.field, gte=value, lte=value)))
