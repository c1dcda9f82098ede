"""Parts of a 3D object, and the triangles or points that they make together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import MediaError, Reason
from omnisearch.media.surface import GREY, Samples, Triangles
from omnisearch.types import Floats

MAX_VERTICES = 5_000_000
MAX_PARTS = 2000
# Turns an object whose z axis points up so that y does.
Y_FROM_Z_UP = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], np.float64)
_SMOOTH = 0.85  # a vertex normal is used if its cosine with the face normal is at least this
_NO_FACES = np.zeros((0, 3), np.int64)


@dataclass(frozen=True, eq=False)
class MeshPart:
    """A mesh or a point set as its file describes it, and the matrix that places it in the object.

    `vertices` (n, 3); `faces` (f, 3) vertex numbers, empty for points; `normals` (n, 3) or None.
    `colors` broadcasts to (f, 3, 4) RGBA in [0, 1] for a mesh, is (n, 3) for points; None: grey.
    `uv` (f, 3, 2) and `texture` uint8 (height, width, 4), see `Triangles`.
    """

    vertices: Any
    faces: Any = field(default_factory=lambda: _NO_FACES)
    matrix: Any = field(default_factory=lambda: np.eye(4))
    normals: Any = None
    colors: Any = None
    uv: Floats | None = None
    texture: NDArray[np.uint8] | None = None


def check_counts(parts: int, vertices: int, faces: int = 0) -> None:
    """Refuse an object before it is unfolded.

    Raises:
        MediaError: no_vertices or too_many_vertices.
    """
    if parts > MAX_PARTS:
        raise MediaError(Reason.TOO_MANY_VERTICES, f"{parts} parts, the limit is {MAX_PARTS}")
    if vertices == 0:
        raise MediaError(Reason.NO_VERTICES)
    if vertices > MAX_VERTICES or faces > 2 * MAX_VERTICES:
        raise MediaError(Reason.TOO_MANY_VERTICES, f"{vertices} vertices, the limit is {MAX_VERTICES}")


def check_share(present: int, promised: int, what: str, notes: list[str]) -> None:
    """Add a note if a file holds fewer elements than its header declares.

    Raises:
        MediaError: damaged, if it holds less than half of them.
    """
    said = f"{present:,} of {promised:,} {what}"
    if 2 * present < promised or present == 0:
        raise MediaError(Reason.DAMAGED, f"it holds {said}")
    if present < promised:
        notes.append(f"partly read: {said}")


def join(parts: Sequence[MeshPart]) -> list[Triangles] | Samples:
    """Place the parts: triangles of those with faces, or the points of all if none has any.

    Raises:
        MediaError: no_vertices, too_many_vertices, non_finite, or damaged if a face names a missing vertex.
    """
    check_counts(len(parts), sum(len(part.vertices) for part in parts), sum(len(part.faces) for part in parts))
    meshes = [part for part in parts if len(part.faces)]
    used = meshes or [part for part in parts if len(part.vertices)]
    for part in meshes:
        if part.faces.min() < 0 or part.faces.max() >= len(part.vertices):
            raise MediaError(Reason.DAMAGED, "a face names a vertex that does not exist")
    placed = centred([_placed(part) for part in used])
    if not meshes:
        return _points(used, placed)
    return [_triangles(part, vertices) for part, vertices in zip(used, placed, strict=True)]


def centred(sets: Sequence[NDArray[np.float64]]) -> list[Floats]:
    """Move and scale point sets together into [-1, 1], in float64: float32 loses the details of far coordinates.

    Raises:
        MediaError: non_finite.
    """
    low = np.min([points.min(axis=0) for points in sets], axis=0)
    high = np.max([points.max(axis=0) for points in sets], axis=0)
    middle, reach = low / 2 + high / 2, float((high / 2 - low / 2).max())
    if not (np.isfinite(middle).all() and np.isfinite(reach)):
        raise MediaError(Reason.NON_FINITE, "a coordinate is not a finite number")
    return [((points - middle) / (reach or 1.0)).astype(np.float32) for points in sets]


def _placed(part: MeshPart) -> NDArray[np.float64]:
    matrix = np.asarray(part.matrix, np.float64)
    placed: NDArray[np.float64] = np.asarray(part.vertices, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    return placed


def _points(parts: Sequence[MeshPart], placed: list[Floats]) -> Samples:
    colors = [part.colors for part in parts if part.colors is not None]
    known = np.concatenate(colors).astype(np.float32) if len(colors) == len(parts) else None
    return Samples(np.concatenate(placed), known)


def _triangles(part: MeshPart, vertices: Floats) -> Triangles:
    corners = vertices[part.faces]
    grey = np.array([GREY, GREY, GREY, 1], np.float32)
    colors = np.broadcast_to(grey if part.colors is None else part.colors, (len(corners), 3, 4))
    return Triangles(corners, _normals(part, corners), colors, part.uv, part.texture)


def _normals(part: MeshPart, corners: Floats) -> Floats:
    """Per corner: the vertex normal if it is near the face normal, else the face normal, so that edges stay sharp."""
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = (flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-30))[:, None, :]
    try:
        inverse = np.linalg.inv(np.asarray(part.matrix, np.float64)[:3, :3])
    except np.linalg.LinAlgError:
        inverse = None
    if part.normals is None or inverse is None:
        return np.repeat(flat, 3, axis=1).astype(np.float32)
    smooth = np.nan_to_num(np.asarray(part.normals, np.float64)) @ inverse
    smooth = smooth / (np.linalg.norm(smooth, axis=1, keepdims=True) + 1e-30)
    smooth = smooth[part.faces]
    near = (smooth * flat).sum(axis=2, keepdims=True) > _SMOOTH
    chosen: Floats = np.where(near, smooth, flat).astype(np.float32)
    return chosen
