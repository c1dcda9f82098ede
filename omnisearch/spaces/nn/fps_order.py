"""Farthest-point sampling identical to the kernel of pointnet2_ops, which point networks were trained with.

Source: Qi et al., "PointNet++" (2017); the kernel's rules, ties included.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Floats

NEVER = 1e-3  # only the first point may have a squared distance from the origin up to this
THREADS = 512


def farthest(places: Floats, count: int) -> NDArray[np.intp]:
    """Choose `count` of the points (n, 3), each as far as possible from those before it, as pointnet2_ops' kernel does.

    Point 0 is always chosen first; points close to the origin are never chosen later; ties are resolved as the kernel's
    threads resolve them.
    """
    order = _precedence(len(places))
    x = np.ascontiguousarray(places[order].T, np.float32)  # (3, n)
    apart = np.full(len(places), 1e10, np.float32)  # squared distance to the nearest chosen point
    apart[_square(x.copy()) <= np.float64(NEVER)] = -1
    chosen = np.zeros(count, np.intp)
    for k in range(1, count):
        np.minimum(apart, _square(x - x[:, chosen[k - 1], None]), out=apart)
        chosen[k] = apart.argmax()
    return order[chosen]


@cache
def _precedence(count: int) -> NDArray[np.intp]:
    """Return the order of precedence of points at equal distances.

    Thread t takes the points t, t + threads ... and keeps its first; then halves of the threads are compared with the
    other halves, until thread 0 is compared with thread 1: lower bits decide before higher ones.
    """
    threads = min(THREADS, 1 << count.bit_length() - 1)
    lanes = [0]
    while len(lanes) < threads:
        lanes = [2 * lane + bit for bit in (0, 1) for lane in lanes]
    return np.concatenate([np.arange(lane, count, threads) for lane in lanes])


def _square(offsets: Floats) -> Floats:
    """Squared lengths (n,) of offsets (3, n), which it overwrites."""
    np.square(offsets, out=offsets)
    offsets[0] += offsets[1]
    offsets[0] += offsets[2]
    squares: Floats = offsets[0]
    return squares
