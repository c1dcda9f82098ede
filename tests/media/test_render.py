"""The renderer shows the right colours, the right side, and nothing that is hidden."""

import numpy as np
import pytest

from omnisearch.media.render import render
from omnisearch.media.surface import Samples, Triangles, sample

RED, GREEN, BLUE = np.eye(3, dtype=np.float32)


def _quads(quads: list[tuple[np.ndarray, np.ndarray]]) -> Samples:
    """Samples of squares given as four corners and a colour."""
    parts = []
    for corners, color in quads:
        corners = np.asarray(corners, np.float32)
        triangles = np.stack([corners[[0, 1, 2]], corners[[0, 2, 3]]])
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        normals = np.broadcast_to(normal / np.linalg.norm(normal), (2, 3, 3)).astype(np.float32)
        rgba = np.broadcast_to(np.append(color, 1), (2, 3, 4)).astype(np.float32)
        parts.append(Triangles(triangles, normals, rgba))
    return sample(parts, 200_000)


def _box(size: float, color: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    quads = []
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32) * size / 2
    for axis in range(3):
        for side, order in ((1, [0, 1, 2, 3]), (-1, [3, 2, 1, 0])):
            corners = np.zeros((4, 3), np.float32)
            corners[:, (axis + 1) % 3], corners[:, (axis + 2) % 3] = square[order].T
            corners[:, axis] = side * size / 2
            quads.append((corners, color))
    return quads


def _drawn(view: np.ndarray) -> np.ndarray:
    return view[(view < 200).any(axis=-1)].astype(float)


def test_a_red_cube_is_red_from_all_sides() -> None:
    views = render(_quads(_box(1, RED)), side=96)
    assert views.shape == (8, 96, 96, 3)
    for view in views:
        pixels = _drawn(view)
        assert len(pixels) > 1500
        assert (pixels[:, 0] > 1.5 * pixels[:, 1]).mean() > 0.99
        assert (view[0] > 250).all()
        assert (view[:, 0] > 250).all()


def test_the_nearer_surface_hides_the_farther() -> None:
    views = render(_quads(_box(1, RED) + _box(0.9, GREEN)), side=96)
    for view in views:
        pixels = _drawn(view)
        assert (pixels[:, 1] > pixels[:, 0]).mean() < 0.005


def test_each_side_is_seen_from_its_side() -> None:
    """A wall that is red towards +z and blue towards -z: the first view comes from +z, the fifth from -z."""
    front = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
    views = render(_quads([(front, RED), (front[::-1], BLUE)]), side=96)
    assert (_drawn(views[0])[:, 0] > _drawn(views[0])[:, 2]).mean() > 0.95
    assert (_drawn(views[4])[:, 2] > _drawn(views[4])[:, 0]).mean() > 0.95


def test_up_is_up_and_right_is_right() -> None:
    """Seen from +z in the first view (30 degrees off): +y at the top, +x at the right."""
    quads = []
    for x, y, color in ((-1, 1, RED), (1, -1, BLUE)):
        quads += [(corners * 0.5 + np.array([x, y, 0], np.float32), color) for corners, _ in _box(1, color)]
    view = render(_quads(quads), views=1, side=96)[0].astype(int)
    red, blue = view[:, :, 0] - view[:, :, 2] > 60, view[:, :, 2] - view[:, :, 0] > 60
    (red_row, red_column), (blue_row, blue_column) = (np.argwhere(mask).mean(axis=0) for mask in (red, blue))
    assert red_row < blue_row
    assert red_column < blue_column


def test_a_texture_is_looked_up_upright() -> None:
    """UV (0, 0) is the lower left of the image, whose first row is its top."""
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    order = [[0, 1, 2], [0, 2, 3]]
    texture = np.full((4, 4, 4), 255, np.uint8)
    texture[:2, :, 1:3] = 0  # the upper half is red
    texture[2:, :, :2] = 0  # the lower half is blue
    ones = np.ones((2, 3, 4), np.float32)
    normals = np.broadcast_to(np.array([0, 0, 1], np.float32), (2, 3, 3))
    samples = sample([Triangles(corners[order], normals, ones, uv[order], texture)], 50_000)
    assert samples.colors is not None
    upper = samples.points[:, 1] > 0.01
    lower = samples.points[:, 1] < -0.01
    np.testing.assert_array_equal(samples.colors[upper], np.broadcast_to(RED, (upper.sum(), 3)))
    np.testing.assert_array_equal(samples.colors[lower], np.broadcast_to(BLUE, (lower.sum(), 3)))


def test_samples_are_spread_by_area() -> None:
    small = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    samples = _quads([(small, RED), (small * 3 + 5, BLUE)])
    assert samples.colors is not None
    assert samples.colors[:, 2].mean() == pytest.approx(0.9, abs=0.01)
    near = samples.points[samples.colors[:, 0] == 1]
    assert near.min() >= 0
    assert near.max() <= 1
    counts, _, _ = np.histogram2d(near[:, 0], near[:, 1], bins=10)
    assert counts.std() < 0.1 * counts.mean()


def test_bare_points_make_a_closed_picture() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(10_000, 3)).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    view = render(Samples(points, np.broadcast_to(GREEN, points.shape), None), views=1, side=112)[0]
    disc = np.hypot(*(np.indices((112, 112)) - 55.5)) < 48
    assert ((view[disc][:, 0] < 200) & (view[disc][:, 1] > view[disc][:, 0])).mean() > 0.99
    assert (view[np.hypot(*(np.indices((112, 112)) - 55.5)) > 62] > 250).all()
