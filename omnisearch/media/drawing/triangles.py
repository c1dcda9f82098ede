"""Pictures of triangles: rays that are cast at one sample of a pixel, and at four where neighbouring pixels differ."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from omnisearch.media.drawing.camera import Camera, cameras
from omnisearch.media.drawing.light import lit
from omnisearch.media.drawing.paint import Paint
from omnisearch.media.drawing.rays import Scene, UntraceableError
from omnisearch.media.surface import Triangles
from omnisearch.types import Floats

CONTRAST = 10  # of 255
LAYERS = 8  # surfaces that a ray passes if they are transparent
_OTHERS = np.array([(0, 1, 1), (1, 0, 1)])  # the rows and columns of the samples of a pixel beside its first
_FAINT = 0.02  # of the light; less is not followed
# Surfaces are moved along their normals by this length, so that of two sheets in one place the one that faces the
# camera is hit. Objects are 2 wide.
_LIFT = 2e-5
_STEP = 1e-4  # from a transparent surface to where the ray goes on


class Tracing:
    """The rays of one object."""

    def __init__(self, parts: Sequence[Triangles]) -> None:
        """Build the search structure.

        Raises:
            UntraceableError: see `Scene`; or no triangle has an area.
        """
        corners = np.concatenate([part.corners + np.float32(_LIFT) * part.normals for part in parts])
        if not np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).any():
            raise UntraceableError("its triangles have no area")
        self._scene, self._paint, self._points = Scene(corners), Paint(parts), corners.reshape(-1, 3)

    def pictures(self, views: int, side: int) -> Iterator[Floats]:
        """Yield each view, float32 (4, side, side): what the object covers of each pixel, A, and its RGB times A.

        Raises:
            UntraceableError: see `Scene`.
        """
        for camera in cameras(self._points, views):
            yield _View(self._scene, self._paint, camera, side).picture()


class _View:
    """One picture. It has samples at twice its resolution, numbered by row and column from the upper left."""

    def __init__(self, scene: Scene, paint: Paint, camera: Camera, side: int) -> None:
        self._scene, self._paint, self._camera, self._side = scene, paint, camera, side
        self._step = camera.pixel(side) / 2

    def picture(self) -> Floats:
        """Cast the first sample of each pixel, and the others where T. Whitted would divide it.

        "An improved illumination model for shaded display", 1980: a pixel is divided if the samples at its corners
        differ, here the first samples of itself and its neighbours to the right and below.
        """
        picture = np.zeros((4, self._side, self._side), np.float32)
        rows, columns = self._touched()
        seen = self._light(*(2 * each.ravel() for each in np.meshgrid(rows, columns, indexing="ij")))
        picture[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = seen.reshape(4, len(rows), len(columns))
        row, column = np.nonzero(_is_mixed(picture))
        down, right = np.repeat(_OTHERS, len(row), axis=1)
        others = self._light(np.tile(2 * row, 3) + down, np.tile(2 * column, 3) + right)
        picture[:, row, column] = (picture[:, row, column] + others.reshape(4, 3, len(row)).sum(axis=1)) / 4
        return picture

    def _touched(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows and the columns of pixels that the object may touch."""
        pixel, half = self._camera.pixel(self._side), self._side / 2
        left, bottom = self._camera.low / pixel
        right, top = self._camera.high / pixel
        bounds = np.array([(half - top, half - bottom), (half + left, half + right)])
        (first_row, last_row), (first, last) = np.floor(bounds).astype(np.int64).clip(0, self._side - 1)
        return np.arange(first_row, last_row + 1), np.arange(first, last + 1)

    def _light(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> Floats:
        """The light at n samples, float32 (4, n), as in `Tracing.pictures`."""
        right, up, backward = self._camera.turn
        x = ((column + 0.5 - self._side) * self._step).astype(np.float32)
        y = ((self._side - 0.5 - row) * self._step).astype(np.float32)
        start = self._camera.centre + np.float32(self._camera.depth) * backward
        origins = np.empty((len(row), 3), np.float32)
        for axis in range(3):
            origins[:, axis] = start[axis] + x * right[axis] + y * up[axis]
        return self._follow(origins, -backward)

    def _follow(self, origins: Floats, direction: Floats) -> Floats:
        """The light along n rays, float32 (4, n)."""
        light = np.zeros((4, len(origins)), np.float32)
        rays, left = np.arange(len(origins)), np.ones(len(origins), np.float32)  # `left` of the light is from behind
        for _ in range(LAYERS):
            hits = self._scene.first_hits(origins, direction)
            hit = np.nonzero(hits.triangle >= 0)[0]
            hits = hits.take(hit)
            colors, normals = self._paint.at(hits.triangle, hits.a, hits.b)
            colors[:3] = lit(colors[:3], normals, self._camera.turn)
            rays = rays.take(hit)
            if self._paint.is_opaque:
                light[:, rays] = colors
                break
            share = left.take(hit) * colors[3]
            colors[3] = 1
            light[:, rays] += share * colors
            left = left.take(hit) - share
            go = np.nonzero(left > _FAINT)[0]
            rays, left = rays.take(go), left.take(go)
            origins = (
                origins.take(hit.take(go), axis=0) + (hits.distance.take(go) + np.float32(_STEP))[:, None] * direction
            )
        return light


def _is_mixed(picture: Floats) -> NDArray[np.bool_]:
    """Where a pixel, its right, its lower and its lower right neighbour differ by more than CONTRAST, (side, side)."""
    side = picture.shape[1]
    values = np.zeros((4, side + 1, side + 1), np.uint8)
    values[:, :-1, :-1] = picture * 255
    most = np.maximum(values[..., 1:], values[..., :-1])
    least = np.minimum(values[..., 1:], values[..., :-1])
    spread = np.maximum(most[:, 1:], most[:, :-1]) - np.minimum(least[:, 1:], least[:, :-1])
    mixed: NDArray[np.bool_] = spread.max(axis=0) > CONTRAST
    return mixed
