"""Windows of several sizes on a grid, and non-maximum suppression among them.

A file is cut into cells: blocks of time or text in a row, squares of a picture in rows and columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Two windows are one find where they share more than this of the smaller one.
SHARED = 1 / 3


@dataclass(frozen=True)
class Window:
    """Cells [top, bottom) x [left, right). What has one dimension only is a row, with top 0 and bottom 1."""

    top: int
    left: int
    bottom: int
    right: int


def starts(length: int, size: int) -> list[int]:
    """Where windows of `size` begin on `length` cells: half a size apart, the last one flush with the end."""
    last = max(0, length - size)
    return sorted({*range(0, last, max(1, size // 2)), last})


def windows(rows: int, columns: int, sizes: Sequence[int]) -> list[Window]:
    """Lay squares of each size over a grid, cut to it, and the whole; each once."""
    found = [
        Window(top, left, min(top + size, rows), min(left + size, columns))
        for size in sizes
        for top in starts(rows, size)
        for left in starts(columns, size)
    ]
    return list(dict.fromkeys([*found, Window(0, 0, rows, columns)]))


def non_maximum_suppression(laid: Sequence[Window], values: Sequence[float]) -> list[int]:
    """Return the places of the windows, best first, that share at most SHARED with any better one of them.

    This is greedy non-maximum suppression; of equal windows the one laid first is kept.
    """
    top, left, bottom, right = np.array([(w.top, w.left, w.bottom, w.right) for w in laid]).reshape(-1, 4).T
    cells, free = (bottom - top) * (right - left), np.ones(len(laid), np.bool_)
    kept: list[int] = []
    for place in np.argsort(-np.asarray(values), kind="stable").tolist():
        if free[place]:
            kept.append(place)
            height = np.minimum(bottom, bottom[place]) - np.maximum(top, top[place])
            width = np.minimum(right, right[place]) - np.maximum(left, left[place])
            free &= height.clip(0) * width.clip(0) <= SHARED * np.minimum(cells, cells[place])
    return kept


def overlap(laid: Sequence[Window]) -> NDArray[np.intp]:
    """Return for each window of a row the place of the last one that ends where it begins or before; -1 for none.

    The windows stand in the order of their ends, so those before that one end no later.
    """
    lefts, rights = np.array([(w.left, w.right) for w in laid], np.intp).reshape(-1, 2).T
    return np.searchsorted(rights, lefts, side="right") - 1
