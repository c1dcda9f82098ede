"""Farthest-point sampling, against the kernel that point networks were trained with, run thread by thread."""

import numpy as np
import pytest

from omnisearch.spaces.nn.fps_order import farthest
from omnisearch.types import Floats


def run_kernel(places: Floats, count: int) -> list[int]:
    """pointnet2_ops' kernel in plain Python: threads with strides, then a tree of comparisons between them."""
    points = [tuple(np.float32(c) for c in place) for place in places]
    threads = min(512, 2 ** int(np.log2(len(points))))
    nearest = [np.float32(1e10)] * len(points)
    chosen = [0]
    for _ in range(1, count):
        old = points[chosen[-1]]
        best, winner = [np.float32(-1)] * threads, [0] * threads
        for thread in range(threads):
            for k in range(thread, len(points), threads):
                x, y, z = points[k]
                if float(x * x + y * y + z * z) <= 1e-3:
                    continue
                apart = (x - old[0]) ** 2 + (y - old[1]) ** 2 + (z - old[2]) ** 2
                nearest[k] = min(apart, nearest[k])
                if nearest[k] > best[thread]:
                    best[thread], winner[thread] = nearest[k], k
        half = threads // 2
        while half:
            for thread in range(half):
                if best[thread + half] > best[thread]:
                    best[thread], winner[thread] = best[thread + half], winner[thread + half]
            half //= 2
        chosen.append(winner[0])
    return chosen


def grid(side: int, seed: int) -> Floats:
    """Points on a lattice in any order: distances are equal everywhere."""
    points = np.indices((side, side, side)).reshape(3, -1).T / np.float32(side) - np.float32(0.5)
    return np.random.default_rng(seed).permutation(points).astype(np.float32)


@pytest.mark.parametrize(
    "places",
    [grid(9, 0), grid(6, 1), grid(2, 2), np.random.default_rng(3).normal(size=(600, 3)).astype(np.float32)],
    ids=["729", "216", "8", "600 random"],
)
def test_the_points_are_the_kernels_even_where_distances_are_equal(places: Floats) -> None:
    count = min(len(places), 25)
    assert farthest(places, count).tolist() == run_kernel(places, count)


def test_the_first_point_is_first_and_points_close_to_the_origin_never_follow() -> None:
    random = np.random.default_rng(0)
    close = random.normal(size=(40, 3)) * 0.01
    places = np.concatenate([close, random.normal(size=(60, 3)) + 1]).astype(np.float32)
    chosen = farthest(places, 61)
    assert chosen[0] == 0
    assert sorted(chosen[1:]) == list(range(40, 100))


def test_where_nothing_may_follow_the_first_point_is_repeated() -> None:
    assert farthest(np.zeros((5, 3), np.float32), 3).tolist() == [0, 0, 0]
