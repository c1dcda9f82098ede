"""Ids of points: the same part of the same item always has the same id, so a repeated write replaces the point."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from math import inf, nextafter
from uuid import UUID, uuid5

from omnisearch.types import Segment

STEPS = 4  # of a number to its next neighbours
NAMESPACE = UUID("6f6d6e69-7365-5172-8368-706f696e7473")


def point_id(item_id: str, segment: Segment) -> str:
    """Return the UUID of one segment of an item, made from the item's id and the segment's index."""
    bounds = [None if bound is None else float(bound) for bound in (segment.start, segment.end)]
    return str(uuid5(NAMESPACE, "\n".join([item_id, str(segment.index), *map(repr, bounds), str(segment.unit)])))


def is_point_id(id_: str, item_id: str, segment: Segment) -> bool:
    """Return whether an id is that of a segment of an item, whose bounds may have been read from an engine.

    An engine may read a number as one of its neighbours, and does so with one of ten bounds of sounds and films. A
    point that is written again may move by one more each time.
    """
    if id_ == point_id(item_id, segment):
        return True
    bounds = product(_around(segment.start), _around(segment.end))
    return any(id_ == point_id(item_id, replace(segment, start=start, end=end)) for start, end in bounds)


def _around(bound: float | None) -> Iterator[float | None]:
    """Yield the numbers that may have been read as a bound."""
    yield bound
    if bound is None:
        return
    for towards in (-inf, inf):
        near = float(bound)
        for _ in range(STEPS):
            near = nextafter(near, towards)
            yield near
