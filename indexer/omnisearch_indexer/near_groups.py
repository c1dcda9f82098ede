"""Groups of near-duplicates: items of one modality that are almost the same, each group under the item to keep.

Two items are near-duplicates if they have the same number of segments, and every segment of one is near the same
segment of the other, and so are the texts that were read in them. Every member of a group is a near-duplicate of the
item to keep, so a slow drift over many pictures is no group. Items are taken from the best to the worst, and each joins
the nearest item before it that is kept, or is kept itself. Memory is that of a few blocks; vectors lie in temporary
files.
"""

import tempfile
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from omnisearch.meter import SILENT, Meter
from omnisearch.stores.base import Point
from omnisearch.types import Floats

BLOCK, CHUNK = 256, 4096  # items that one matrix product compares, with kept items
MOST = 64  # kept items with which an item is compared segment by segment
SAME_TEXT = 0.98  # the least cosine of texts that were read in near-duplicates
ROUNDING = 1e-4  # of squared distances in float32


class ItemVectors:
    """The vectors of all segments of items, in temporary files. Items are numbered in the order of their arrival."""

    def __init__(self, dim: int) -> None:
        self._dim = dim
        self.ids: list[str] = []
        self._numbers: dict[str, int] = {}
        self._wanted = array("q")  # segments of each item
        self._item, self._segment, self._text = array("q"), array("q"), array("q")  # of each row
        self._vectors, self._texts = (tempfile.TemporaryFile(prefix="omnisearch") for _ in range(2))  # noqa: SIM115
        self._text_count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._vectors.close()
        self._texts.close()

    def add(self, point: Point) -> bool:
        """Take a point with its vectors; return whether it is the first one of its item."""
        payload = point.payload
        is_new = payload.item_id not in self._numbers
        if is_new:
            self._numbers[payload.item_id] = len(self.ids)
            self.ids.append(payload.item_id)
            self._wanted.append(payload.segments)
        self._item.append(self._numbers[payload.item_id])
        self._segment.append(payload.segment.index)
        self._vectors.write(_unit(point.vector).tobytes())
        self._text.append(-1 if point.text_vector is None else self._text_count)
        if point.text_vector is not None:
            self._texts.write(_unit(point.text_vector).tobytes())
            self._text_count += 1
        return is_new

    def close_rows(self) -> None:
        """Order the rows by item and segment, after the last point."""
        items, segments = np.array(self._item, np.int64), np.array(self._segment, np.int64)
        self._order = np.lexsort((segments, items))
        counts = np.bincount(items, minlength=len(self.ids))
        self._ends = np.cumsum(counts)
        # An item that is being written or deleted has other segments than it names.
        self._whole = counts == np.array(self._wanted, np.int64)
        self._counts = counts
        self._text_rows = np.array(self._text, np.int64)
        self._vector_map = _map(self._vectors, len(items), self._dim)
        self._text_map = _map(self._texts, self._text_count, self._dim)

    def by_segments(self, best_first: Sequence[int]) -> Iterator[list[int]]:
        """Yield the items of each number of segments, in the given order, without incomplete items."""
        groups: dict[int, list[int]] = defaultdict(list)
        for item in best_first:
            if self._whole[item]:
                groups[int(self._counts[item])].append(item)
        yield from groups.values()

    def mean(self, item: int) -> Floats:
        """Return the mean (dim,) of the unit vectors of an item's segments."""
        mean: Floats = self._vector_map[self._rows(item)].mean(axis=0)
        return mean

    def least_cosine(self, one: int, other: int) -> float:
        """Return the least cosine of the same segment of two items with as many segments.

        It is -1 if other texts were read in them, or texts in only one of them.
        """
        first, second = self._rows(one), self._rows(other)
        texts, others = self._text_rows[first], self._text_rows[second]
        has = texts >= 0
        if not np.array_equal(has, others >= 0):
            return -1.0
        if has.any() and _cosines(self._text_map, texts[has], others[has]).min() < SAME_TEXT:
            return -1.0
        return float(_cosines(self._vector_map, first, second).min())

    def _rows(self, item: int) -> NDArray[np.int64]:
        end = self._ends[item]
        rows: NDArray[np.int64] = self._order[end - self._counts[item] : end]
        return rows


def group_near(
    vectors: ItemVectors, best_first: Sequence[int], alike: float, meter: Meter = SILENT
) -> Mapping[int, list[tuple[int, float]]]:
    """Return the items to keep that have near-duplicates, each with those and their least cosines, best first.

    `alike` is the least cosine of near-duplicates. `meter` receives the items.
    """
    found: dict[int, list[tuple[int, float]]] = {}
    for items in vectors.by_segments(best_first):
        found |= _group(vectors, items, alike, meter)
    return found


def _group(
    vectors: ItemVectors, items: Sequence[int], alike: float, meter: Meter
) -> dict[int, list[tuple[int, float]]]:
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    kept: list[int] = []  # places in `items`
    with tempfile.TemporaryFile(prefix="omnisearch") as file:
        for item in items:
            file.write(vectors.mean(item).astype(np.float32).tobytes())
        means = _map(file, len(items), vectors.mean(items[0]).shape[0])
        for start in range(0, len(items), BLOCK):
            end = min(start + BLOCK, len(items))
            close = _close(means, range(start, end), [*kept, *range(start, end)], alike)
            own: set[int] = set()  # those of the block that are kept
            for place in range(start, end):
                near = sorted(pair for pair in close.get(place, ()) if pair[1] < start or pair[1] in own)
                for _, other in near[:MOST]:
                    cosine = vectors.least_cosine(items[other], items[place])
                    if cosine >= alike:
                        found[items[other]].append((items[place], cosine))
                        break
                else:
                    own.add(place)
            kept += sorted(own)
            meter.advance(end - start)
    return dict(found)


def _close(means: Floats, block: range, others: Sequence[int], alike: float) -> Mapping[int, list[tuple[float, int]]]:
    """Return, for each place of a block, the places before it that may be near-duplicates, with squared distances.

    If two items have unit vectors with cosines of at least `alike`, their means are as near as two such vectors.
    """
    close: dict[int, list[tuple[float, int]]] = defaultdict(list)
    rows = np.asarray(means[block.start : block.stop])
    squares = (rows**2).sum(axis=1)
    for at in range(0, len(others), CHUNK):
        places = others[at : at + CHUNK]
        chunk = means[places]
        distances = squares[:, None] + (chunk**2).sum(axis=1) - 2 * (rows @ chunk.T)
        for one, other in np.argwhere(distances <= 2 - 2 * alike + ROUNDING).tolist():
            if places[other] < block[one]:
                close[block[one]].append((float(distances[one, other]), places[other]))
    return close


def _map(file: object, count: int, dim: int) -> Floats:
    """Map the rows that were written to a file: (count, dim)."""
    if not count:
        return np.zeros((0, dim), np.float32)
    file.flush()  # type: ignore[attr-defined]
    return np.memmap(file, np.float32, "r", shape=(count, dim))  # type: ignore[call-overload, no-any-return]


def _cosines(unit: Floats, first: NDArray[np.int64], second: NDArray[np.int64]) -> Floats:
    cosines: Floats = (unit[first] * unit[second]).sum(axis=1)
    return cosines


def _unit(vector: Floats) -> Floats:
    unit: Floats = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit
