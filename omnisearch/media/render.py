"""Pictures of 3D objects by NumPy alone: surface samples, a depth buffer, Lambert shading, a white ground."""

import numpy as np
from numpy.typing import NDArray

from omnisearch.media.surface import GREY, Samples
from omnisearch.types import Floats, Pixels

VIEWS = 8
SIDE = 224
ELEVATION = 20.0
FIRST_AZIMUTH = 30.0  # degrees: the first view, which is also the poster, is a three-quarter view from the front
AMBIENT, KEY, SHEEN = 0.55, 0.45, 0.15
FINE = 2  # the depth buffer is this many times finer than the picture
_MARGIN = 0.94
_LIGHT = np.array([-0.45, 0.7, 0.75], np.float32) / np.float32(np.linalg.norm([-0.45, 0.7, 0.75]))
_FAR = np.iinfo(np.int64).max
_BACK = 0.01  # back faces are moved this much deeper, so that of two coinciding sheets the front one is drawn
_STEP = 0.03  # a jump in depth, as a share of the object's extent, that separates two surfaces


def render(samples: Samples, views: int = VIEWS, side: int = SIDE) -> Pixels:
    """Draw an object from `views` azimuths around its y axis, slightly from above.

    A surface is drawn from its samples' normals; a bare point set as discs, lit by the relief they make.

    Returns:
        uint8 (views, side, side, 3).
    """
    low, high = samples.points.min(axis=0), samples.points.max(axis=0)
    points = np.ascontiguousarray((samples.points - (low + high) / 2).T)  # (3, n): whole columns are fast
    normals = None if samples.normals is None else np.ascontiguousarray(samples.normals.T)
    turns = [_camera(FIRST_AZIMUTH + 360 * view / views) for view in range(views)]
    seen = [[_along(axis, points) for axis in turn] for turn in turns]
    reach = max(float(np.abs(axis).max()) for right_up in seen for axis in right_up[:2])  # one scale for all views
    scale = side * FINE / 2 * _MARGIN / max(reach, 1e-9)
    radius = _disc_radius(samples.points, scale) if normals is None else 0
    drawn = []
    for turn, (right, up, towards) in zip(turns, seen, strict=True):
        back = 0.0 if normals is None else (_along(turn[2], normals) < 0) * np.float32(_BACK * reach)
        buffer = _Buffer(right * scale, up * scale, (towards - back) / max(reach, 1e-9), side * FINE, radius)
        drawn.append(_shade(samples, buffer, turn, radius))
    return np.stack(drawn)


def _along(axis: Floats, columns: Floats) -> Floats:
    """Dot products of `columns` (3, n) with one axis; matrix products of this shape are slower in BLAS."""
    along: Floats = columns[0] * axis[0] + columns[1] * axis[1] + columns[2] * axis[2]
    return along


def _camera(azimuth: float) -> Floats:
    """Rows: the camera's right, up and backward directions in object space, float32 (3, 3)."""
    turn, tilt = np.radians([azimuth, ELEVATION])
    backward = np.array([np.sin(turn) * np.cos(tilt), np.sin(tilt), np.cos(turn) * np.cos(tilt)])
    right = np.array([np.cos(turn), 0.0, -np.sin(turn)])
    return np.stack([right, np.cross(backward, right), backward]).astype(np.float32)


def _disc_radius(points: Floats, scale: float) -> int:
    """Fine pixels from a point to its neighbours, from the area of the occupied cells of a grid."""
    extent = float(np.abs(points).max()) or 1.0
    cells = 32 if len(points) > 4000 else 16
    cell = 2 * extent / cells
    index = ((points + extent) / cell).astype(np.int64).clip(0, cells - 1)
    occupied = len(np.unique(index @ np.array([cells * cells, cells, 1])))
    spacing = cell * np.sqrt(occupied / len(points))
    return int(np.clip(round(spacing * scale), 1, 12))


