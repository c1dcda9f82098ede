"""trimesh's door: mesh files as triangles, or as points where a file has no faces."""

from io import BytesIO
from typing import Any

import numpy as np
import trimesh
from PIL import Image
from trimesh.resolvers import Resolver

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.surface import GREY, Samples, Triangles
from omnisearch.types import Floats

MAX_VERTICES = 5_000_000
MAX_PARTS = 2000
MAX_TEXTURE_PIXELS = 64_000_000
TEXTURE_SIDE = 1024
_SMOOTH = 0.85  # a corner's own normal is believed up to this cosine from its face's


def load(source: Source, format: str) -> list[Triangles] | Samples:  # noqa: A002
    """Read a mesh file: triangles in world coordinates, or bare points.

    Raises:
        MediaError: no_vertices, too_many_vertices or non_finite.
    """
    Image.MAX_IMAGE_PIXELS = MAX_TEXTURE_PIXELS
    scene = trimesh.load_scene(BytesIO(source.file.read()), file_type=format, resolver=_Siblings(source), process=False)
    nodes = list(scene.graph.nodes_geometry)
    if len(nodes) > MAX_PARTS:
        raise MediaError(Reason.TOO_MANY_VERTICES, f"{len(nodes)} parts, the limit is {MAX_PARTS}")
    placed = [(scene.geometry[name], matrix) for matrix, name in (scene.graph[node] for node in nodes)]
    vertices = sum(len(shape.vertices) for shape, _ in placed)
    if vertices == 0:
        raise MediaError(Reason.NO_VERTICES)
    if vertices > MAX_VERTICES or sum(len(getattr(shape, "faces", ())) for shape, _ in placed) > 2 * MAX_VERTICES:
        raise MediaError(Reason.TOO_MANY_VERTICES, f"{vertices} vertices, the limit is {MAX_VERTICES}")
    triangles = [_triangles(shape, matrix) for shape, matrix in placed if len(getattr(shape, "faces", ()))]
    return triangles or _points([(shape, matrix) for shape, matrix in placed if len(shape.vertices)])


class _Siblings(Resolver):
    """Material, texture and buffer files that lie below the mesh's own folder."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def get(self, name: str) -> bytes:
        data = self._source.sibling(name.strip())
        if data is None:
            raise FileNotFoundError(name)
        return data

    def write(self, name: str, data: Any) -> None:
        raise NotImplementedError

    def namespaced(self, namespace: str) -> "_Siblings":  # noqa: ARG002
        return self

    def keys(self) -> list[str]:
        return []


def _moved(vertices: Any, matrix: Any) -> Floats:
    moved: Floats = (np.asarray(vertices, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
    if not np.isfinite(moved).all():
        raise MediaError(Reason.NON_FINITE, "a vertex is not a finite number")
    return moved


def _points(placed: list[tuple[Any, Any]]) -> Samples:
    points = np.concatenate([_moved(shape.vertices, matrix) for shape, matrix in placed])
    colors = [_cloud_colors(shape) for shape, _ in placed]
    known = [color for color in colors if color is not None]
    return Samples(points, np.concatenate(known) if len(known) == len(colors) else None, None)


def _cloud_colors(shape: Any) -> Floats | None:
    colors = np.asarray(getattr(shape, "colors", ()))
    if colors.ndim != 2 or len(colors) != len(shape.vertices):
        return None
    known: Floats = colors[:, :3].astype(np.float32) / np.float32(255)
    return known


def _triangles(shape: Any, matrix: Any) -> Triangles:
    faces = np.asarray(shape.faces)
    if faces.min() < 0 or faces.max() >= len(shape.vertices):
        raise MediaError(Reason.DECODE_ERROR, "a face names a vertex that does not exist")
    corners = _moved(shape.vertices, matrix)[faces]
    colors, uv, texture = _paint(shape, faces)
    return Triangles(corners, _normals(shape, matrix, faces, corners), colors, uv, texture)


def _normals(shape: Any, matrix: Any, faces: Any, corners: Floats) -> Floats:
    """Per corner: the vertex's own normal where it is near the face's, so that edges stay sharp."""
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = (flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-30))[:, None, :]
    try:
        smooth = np.asarray(shape.vertex_normals, np.float64) @ np.linalg.inv(matrix[:3, :3])
    except np.linalg.LinAlgError:
        return np.repeat(flat, 3, axis=1).astype(np.float32)
    smooth = smooth / (np.linalg.norm(smooth, axis=1, keepdims=True) + 1e-30)
    smooth = smooth[faces]
    near = (smooth * flat).sum(axis=2, keepdims=True) > _SMOOTH
    chosen: Floats = np.where(near, smooth, flat).astype(np.float32)
    return chosen


def _paint(shape: Any, faces: Any) -> tuple[Floats, Floats | None, Any]:
    """Corner colours (f, 3, 4), texture coordinates and texture of a shape, whichever way it is coloured."""
    count = len(faces)
    visual = shape.visual
    material = getattr(visual, "material", None)
    if material is not None:
        color, image = _material(material)
        colors = np.broadcast_to(color, (count, 3, 4))
        uv = getattr(visual, "uv", None)
        if image is None or uv is None or len(uv) != len(shape.vertices):
            return colors, None, None
        return colors, np.asarray(uv, np.float32)[faces], _texture(image)
    if getattr(visual, "kind", None) == "vertex":
        return np.asarray(visual.vertex_colors, np.float32)[faces] / 255, None, None
    if getattr(visual, "kind", None) == "face":
        return np.repeat(np.asarray(visual.face_colors, np.float32)[:, None] / 255, 3, axis=1), None, None
    return np.broadcast_to(np.array([GREY, GREY, GREY, 1], np.float32), (count, 3, 4)), None, None


def _material(material: Any) -> tuple[Floats, Any]:
    """The RGBA factor in [0, 1] and the texture image of a glTF (PBR) or an OBJ/COLLADA (simple) material."""
    if isinstance(material, trimesh.visual.material.PBRMaterial):
        rgba = _rgba(material.baseColorFactor, 255)
        rgba[:3] **= 1 / 2.2  # glTF 2.0, 3.9.2: factors are linear light, textures and pictures are not
        return rgba, material.baseColorTexture
    image = getattr(material, "image", None)
    if image is not None:  # exporters leave any colour beside a texture, viewers show the texture alone
        return _rgba(None, 255), image
    return _rgba(getattr(material, "diffuse", None), GREY * 255), None


def _rgba(color: Any, default: float) -> Floats:
    values = np.asarray([default] * 3 if color is None else color, np.float32).ravel()[:4]
    rgba = np.ones(4, np.float32)
    rgba[: len(values)] = values / (255 if values.max(initial=0) > 1 else 1)
    return rgba


def _texture(image: Image.Image) -> Any:
    if image.width * image.height > MAX_TEXTURE_PIXELS:
        raise MediaError(Reason.TOO_MANY_PIXELS, f"a texture of {image.width} x {image.height}")
    image = image.convert("RGBA")
    image.thumbnail((TEXTURE_SIDE, TEXTURE_SIDE))
    return np.asarray(image, dtype=np.uint8)
