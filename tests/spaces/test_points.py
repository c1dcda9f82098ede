"""The points tower: which points stand for an object does not depend on how a file lists them."""

import numpy as np
import pytest

from omnisearch.spaces.families.points import GREY, POINTS, spread
from omnisearch.types import Floats, PointCloud

NO_VIEWS = np.zeros((0, 1, 1, 3), np.uint8)


def cloud(points: Floats, colors: Floats | None = None) -> PointCloud:
    return PointCloud(points, colors, NO_VIEWS)


def uneven(count: int = 3000) -> Floats:
    """Most points in one corner, few elsewhere."""
    random = np.random.default_rng(0)
    return (random.random((count, 3)) ** 4).astype(np.float32)


@pytest.mark.parametrize("points", [uneven(), np.indices((12, 12, 12)).reshape(3, -1).T.astype(np.float32)])
def test_the_order_of_points_does_not_matter_even_among_ties(points: Floats) -> None:
    colors = np.random.default_rng(1).random(points.shape).astype(np.float32)
    shuffled = np.random.default_rng(2).permutation(len(points))
    found = spread(cloud(points[shuffled], colors[shuffled]))
    np.testing.assert_array_equal(found, spread(cloud(points, colors)))


def test_every_beginning_is_spread_as_farthest_points_are() -> None:
    """Each point lies at least as far from those before it as any point of the cloud does then."""
    points = uneven(600)
    chosen = spread(cloud(points))[:50, :3].astype(np.float64)
    for count in (1, 2, 10, 49):
        apart = np.linalg.norm(points[:, None] - chosen[None, :count], axis=2).min(axis=1)
        next_one = np.linalg.norm(chosen[count] - chosen[:count], axis=1).min()
        assert next_one == pytest.approx(apart.max(), rel=1e-5)


def test_points_keep_their_colors() -> None:
    points = uneven()
    colors = points[:, ::-1] / 2
    found = spread(cloud(points, colors))
    np.testing.assert_array_equal(found[:, 3:], found[:, 2::-1] / 2)
    assert len(np.unique(found[:, :3], axis=0)) == POINTS
    assert (spread(cloud(points))[:, 3:] == np.float32(GREY)).all()


def test_few_points_are_repeated_in_turn() -> None:
    points = uneven(10)
    found = spread(cloud(np.resize(points, (10_000, 3))))
    assert len(np.unique(found[:10], axis=0)) == 10
    np.testing.assert_array_equal(found, np.resize(found[:10], (POINTS, 6)))
