"""Windows of several sizes on a grid, and non-maximum suppression among them.

A file is cut into cells: blocks of time or text in a row, squares of a picture in rows and columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Two windows show the same thing if they share more than this part of the smaller one.
SHARED = 1 / 3


@dataclass(frozen=True)
class Window:
    """Cells [top, bottom) x [left, right). In a sound, a video or a text, top is 0 and bottom is 1."""

    top: int
    left: int
    bottom: int
    right: int


def starts(length: int, size: int) -> list[int]:
    """Return the starts of windows of `size` on `length` cells, half a size apart. The last one ends at the end."""
    last = max(0, length - size)
    return sorted({*range(0, last, max(1, size // 2)), last})


def windows(rows: int, columns: int, sizes: Sequence[int]) -> list[Window]:
    """Return the windows of a grid: squares of each size, clipped to the grid, and the whole grid; no duplicates."""
    found = [
        Window(top, left, min(top + size, rows), min(left + size, columns))
        for size in sizes
        for top in starts(rows, size)
        for left in starts(columns, size)
    ]
    return list(dict.fromkeys([*found, Window(0, 0, rows, columns)]))


def non_maximum_suppression(laid: Sequence[Window], values: Sequence[float]) -> list[int]:
    """Return the indices of the windows, best first, that share at most SHARED with any better one.

    This is greedy non-maximum suppression. Of equally good windows that overlap, the first one is kept.
    """
    top, left, bottom, right = np.array([(w.top, w.left, w.bottom, w.right) for w in laid]).reshape(-1, 4).T
    cells, free = (bottom - top) * (right - left), np.ones(len(laid), np.bool_)
    kept: list[int] = []
    for best in np.argsort(-np.asarray(values), kind="stable").tolist():
        if free[best]:
            kept.append(best)
            height = np.minimum(bottom, bottom[best]) - np.maximum(top, top[best])
            width = np.minimum(right, right[best]) - np.maximum(left, left[best])
            free &= height.clip(0) * width.clip(0) <= SHARED * np.minimum(cells, cells[best])
    return kept


def overlap(laid: Sequence[Window]) -> NDArray[np.intp]:
    """Return, for each window of a row, the index of the last window that ends at or before its start; -1 for none.

    The windows are in the order of their ends, so all windows before that one also end at or before the start.
    """
    lefts, rights = np.array([(w.left, w.right) for w in laid], np.intp).reshape(-1, 2).T
    return np.searchsorted(rights, lefts, side="right") - 1
