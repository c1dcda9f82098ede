"""Pictures of bare points: discs in a depth buffer, lit by the relief that they make."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from omnisearch.media.drawing.camera import MARGIN, along, cameras
from omnisearch.media.drawing.light import lit
from omnisearch.media.surface import GREY, Samples
from omnisearch.types import Floats

MOST = 400_000  # points that are drawn
FINE = 2  # the depth buffer is this many times finer than the picture
_FAR = np.iinfo(np.int64).max
_STEP = 0.03  # a jump in depth, as a share of the object's extent, that separates two surfaces


class Discs:
    """Each point as a disc that reaches its neighbours."""

    def __init__(self, samples: Samples) -> None:
        self._samples = _thinned(samples)

    def pictures(self, views: int, side: int) -> Iterator[Floats]:
        """Yield each view, float32 (4, side, side): what the discs cover of each pixel, A, and their RGB times A."""
        points, scale = self._samples.points, side * FINE / 2 * MARGIN
        seen = cameras(points, views)
        radius = _disc_radius(points, scale / seen[0].reach)
        for camera in seen:
            columns = np.ascontiguousarray((points - camera.centre).T)
            right, up, towards = (along(axis, columns) / camera.reach for axis in camera.turn)
            yield _shade(self._samples, _Buffer(right * scale, up * scale, towards, side * FINE, radius), radius)


def _thinned(samples: Samples) -> Samples:
    count = len(samples.points)
    if count <= MOST:
        return samples
    chosen = np.linspace(0, count - 1, MOST).astype(np.int64)
    return Samples(samples.points[chosen], None if samples.colors is None else samples.colors[chosen])


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
    """The point nearest to the camera in every fine pixel.

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


def _shade(samples: Samples, buffer: _Buffer, radius: int) -> Floats:
    hit = buffer.nearest >= 0
    which = buffer.nearest[hit]
    colors = np.full((3, len(which)), GREY, np.float32) if samples.colors is None else samples.colors[which].T
    picture = np.ones((3, buffer.side, buffer.side), np.float32)
    picture[:, hit] = lit(colors, _relief(buffer, hit, radius)[:, hit], np.eye(3, dtype=np.float32))
    return _reduce(picture, buffer.depth)


def _relief(buffer: _Buffer, hit: NDArray[np.bool_], radius: int) -> Floats:
    """Normals of the picture's relief, float32 (3, side, side): slopes over about one disc, smoothed."""
    depth = buffer.depth * (buffer.side / 2 * MARGIN)
    relief = np.where(hit, depth, depth[hit].min() if hit.any() else 0)
    for axis in (0, 1):
        shifted = [np.roll(relief, shift, axis) for shift in range(-radius, radius + 1)]
        relief = np.mean(shifted, axis=0)
    rise, run = np.gradient(relief)
    return np.stack([-run, rise, np.ones_like(run)]).astype(np.float32)


def _reduce(picture: Floats, depth: Floats) -> Floats:
    """Average each block of fine pixels, without those far behind the block's nearest; float32 (4, side, side)."""
    cells = [(slice(row, None, FINE), slice(column, None, FINE)) for row in range(FINE) for column in range(FINE)]
    nearest = depth[cells[0]]
    for cell in cells[1:]:
        nearest = np.maximum(nearest, depth[cell])
    total, summed = np.zeros(nearest.shape, np.float32), np.zeros((3, *nearest.shape), np.float32)
    for cell in cells:  # include the white background, which smooths the outline
        weight = ((depth[cell] >= nearest - _STEP) | np.isneginf(depth[cell])).astype(np.float32)
        total += weight
        summed += picture[:, *cell] * weight
    ground = np.sum([np.isneginf(depth[cell]) for cell in cells], axis=0, dtype=np.float32) / total
    return np.concatenate([summed / total - ground, 1 - ground[None]]).astype(np.float32)
