"""The surface of a 3D object: triangles with their colours, and coloured samples of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Floats

GREY = 0.72  # the colour of a surface without one


@dataclass(frozen=True, eq=False)
class Samples:
    """n samples of a surface, or bare points.

    `points` float32 (n, 3); `colors` float32 (n, 3) in [0, 1], None if the source has none.
    """

    points: Floats
    colors: Floats | None


@dataclass(frozen=True, eq=False)
class Triangles:
    """f triangles, with the data to compute the colour of any point on them.

    `corners` and `normals` (f, 3, 3) per corner. `colors` (f, 3, 4) RGBA in [0, 1] per corner.
    `texture` uint8 (height, width, 4), looked up at `uv` (f, 3, 2) and multiplied with `colors`.
    """

    corners: Floats
    normals: Floats
    colors: Floats
    uv: Floats | None = None
    texture: NDArray[np.uint8] | None = None


def sample(parts: list[Triangles], count: int) -> Samples:
    """Distribute about `count` samples evenly over the area of all parts; the result is deterministic.

    Along the running sum of triangle areas samples stand at equal distances, and inside triangles they follow the
    R2 sequence (M. Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018). If a part is
    transparent, that share of its samples is left out.
    """
    areas = [_areas(part.corners) for part in parts]
    total = sum(float(area.sum()) for area in areas)
    points, colors = [], []
    for part, area in zip(parts, areas, strict=True):
        share = max(1, round(count * float(area.sum()) / total)) if total > 0 else 1
        place = _sample_part(part, area, share)
        points.append(place[0])
        colors.append(place[1])
    return Samples(np.concatenate(points), np.concatenate(colors))


def corner_colors(part: Triangles) -> Floats:
    """Colours (f, 3, 4) of the corners in [0, 1], multiplied with the texture."""
    if part.texture is None or part.uv is None:
        return part.colors
    seen: Floats = look_up(part.texture, part.uv.reshape(-1, 2)).reshape(-1, 3, 4)
    return part.colors * seen


def _areas(corners: Floats) -> NDArray[np.float64]:
    edges = corners[:, 1:].astype(np.float64) - corners[:, :1]
    areas: NDArray[np.float64] = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1) / 2
    return areas


def _sample_part(part: Triangles, areas: NDArray[np.float64], count: int) -> tuple[Floats, Floats]:
    along = np.cumsum(areas)
    step = np.arange(count)
    face = np.searchsorted(along, (step + 0.5) * (along[-1] / count)).clip(0, len(areas) - 1)
    # (0.7549, 0.5698): powers of the inverse plastic number. Folding keeps (a, b) inside the triangle.
    a, b = (step * 0.7548776662466927) % 1, (step * 0.5698402909980532) % 1
    over = a + b > 1
    a, b = (np.where(over, 1 - side, side).astype(np.float32)[:, None] for side in (a, b))
    colors = mix(part.colors, face, a, b)  # (n, 4)
    if part.texture is not None and part.uv is not None:
        colors = colors * look_up(part.texture, mix(part.uv, face, a, b))
    kept = colors[:, 3] > (step * 0.6180339887498949) % 1
    if not kept.any():
        kept[:] = True
    return mix(part.corners, face, a, b)[kept], colors[kept, :3].clip(0, 1)


def mix(corners: Floats, face: NDArray[np.integer[Any]], a: Floats, b: Floats) -> Floats:
    """Interpolate `corners` (f, 3, k) in the triangles `face` (n,), with the weights (n, 1) of the last two corners.

    Returns:
        float32 (n, k).
    """
    near = corners.take(face, axis=0)
    first = near[:, 0]
    mixed: Floats = first + a * (near[:, 1] - first) + b * (near[:, 2] - first)
    return mixed


def look_up(texture: NDArray[np.uint8], uv: Floats) -> Floats:
    """The colours of a texture uint8 (height, width, 4) at `uv` (n, 2), as float32 (n, 4) in [0, 1]."""
    height, width = texture.shape[:2]
    place = uv - np.floor(uv)
    place[~np.isfinite(place)] = 0
    column = np.minimum((place[:, 0] * width).astype(np.int32), width - 1)
    row = height - 1 - np.minimum((place[:, 1] * height).astype(np.int32), height - 1)
    found: Floats = texture.reshape(-1, 4).take(row * width + column, axis=0) * np.float32(1 / 255)
    return found
