"""3D objects as uncompressed GLB files for viewers, with a bounded number of triangles or points."""

from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image

from omnisearch.media.detect import detect
from omnisearch.media.file import Source, check_size
from omnisearch.media.objects import load
from omnisearch.media.surface import GREY, Samples, Triangles, corner_colors
from omnisearch.types import Floats

MAX_TRIANGLES = 100_000
MAX_POINTS = 200_000
MAX_TEXTURES = 32  # of up to 4 MiB; further parts are coloured at their corners
_FINEST = 1024  # cells along an axis
_trimesh: Any = trimesh  # most of it has no types
_GAMMA = 2.2  # colours of glTF 2.0 are linear light (3.9.2), ours and those of textures are not


def glb(source: Source) -> bytes:
    """Convert a 3D object to a GLB file in [-1, 1]: its triangles, simplified if there are too many, or its points.

    Raises:
        MediaError: as decoding the file does.
    """
    kind = detect(source)
    check_size(kind, source.size)
    loaded = load(source, kind, [])
    if isinstance(loaded, Samples):
        shapes = [_cloud(loaded)]
    elif sum(len(part.corners) for part in loaded) > MAX_TRIANGLES:
        shapes = [_coarse(loaded)]
    else:
        textured = [part for part in loaded if part.texture is not None and part.uv is not None][:MAX_TEXTURES]
        shapes = [_textured(part) for part in textured]
        plain = [part for part in loaded if not any(part is each for each in textured)]
        shapes += [_painted(plain)] if plain else []
    made: bytes = _trimesh.exchange.gltf.export_glb(_trimesh.Scene(shapes), include_normals=True)
    return made


def _cloud(samples: Samples) -> Any:
    chosen = np.linspace(0, len(samples.points) - 1, min(len(samples.points), MAX_POINTS)).astype(np.int64)
    colors = np.full((len(chosen), 3), GREY, np.float32) if samples.colors is None else samples.colors[chosen]
    return _trimesh.PointCloud(samples.points[chosen], colors=_linear(np.hstack([colors, np.ones_like(colors[:, :1])])))


def _textured(part: Triangles) -> Any:
    """A mesh with its texture. Its colour is one factor for all corners, the only form that all viewers support."""
    assert part.uv is not None
    assert part.texture is not None
    corners = np.hstack([part.corners.reshape(-1, 3), part.normals.reshape(-1, 3), part.uv.reshape(-1, 2)])
    unique, faces = _merged(np.nan_to_num(corners))
    material = _trimesh.visual.material.PBRMaterial(
        baseColorTexture=Image.fromarray(part.texture),
        baseColorFactor=_linear(part.colors.reshape(-1, 4).mean(axis=0)),
        alphaMode="MASK" if part.texture[..., 3].min() < 255 else "OPAQUE",
        metallicFactor=0.0,
        doubleSided=True,
    )
    visual = _trimesh.visual.TextureVisuals(uv=unique[:, 6:8], material=material)
    return _mesh(unique, faces, visual=visual)


def _painted(parts: list[Triangles]) -> Any:
    """One mesh of all parts, coloured at its corners."""
    columns = [
        np.hstack([p.corners.reshape(-1, 3), p.normals.reshape(-1, 3), corner_colors(p).reshape(-1, 4)]) for p in parts
    ]
    unique, faces = _merged(np.concatenate(columns))
    return _mesh(unique, faces, vertex_colors=_linear(unique[:, 6:10]))


def _coarse(parts: list[Triangles]) -> Any:
    """One mesh whose vertices are the means of the corners in each cell of the finest grid that is coarse enough.

    Merging vertices on a grid is from Rossignac and Borrel, "Multi-resolution 3D approximations", 1993.
    """
    corners = np.concatenate([part.corners.reshape(-1, 3) for part in parts])
    colors = np.concatenate([corner_colors(part).reshape(-1, 4) for part in parts])
    coarse, fine = 1, _FINEST  # cells: `coarse` leaves few enough triangles
    while fine - coarse > max(1, coarse // 16):
        middle = (coarse + fine) // 2
        cell = _cells(corners, middle)
        coarse, fine = (middle, fine) if len(_left(cell)) <= MAX_TRIANGLES else (coarse, middle)
    _, cell = np.unique(_cells(corners, coarse), return_inverse=True)
    count = np.bincount(cell)[:, None]
    means = [np.bincount(cell, column)[:, None] / count for column in (*corners.T, *colors.T)]
    points, tints = np.hstack(means[:3]), np.hstack(means[3:])
    used, faces = np.unique(_left(cell), return_inverse=True)
    return _trimesh.Trimesh(points[used], faces.reshape(-1, 3), vertex_colors=_linear(tints[used]), process=False)


def _cells(corners: Floats, count: int) -> NDArray[np.int64]:
    """The number of the cell of each corner in a grid of `count` cells along each axis of [-1, 1]."""
    x, y, z = ((corners + 1) * (count / 2)).astype(np.int64).clip(0, count - 1).T
    numbers: NDArray[np.int64] = (x * count + y) * count + z
    return numbers


def _left(cell: NDArray[np.int64]) -> NDArray[np.int64]:
    """The triangles (f, 3) whose corners are in three different cells."""
    faces = cell.reshape(-1, 3)
    a, b, c = faces.T
    left: NDArray[np.int64] = faces[(a != b) & (b != c) & (c != a)]
    return left


def _merged(corners: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The different rows of `corners` (3 f, k), and the faces (f, 3) as numbers of rows."""
    rows = np.ascontiguousarray(corners, np.float32)
    _, first, number = np.unique(rows.view(f"V{rows.itemsize * rows.shape[1]}"), return_index=True, return_inverse=True)
    return rows[first], number.reshape(-1, 3)


def _mesh(rows: Floats, faces: NDArray[np.int64], **look: Any) -> Any:
    return _trimesh.Trimesh(rows[:, :3], faces, vertex_normals=rows[:, 3:6], process=False, **look)


def _linear(colors: NDArray[Any]) -> NDArray[np.uint8]:
    """RGBA (..., 4) in [0, 1] as bytes of linear light."""
    rgba = np.asarray(colors, np.float64).clip(0, 1).copy()
    rgba[..., :3] **= _GAMMA
    return np.round(rgba * 255).astype(np.uint8)
