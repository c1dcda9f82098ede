"""Pictures of 3D objects by NumPy alone: surface samples, a depth buffer, Lambert shading, a white ground."""

import numpy as np
from numpy.typing import NDArray

from omnisearch.media.surface import GREY, Samples
from omnisearch.types import Floats, Pixels

VIEWS = 8
SIDE = 224
ELEVATION = 20.0
FIRST_AZIMUTH = 30.0  # degrees: the first view, which is also the poster, is a three-quarter view from the front
AMBIENT, KEY = 0.55, 0.5
_FINE = 2  # the depth buffer is this many times finer than the picture
_MARGIN = 0.94
_LIGHT = np.array([-0.45, 0.7, 0.75], np.float32) / np.float32(np.linalg.norm([-0.45, 0.7, 0.75]))
_FAR = np.iinfo(np.int64).max


def render(samples: Samples, views: int = VIEWS, side: int = SIDE) -> Pixels:
    """Draw an object from `views` azimuths around its y axis, slightly from above.

    A surface is drawn from its samples' normals; a bare point set as discs, lit by the depth of their surroundings.

    Returns:
        uint8 (views, side, side, 3).
    """
    low, high = samples.points.min(axis=0), samples.points.max(axis=0)
    points = samples.points - (low + high) / 2
    turns = [_camera(FIRST_AZIMUTH + 360 * view / views) for view in range(views)]
    reach = max(float(np.abs(points @ turn[:2].T).max()) for turn in turns)  # one scale for all views
    scale = side * _FINE / 2 * _MARGIN / max(reach, 1e-9)
    radius = 0 if samples.normals is not None else _disc_radius(points, scale)
    return np.stack([_draw(samples, points, turn, scale, side * _FINE, radius) for turn in turns])


def _camera(azimuth: float) -> Floats:
    """Rows: the camera's right, up and backward directions in object space, float32 (3, 3)."""
    turn, tilt = np.radians([azimuth, ELEVATION])
    backward = np.array([np.sin(turn) * np.cos(tilt), np.sin(tilt), np.cos(turn) * np.cos(tilt)])
    right = np.array([np.cos(turn), 0.0, -np.sin(turn)])
    return np.stack([right, np.cross(backward, right), backward]).astype(np.float32)


def _disc_radius(points: Floats, scale: float) -> int:
    """Fine pixels from a point to half-way to its neighbours, from the area of the occupied cells of a grid."""
    extent = float(np.abs(points).max()) or 1.0
    cells = 32 if len(points) > 4000 else 16
    cell = 2 * extent / cells
    index = ((points + extent) / cell).astype(np.int64).clip(0, cells - 1)
    occupied = len(np.unique(index @ np.array([cells * cells, cells, 1])))
    spacing = cell * np.sqrt(occupied / len(points))
    return int(np.clip(round(0.75 * spacing * scale), 1, 12))


def _draw(samples: Samples, points: Floats, turn: Floats, scale: float, side: int, radius: int) -> Pixels:
    seen = points @ turn.T  # (n, 3): right, up, towards the camera
    column = (seen[:, 0] * scale + side / 2).astype(np.int32)
    row = (side / 2 - seen[:, 1] * scale).astype(np.int32)
    nearest, depth = _depth_buffer(row, column, seen[:, 2], side, radius)
    hit = nearest >= 0
    which = nearest[hit]
    colors = np.full((len(which), 3), GREY, np.float32) if samples.colors is None else samples.colors[which]
    if samples.normals is not None:
        normals = samples.normals[which] @ turn.T
    else:
        normals = _normals_from_depth(depth * scale, hit, radius)[hit]
    normals = normals * np.where(normals[:, 2:] < 0, -1, 1)  # both sides of a sheet are lit
    light = AMBIENT + KEY * np.maximum(normals @ _LIGHT, 0)
    picture = np.ones((side, side, 3), np.float32)
    picture[hit] = np.minimum(colors * light[:, None], 1)
    return _reduce(picture, depth, hit)


def _depth_buffer(
    row: NDArray[np.int32], column: NDArray[np.int32], towards: Floats, side: int, radius: int
) -> tuple[NDArray[np.int64], Floats]:
    """The index of the sample nearest to the camera per pixel, -1 where there is none, and its depth."""
    reach = float(np.abs(towards).max()) + 1e-6
    order = ((reach - towards) * (2**30 / (2 * reach))).astype(np.int64)  # 0 is nearest
    keys = (order << 32) | np.arange(len(towards))
    buffer = np.full(side * side, _FAR, np.int64)
    for down in range(-radius, radius + 1):
        for across in range(-radius, radius + 1):
            if down * down + across * across > radius * (radius + 0.8):
                continue
            at_row, at_column = row + down, column + across
            inside = (at_row >= 0) & (at_row < side) & (at_column >= 0) & (at_column < side)
            if inside.all():
                np.minimum.at(buffer, at_row * side + at_column, keys)
            else:
                np.minimum.at(buffer, at_row[inside] * side + at_column[inside], keys[inside])
    buffer = buffer.reshape(side, side)
    nearest = np.where(buffer == _FAR, -1, buffer & 0xFFFFFFFF)
    depth = np.where(nearest >= 0, towards[nearest], -np.inf).astype(np.float32)
    return nearest, depth


def _normals_from_depth(depth: Floats, hit: NDArray[np.bool_], radius: int) -> Floats:
    """Normals of the picture's relief, float32 (side, side, 3): slopes over about one disc, smoothed."""
    reach = max(1, radius)
    floor = depth[hit].min() if hit.any() else 0
    relief = np.where(hit, depth, floor)
    for axis in (0, 1):
        relief = sum(np.roll(relief, shift, axis) for shift in range(-reach, reach + 1)) / (2 * reach + 1)
    rise, run = np.gradient(relief)
    normals = np.stack([-run, rise, np.ones_like(run)], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return normals.astype(np.float32)


def _reduce(picture: Floats, depth: Floats, hit: NDArray[np.bool_]) -> Pixels:
    """Average each block of fine pixels, without those that show through a gap what lies far behind."""
    side = picture.shape[0] // _FINE
    blocks = (side, _FINE, side, _FINE)
    near = depth.reshape(blocks).max(axis=(1, 3), keepdims=True)
    reach = float(depth[hit].max() - depth[hit].min()) if hit.any() else 1.0
    front = depth.reshape(blocks) >= near - 0.06 * reach
    gap = ~hit.reshape(blocks) & (hit.reshape(blocks).sum(axis=(1, 3), keepdims=True) >= 3)
    weight = (front | ~hit.reshape(blocks)) & ~gap
    weight &= front | np.isneginf(depth.reshape(blocks))
    total = weight.sum(axis=(1, 3))[:, :, None]
    summed = (picture.reshape(side, _FINE, side, _FINE, 3) * weight[..., None]).sum(axis=(1, 3))
    reduced: Pixels = (summed / np.maximum(total, 1) * 255).round().astype(np.uint8)
    return reduced
