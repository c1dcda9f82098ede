"""Read mesh files with trimesh: as triangles, or as points if a file has no faces."""

from io import BytesIO
from typing import Any

import numpy as np
import trimesh
from PIL import Image
from trimesh.resolvers import Resolver

from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.objects import gltf, textures
from omnisearch.media.objects.gltf_container import is_version_1, read_container
from omnisearch.media.objects.parts import MeshPart, check_counts, join
from omnisearch.media.objects.repair import repaired
from omnisearch.media.surface import GREY, Samples, Triangles
from omnisearch.types import Floats


def load(source: Source, kind: Kind, notes: list[str]) -> list[Triangles] | Samples:
    """Read a mesh file: triangles in world coordinates, or bare points.

    Raises:
        MediaError: as `repaired`, `gltf.to_glb` and `join` do.
    """
    data, name = source.file.read(), kind.format
    if name in ("glb", "gltf"):
        tree, binary = read_container(data)
        if is_version_1(tree):
            from omnisearch.media.objects.assimp import load_gltf_1

            return load_gltf_1(data, source, notes)
        data, name = gltf.to_glb(tree, binary, source, notes), "glb"
    data = repaired(data, name, notes)
    try:
        return join(read_parts(data, name, source, notes))
    except ValueError:
        if name != "ply":
            raise
        from omnisearch.media.objects import assimp

        return assimp.load_bytes(data, source, name, notes)  # trimesh reads no faces of different lengths


def read_parts(
    data: bytes,
    format: str,  # noqa: A002
    source: Source,
    notes: list[str],
    turn: Any = None,
) -> list[MeshPart]:
    """The parts of a file in a format that trimesh knows; `turn` is a matrix (4, 4) for the whole object.

    Raises:
        MediaError: no_vertices or too_many_vertices.
    """
    Image.MAX_IMAGE_PIXELS = textures.MAX_PIXELS
    scene = trimesh.load_scene(BytesIO(data), file_type=format, resolver=_Siblings(source, notes), process=False)
    placed = [(scene.geometry[name], matrix) for matrix, name in map(scene.graph.get, scene.graph.nodes_geometry)]
    vertices = sum(len(shape.vertices) for shape, _ in placed)
    check_counts(len(placed), vertices, sum(len(getattr(shape, "faces", ())) for shape, _ in placed))
    return [_part(shape, matrix if turn is None else turn @ matrix, notes) for shape, matrix in placed]


class _Siblings(Resolver):
    """Material and texture files below the mesh's folder; a missing file adds a note."""

    def __init__(self, source: Source, notes: list[str]) -> None:
        self._source, self._notes = source, notes

    def get(self, name: str) -> bytes:
        data = textures.sibling(self._source, name)
        if data is None:
            self._notes.append(f"file not found: {name.strip()}")
            raise FileNotFoundError(name)
        if not name.strip().lower().endswith(".mtl") and not textures.is_picture(data):
            self._notes.append(f"texture not readable: {name.strip()}")
        return data

    def write(self, name: str, data: Any) -> None:
        raise NotImplementedError

    def namespaced(self, namespace: str) -> "_Siblings":  # noqa: ARG002
        return self

    def keys(self) -> list[str]:
        return []


def _part(shape: Any, matrix: Any, notes: list[str]) -> MeshPart:
    faces = np.asarray(getattr(shape, "faces", ()))
    if not len(faces):
        return MeshPart(np.asarray(shape.vertices), matrix=matrix, colors=_cloud_colors(shape))
    if faces.min() < 0 or faces.max() >= len(shape.vertices):
        return MeshPart(shape.vertices, faces)  # refused by `join`
    return MeshPart(np.asarray(shape.vertices), faces, matrix, shape.vertex_normals, *_paint(shape, faces, notes))


def _cloud_colors(shape: Any) -> Floats | None:
    colors = np.asarray(getattr(shape, "colors", ()))
    if colors.ndim != 2 or len(colors) != len(shape.vertices):
        return None
    known: Floats = colors[:, :3].astype(np.float32) / np.float32(255)
    return known


def _paint(shape: Any, faces: Any, notes: list[str]) -> tuple[Any, Floats | None, Any]:
    """Colours, texture coordinates and texture of a shape, from any of the ways in which trimesh stores colours."""
    visual = shape.visual
    material = getattr(visual, "material", None)
    if material is not None:
        color, image = _material(material)
        uv = getattr(visual, "uv", None)
        if image is None or uv is None or len(uv) != len(shape.vertices):
            return color, None, None
        try:
            return color, np.asarray(uv, np.float32)[faces], textures.shrunk(image)
        except (OSError, ValueError, SyntaxError):  # the header is valid, the pixels are broken
            notes.append("a texture is damaged and was left out")
            return color, None, None
    if getattr(visual, "kind", None) == "vertex":
        return np.asarray(visual.vertex_colors, np.float32)[faces] / 255, None, None
    if getattr(visual, "kind", None) == "face":
        return np.asarray(visual.face_colors, np.float32)[:, None] / 255, None, None
    return None, None, None


def _material(material: Any) -> tuple[Floats, Any]:
    """The RGBA factor in [0, 1] and the texture image of a glTF (PBR) or an OBJ (simple) material."""
    if isinstance(material, trimesh.visual.material.PBRMaterial):
        rgba = _rgba(material.baseColorFactor, 255)
        rgba[:3] **= 1 / 2.2  # glTF 2.0, 3.9.2: factors are linear light, textures and pictures are not
        return rgba, material.baseColorTexture
    image = getattr(material, "image", None)
    if image is not None:  # exporters write arbitrary colours beside a texture, and viewers ignore them
        return _rgba(None, 255), image
    return _rgba(getattr(material, "diffuse", None), GREY * 255), None


def _rgba(color: Any, default: float) -> Floats:
    values = np.asarray([default] * 3 if color is None else color, np.float32).ravel()[:4]
    rgba = np.ones(4, np.float32)
    rgba[: len(values)] = values / (255 if values.max(initial=0) > 1 else 1)
    return rgba
