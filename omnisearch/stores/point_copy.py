"""Copy the points of one store to another, and compare the two. Both are read in order of id, in batches.

Only points that are missing or differ are written. So an interrupted copy continues where it stopped, and a comparison
is a copy that finds nothing to write.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

import numpy as np

from omnisearch.meter import SILENT, Meter
from omnisearch.stores.base import Filter, Point, VectorStore
from omnisearch.types import Floats

BATCH_POINTS, BATCH_ITEMS = 1024, 256
# Engines normalize a vector again when it is written, and a text vector is in half precision.
VECTOR_STEP, TEXT_VECTOR_STEP = 1e-5, 2e-3
# Engines may read the last digit of a number differently from JSON.
NUMBER_STEP = 1e-15

# Returns which of some items belong to the index.
FindKnown: TypeAlias = Callable[[Collection[str]], Collection[str]]
Pair: TypeAlias = tuple[Point | None, Point | None]


@dataclass
class PointCopy:
    """The result of a copy or a comparison, in points.

    `points` are those of the index in the source, `changed` those that were missing or different in the target, and
    `stale` those that only the target had. `foreign` are points of other indexes in the target, which stay.
    """

    points: int = 0
    changed: int = 0
    stale: int = 0
    foreign: int = 0


@dataclass
class Endpoints:
    """A source, a target, and the items of the index.

    The target is used `alone` if it is the embedded engine. A server's collection may also have points of other data
    directories, which are neither compared nor removed.
    """

    source: VectorStore
    target: VectorStore
    known: FindKnown
    alone: bool

    def copy(self, meter: Meter = SILENT) -> PointCopy:
        """Make the points of the index in the target equal to those in the source, which is only read.

        `meter` receives the points.

        Raises:
            StoreError: an engine failed. Run it again: it continues.
        """
        total, replaced = PointCopy(), set[str]()
        for wanted, stale in self._differences(total, meter):
            self.target.upsert(wanted)
            replaced.update(point.payload.item_id for point in stale)
        for at in range(0, len(items := sorted(replaced)), BATCH_ITEMS):
            self._replace(items[at : at + BATCH_ITEMS])
        return total

    def compare(self, meter: Meter = SILENT) -> PointCopy:
        """Compare every point: its payload, and its vectors within rounding. `meter` receives the points."""
        total = PointCopy()
        for _ in self._differences(total, meter):
            pass
        return total

    def _differences(self, total: PointCopy, meter: Meter) -> Iterator[tuple[list[Point], list[Point]]]:
        """Yield points of the source that the target lacks, and points of the target that the source lacks.

        The counts are added to `total`. The caller may write the yielded points, and others before them, but none
        that come after them in order of id.
        """
        pairs = _pairs(self.source, self.target)
        while batch := list(islice(pairs, BATCH_POINTS)):
            known = self.known({point.payload.item_id for pair in batch for point in pair if point is not None})
            wanted, stale = [], []
            for one, other in batch:
                point = one if one is not None and one.payload.item_id in known else None
                if point is not None:
                    total.points += 1
                    if other is None or not is_same(point, other):
                        wanted.append(point)
                elif other is not None and (self.alone or other.payload.item_id in known):
                    stale.append(other)
                elif other is not None:
                    total.foreign += 1
            total.changed += len(wanted)
            total.stale += len(stale)
            meter.advance(sum(one is not None for one, _ in batch))
            yield wanted, stale

    def _replace(self, item_ids: list[str]) -> None:
        """Delete items in the target, and write the points that they have in the source."""
        self.target.delete(item_ids)
        known = tuple(sorted(self.known(item_ids)))
        if known:
            points = self.source.scroll(Filter(item_ids=known), with_vectors=True)
            while batch := list(islice(points, BATCH_POINTS)):
                self.target.upsert(batch)


def is_same(one: Point, other: Point) -> bool:
    """Whether two points have the same payload and, within rounding, the same vectors."""
    return (
        _is_near(one.vector, other.vector, VECTOR_STEP)
        and _is_near(one.text_vector, other.text_vector, TEXT_VECTOR_STEP)
        and _is_same_payload(one.payload.flat(), other.payload.flat())
    )


def _is_near(one: Floats | None, other: Floats | None, step: float) -> bool:
    if one is None or other is None:
        return one is other
    return one.shape == other.shape and bool(np.abs(one - other).max() <= step)


def _is_same_payload(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.keys() == other.keys() and all(_is_same_value(value, other[name]) for name, value in one.items())


def _is_same_value(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=NUMBER_STEP)
    return bool(one == other)


def _pairs(source: VectorStore, target: VectorStore) -> Iterator[Pair]:
    """Yield the points of both stores in order of id, with None for a store that does not have the point."""
    sides = source.scroll(with_vectors=True), target.scroll(with_vectors=True)
    one, other = (next(side, None) for side in sides)
    while one is not None or other is not None:
        first = min(point.id for point in (one, other) if point is not None)
        pair = tuple(point if point is not None and point.id == first else None for point in (one, other))
        yield pair[0], pair[1]
        one = next(sides[0], None) if pair[0] is not None else one
        other = next(sides[1], None) if pair[1] is not None else other
