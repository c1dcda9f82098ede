"""Cameras around an object: parallel projection, slightly from above, one scale for all views."""

from dataclasses import dataclass

import numpy as np

from omnisearch.types import Floats

ELEVATION = 20.0
FIRST_AZIMUTH = 30.0  # degrees: the first view, which is also the poster, is a three-quarter view from the front
MARGIN = 0.94  # the share of the picture's side that the object spans at most


@dataclass(frozen=True, eq=False)
class Camera:
    """One view. `turn` float32 (3, 3) has the camera's right, up and backward directions in object space as rows.

    The picture shows the square around `centre` (3,) in which `reach` is MARGIN of half a side.
    From the centre, the object spans `low` (2,) to `high` (2,) to the right and up, and less than `depth` backward.
    """

    turn: Floats
    centre: Floats
    reach: float
    low: Floats
    high: Floats
    depth: float

    def pixel(self, side: int) -> float:
        """The size of a pixel of a picture of `side` pixels, in the units of the object."""
        return 2 * self.reach / (MARGIN * side)


def cameras(points: Floats, views: int) -> list[Camera]:
    """Cameras at `views` azimuths around the y axis of an object with these points (n, 3)."""
    low, high = points.min(axis=0), points.max(axis=0)
    centre = (low + high) / 2
    columns = np.ascontiguousarray((points - centre).T)  # (3, n): whole columns are fast
    turns = [_turn(FIRST_AZIMUTH + 360 * view / views) for view in range(views)]
    spans = [np.array([_span(along(axis, columns)) for axis in turn[:2]], np.float32) for turn in turns]
    reach = max(float(np.abs(spans).max()), 1e-9)
    depth = 1.01 * float(np.linalg.norm(high - centre)) + 1e-9
    return [Camera(turn, centre, reach, span[:, 0], span[:, 1], depth) for turn, span in zip(turns, spans, strict=True)]


def along(axis: Floats, columns: Floats) -> Floats:
    """Dot products of `columns` (3, n) with one axis; matrix products of this shape are slower in BLAS."""
    products: Floats = columns[0] * axis[0] + columns[1] * axis[1] + columns[2] * axis[2]
    return products


def _span(values: Floats) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _turn(azimuth: float) -> Floats:
    turn, tilt = np.radians([azimuth, ELEVATION])
    backward = np.array([np.sin(turn) * np.cos(tilt), np.sin(tilt), np.cos(turn) * np.cos(tilt)])
    right = np.array([np.cos(turn), 0.0, -np.sin(turn)])
    return np.stack([right, np.cross(backward, right), backward]).astype(np.float32)
