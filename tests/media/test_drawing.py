"""Drawings show the right colours, the right side, and nothing that is hidden."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from omnisearch.media.drawing import rays, triangles
from omnisearch.media.drawing.picture import Drawing
from omnisearch.media.surface import Samples, Triangles, sample

RED, GREEN, BLUE = np.eye(3, dtype=np.float32)
WALL = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], np.float32)
Quads = list[tuple[np.ndarray, np.ndarray]]


def _quads(quads: Quads, opacity: float = 1) -> list[Triangles]:
    """Squares given as four corners and a colour."""
    parts = []
    for corners, color in quads:
        corners = np.asarray(corners, np.float32)
        normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
        normals = np.broadcast_to(normal / np.linalg.norm(normal), (2, 3, 3)).astype(np.float32)
        rgba = np.broadcast_to(np.append(color, opacity), (2, 3, 4)).astype(np.float32)
        parts.append(Triangles(corners[[[0, 1, 2], [0, 2, 3]]], normals, rgba))
    return parts


def _views(shape: list[Triangles] | Samples, views: int = 8, side: int = 96) -> np.ndarray:
    notes: list[str] = []
    drawn = Drawing(shape, notes).views(views, side)
    assert notes == []
    return drawn


def _box(size: float, color: np.ndarray) -> Quads:
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
    views = _views(_quads(_box(1, RED)))
    assert views.shape == (8, 96, 96, 3)
    for view in views:
        pixels = _drawn(view)
        assert len(pixels) > 1500
        assert (pixels[:, 0] > 1.5 * pixels[:, 1]).mean() > 0.99
        assert (view[0] > 250).all()
        assert (view[:, 0] > 250).all()


def test_the_nearer_surface_hides_the_farther() -> None:
    views = _views(_quads(_box(1, RED) + _box(0.9, GREEN)))
    for view in views:
        pixels = _drawn(view)
        assert (pixels[:, 1] > pixels[:, 0]).mean() < 0.005


def test_each_side_is_seen_from_its_side() -> None:
    """A wall that is red towards +z and blue towards -z: the first view comes from +z, the fifth from -z."""
    views = _views(_quads([(WALL, RED), (WALL[::-1], BLUE)]))
    assert (_drawn(views[0])[:, 0] > _drawn(views[0])[:, 2]).mean() > 0.95
    assert (_drawn(views[4])[:, 2] > _drawn(views[4])[:, 0]).mean() > 0.95


def test_up_is_up_and_right_is_right() -> None:
    """Seen from +z in the first view (30 degrees off): +y at the top, +x at the right."""
    quads = []
    for x, y, color in ((-1, 1, RED), (1, -1, BLUE)):
        quads += [(corners * 0.5 + np.array([x, y, 0], np.float32), color) for corners, _ in _box(1, color)]
    view = _views(_quads(quads), 1)[0].astype(int)
    red, blue = view[:, :, 0] - view[:, :, 2] > 60, view[:, :, 2] - view[:, :, 0] > 60
    (red_row, red_column), (blue_row, blue_column) = (np.argwhere(mask).mean(axis=0) for mask in (red, blue))
    assert red_row < blue_row
    assert red_column < blue_column


def test_a_texture_is_looked_up_upright() -> None:
    """UV (0, 0) is the lower left of the image, whose first row is its top."""
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    order = [[0, 1, 2], [0, 2, 3]]
    texture = np.full((4, 4, 4), 255, np.uint8)
    texture[:2, :, 1:3] = 0  # the upper half is red
    texture[2:, :, :2] = 0  # the lower half is blue
    ones = np.ones((2, 3, 4), np.float32)
    normals = np.broadcast_to(np.array([0, 0, 1], np.float32), (2, 3, 3))
    part = Triangles(WALL[order], normals, ones, uv[order], texture)
    samples = sample([part], 50_000)
    assert samples.colors is not None
    upper = samples.points[:, 1] > 0.01
    lower = samples.points[:, 1] < -0.01
    np.testing.assert_array_equal(samples.colors[upper], np.broadcast_to(RED, (upper.sum(), 3)))
    np.testing.assert_array_equal(samples.colors[lower], np.broadcast_to(BLUE, (lower.sum(), 3)))
    view = _views([part], 1)[0].astype(int)
    red, blue = view[:, :, 0] - view[:, :, 2] > 60, view[:, :, 2] - view[:, :, 0] > 60
    assert np.argwhere(red)[:, 0].max() <= np.argwhere(blue)[:, 0].max() - 20
    assert red[:20].sum() > blue[:20].sum() == 0


def test_samples_are_spread_by_area() -> None:
    small = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    samples = sample(_quads([(small, RED), (small * 3 + 5, BLUE)]), 200_000)
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
    view = _views(Samples(points, np.broadcast_to(GREEN, points.shape)), 1, 112)[0]
    disc = np.hypot(*(np.indices((112, 112)) - 55.5)) < 48
    assert ((view[disc][:, 0] < 200) & (view[disc][:, 1] > view[disc][:, 0])).mean() > 0.99
    assert (view[np.hypot(*(np.indices((112, 112)) - 55.5)) > 62] > 250).all()


def test_a_transparent_wall_shows_what_is_behind_it() -> None:
    """Half of blue, half of the rest of red, and white behind: `over` of T. Porter and T. Duff, 1984."""
    blue, red = _quads([(WALL, BLUE), (WALL - np.float32([0, 0, 0.5]), RED)], 0.5)
    opaque = [_views(_quads([(WALL, color)]), 1)[0, 48, 48].astype(float) for color in (BLUE, RED)]
    seen = _views([blue, red], 1)[0, 48, 48]
    np.testing.assert_allclose(seen, opaque[0] / 2 + opaque[1] / 4 + 255 / 4, atol=2)


def test_a_surface_whose_opacity_is_zero_everywhere_is_drawn() -> None:
    """Exporters write opacity 0 for what they do not mean to hide."""
    np.testing.assert_array_equal(_views(_quads([(WALL, RED)], 0)), _views(_quads([(WALL, RED)])))


def test_what_a_texture_leaves_clear_is_not_seen() -> None:
    (part,) = _quads([(WALL, RED)])
    uv = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)[[[0, 1, 2], [0, 2, 3]]]
    texture = np.full((2, 2, 4), 255, np.uint8)
    texture[0, :, 3] = 0
    cut = Triangles(part.corners, part.normals, part.colors, uv, texture)
    poster = Drawing([cut], []).poster(96)
    assert (poster[:40, :, 3] == 0).all()
    assert (poster[56:80, 40:56, 3] == 255).all()
    assert (poster[56:80, 40:56, 0] > 100).all()


def test_a_poster_is_the_first_view_on_a_clear_ground() -> None:
    drawing = Drawing(_quads(_box(1, RED) + _box(0.7, GREEN)), [])
    poster = drawing.poster(96).astype(float)
    share = poster[..., 3:] / 255
    np.testing.assert_allclose(poster[..., :3] * share + 255 * (1 - share), drawing.views(1, 96)[0], atol=2)


def test_samples_are_saved_only_where_they_would_change_little(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = _quads(_box(1, RED) + _box(0.2, GREEN) + [(corners * 0.3 + 0.6, BLUE) for corners, _ in _box(1, BLUE)])
    quick = _views(shape).astype(int)
    monkeypatch.setattr(triangles, "CONTRAST", -1)
    exact = _views(shape).astype(int)
    assert (np.abs(quick - exact) > 10).mean() < 1e-3
    monkeypatch.setattr(triangles, "CONTRAST", 255)
    assert (np.abs(_views(shape).astype(int) - exact) > 10).mean() > 1e-2


def _drawn_as_points(shape: list[Triangles], why: str) -> None:
    notes: list[str] = []
    drawing = Drawing(shape, notes)
    view = drawing.views(1, 96)[0]
    assert len(notes) == 1
    assert why in notes[0]
    assert (_drawn(view)[:, 0] > _drawn(view)[:, 1]).mean() > 0.9
    assert len(_drawn(view)) > 50
    assert drawing.poster(96).shape == (96, 96, 4)


def test_too_many_triangles_are_drawn_as_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rays, "MAX_TRIANGLES", 11)
    _drawn_as_points(_quads(_box(1, RED)), "12 triangles")


def test_triangles_that_take_too_long_are_drawn_as_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rays, "SECONDS", 0.0)
    _drawn_as_points(_quads(_box(1, RED)), "in one place")


def test_triangles_without_area_are_drawn_as_points() -> None:
    line = np.array([[[-1, -1, 0], [1, 1, 0], [1, 1, 0]]], np.float32)
    rgba = np.broadcast_to(np.append(RED, 1), (1, 3, 4))
    _drawn_as_points([Triangles(line, np.zeros_like(line), rgba)] * 40, "no area")


def test_surfaces_are_drawn_as_points_where_embree_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "embreex.mesh_construction", None)
    _drawn_as_points(_quads(_box(1, RED)), "embreex is not installed")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads are limited by affinity on Linux only")
def test_embree_starts_no_threads() -> None:
    before = len(list(Path("/proc/self/task").iterdir()))
    rng = np.random.default_rng(0)
    scene = rays.Scene(rng.random((20_000, 3, 3)).astype(np.float32))
    scene.first_hits(np.zeros((1, 3), np.float32), np.array([0, 0, 1], np.float32))
    assert len(list(Path("/proc/self/task").iterdir())) == before