class _Buffer:
    """The sample nearest to the camera in every fine pixel.

    `nearest` int64 (side, side), -1 where there is none; `depth` float32 (side, side), larger is nearer, -inf there.
    """

    def __init__(self, right: Floats, up: Floats, towards: Floats, side: int, radius: int) -> None:
        column = (right + side / 2).astype(np.int32)
        row = (side / 2 - up).astype(np.int32)
        order = ((2.0 - towards.astype(np.float64)) * 2**28).astype(np.int64)  # 0 is nearest
        keys = (order << 32) | np.arange(len(towards))
        best = np.full((side + 2 * radius) * (side + 2 * radius), _FAR, np.int64)
        place = (row + radius) * (side + 2 * radius) + column + radius
        for down in range(-radius, radius + 1):
            for across in range(-radius, radius + 1):
                if down * down + across * across <= radius * (radius + 0.8):
                    np.minimum.at(best, place + (down * (side + 2 * radius) + across), keys)
        best = best.reshape(side + 2 * radius, side + 2 * radius)[radius : side + radius, radius : side + radius]
        self.side = side
        self.nearest = np.where(best == _FAR, -1, best & 0xFFFFFFFF)
        self.depth = np.where(self.nearest >= 0, towards[self.nearest], -np.inf).astype(np.float32)
        if radius == 0:
            self._close_gaps()

    def _close_gaps(self) -> None:
        """Fill fine pixels that are deeper than most of their eight neighbours, because no sample hit them."""
        depth = np.pad(self.depth, 1, constant_values=-np.inf)
        nearest = np.pad(self.nearest, 1, constant_values=-1)
        votes = np.zeros(self.depth.shape, np.int8)
        front = np.full(self.depth.shape, -np.inf, np.float32)
        index = self.nearest.copy()
        for down, across in ((0, 1), (1, 0), (1, 2), (2, 1), (0, 0), (0, 2), (2, 0), (2, 2)):
            window = slice(down, down + self.side), slice(across, across + self.side)
            votes += depth[window] > self.depth + _STEP
            nearer = depth[window] > front
            front = np.where(nearer, depth[window], front)
            index = np.where(nearer, nearest[window], index)
        gap = votes >= 6
        self.depth = np.where(gap, front, self.depth)
        self.nearest = np.where(gap, index, self.nearest)


def _shade(samples: Samples, buffer: _Buffer, turn: Floats, radius: int) -> Pixels:
    hit = buffer.nearest >= 0
    which = buffer.nearest[hit]
    colors = np.full((len(which), 3), GREY, np.float32) if samples.colors is None else samples.colors[which]
    if samples.normals is not None:
        normals = np.stack([_along(axis, samples.normals[which].T) for axis in turn], axis=1)
    else:
        normals = _relief(buffer, hit, radius)[hit]
    normals *= np.where(normals[:, 2:] < 0, -1, 1)  # both sides of a sheet are lit
    light = np.maximum(_along(_LIGHT, normals.T), 0)[:, None]
    lit = colors * (AMBIENT + KEY * light)
    picture = np.ones((buffer.side, buffer.side, 3), np.float32)
    picture[hit] = lit + SHEEN * light**2 * (1 - lit)  # a little gloss shows the shape of black objects
    return _reduce(picture, buffer.depth)


def _relief(buffer: _Buffer, hit: NDArray[np.bool_], radius: int) -> Floats:
    """Normals of the picture's relief, float32 (side, side, 3): slopes over about one disc, smoothed."""
    reach = max(1, radius)
    depth = buffer.depth * (buffer.side / 2 * _MARGIN)
    relief = np.where(hit, depth, depth[hit].min() if hit.any() else 0)
    for axis in (0, 1):
        shifted = [np.roll(relief, shift, axis) for shift in range(-reach, reach + 1)]
        relief = np.mean(shifted, axis=0)
    rise, run = np.gradient(relief)
    normals = np.stack([-run, rise, np.ones_like(run)], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    return normals.astype(np.float32)


def _reduce(picture: Floats, depth: Floats) -> Pixels:
    """Average each block of fine pixels, without those far behind the block's nearest."""
    cells = [(slice(row, None, FINE), slice(column, None, FINE)) for row in range(FINE) for column in range(FINE)]
    nearest = depth[cells[0]]
    for cell in cells[1:]:
        nearest = np.maximum(nearest, depth[cell])
    total, summed = np.zeros(nearest.shape, np.float32), np.zeros((*nearest.shape, 3), np.float32)
    for cell in cells:  # include the white background, which smooths the outline
        weight = ((depth[cell] >= nearest - _STEP) | np.isneginf(depth[cell])).astype(np.float32)
        total += weight
        summed += picture[cell] * weight[..., None]
    reduced: Pixels = (summed / total[..., None] * 255).round().astype(np.uint8)
    return reduced
