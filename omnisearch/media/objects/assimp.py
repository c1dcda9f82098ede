"""Read the scene formats of modelling programs with Assimp, which turns formats with defined axes y-up."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from io import BytesIO
from typing import Any

import assimp_py
import numpy as np

from omnisearch.errors import MediaError, Reason
from omnisearch.media.archive import Archive, refuse_entities
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.objects import gltf
from omnisearch.media.objects.encoding import read_text
from omnisearch.media.objects.gltf_container import read_version_1
from omnisearch.media.objects.memory_file import memory_file
from omnisearch.media.objects.parts import MAX_PARTS, Y_FROM_Z_UP, MeshPart, check_counts, join
from omnisearch.media.objects.textures import Textures, sibling
from omnisearch.media.surface import GREY, Samples, Triangles

_FLAGS = assimp_py.Process_Triangulate | assimp_py.Process_SortByPType
_Z_UP = {"amf"}  # z is up by convention, and Assimp does not turn it
_XML = {"dae", "amf"}
_TEXTS = {"dae", "amf", "ac", "ase"}
_DIFFUSE, _BASE_COLOR = 1, 12  # aiTextureType
_FAR = 1e4  # float32 has seven digits; three are lost if an object is this many times its size from the origin
_LINES = "it holds lines or points, which its reader does not support"


def load(source: Source, kind: Kind, notes: list[str]) -> list[Triangles] | Samples:
    """Read a scene.

    Raises:
        MediaError: damaged, unsupported_format, or as `join` does.
    """
    data = source.file.read()
    if data.startswith(b"PK"):  # an AMF may be zipped
        archive = Archive(BytesIO(data))
        data = archive.read(archive.names[0]) or b""
    return load_bytes(_as_assimp_finds_it(data, kind.format, notes), source, kind.format, notes)


def load_gltf_1(data: bytes, source: Source, notes: list[str]) -> list[Triangles] | Samples:
    """Read a glTF 1.0 file after embedding its buffers.

    Raises:
        MediaError: as `load` and `gltf.fetch` do.
    """
    tree, body = read_version_1(data)
    for name, buffer in tree.get("buffers", {}).items():
        content = body if name == "binary_glTF" else gltf.fetch(buffer["uri"], source)
        buffer["uri"] = f"data:application/octet-stream;base64,{base64.b64encode(content).decode()}"
    for image in tree.get("images", {}).values():
        if "extensions" in image or image.get("uri", "").startswith("data:"):
            image.pop("extensions", None)
            image["uri"] = "*"
    for unused in ("shaders", "programs", "techniques", "extensionsUsed"):
        tree.pop(unused, None)
    return load_bytes(json.dumps(tree).encode(), source, "gltf", notes)


def _as_assimp_finds_it(data: bytes, format: str, notes: list[str]) -> bytes:  # noqa: A002
    """Convert the content to a form that assimp recognises without a file name."""
    if format == "fbx":
        if data.startswith(b"Kaydara FBX Binary"):  # assimp's detection requires five bytes that have no meaning
            return data[:18] + b" \n\r\n " + data[23:]
        return b"; \n\r\n \n" + read_text(data, notes).encode()
    if format in _TEXTS or (format == "x" and data[8:12] == b"txt "):
        text = read_text(data, notes).encode()
        # Assimp ignores the declared encoding and reads UTF-8.
        return re.sub(rb"^\s*<\?xml.*?\?>", b"", refuse_entities(text), flags=re.DOTALL) if format in _XML else text
    return data


def load_bytes(data: bytes, source: Source, format: str, notes: list[str]) -> list[Triangles] | Samples:  # noqa: A002
    """Read the bytes of a scene that assimp recognises by its content.

    Raises:
        MediaError: as `load` does.
    """
    with memory_file(data) as path:
        scene = _import(path, format)
    placed = list(_placed(scene.root_node, Y_FROM_Z_UP if format in _Z_UP else np.eye(4)))
    meshes = [scene.meshes[index] for index, _ in placed]
    check_counts(len(placed), sum(mesh.num_vertices for mesh in meshes), sum(mesh.num_faces for mesh in meshes))
    textures = Textures(partial(sibling, source), notes)
    parts = [_part(scene.meshes[index], scene.materials, matrix, textures) for index, matrix in placed]
    _note_far(parts, notes)
    return join(parts)


def _import(path: str, format: str) -> Any:  # noqa: A002
    with memory_file(b"?") as other, suppress(RuntimeError):
        assimp_py.import_file(other, _FLAGS)  # assimp may repeat an old error message: provoke a known one first
    try:
        return assimp_py.import_file(path, _FLAGS)
    except ValueError as error:
        what = _LINES if "triangulated" in str(error) else "the names in it are not UTF-8"
        raise MediaError(Reason.UNSUPPORTED_FORMAT, f"{format}: {what}") from error
    except RuntimeError as error:
        said = str(error).partition(f"{path}': ")[2].strip()
        if not said or other in said:
            raise MediaError(Reason.NO_VERTICES, f"{format}: a scene without meshes") from error
        said = f"{format}: {'its header is broken' if 'No suitable reader' in said else said}"
        raise MediaError(Reason.DECODE_ERROR, said[:200]) from error


def _placed(root: Any, matrix: Any) -> Iterator[tuple[int, Any]]:
    """The number of every mesh in the scene and the matrix that places it.

    Raises:
        MediaError: too_many_vertices, if nodes name meshes more often than MAX_PARTS.
    """
    pending, parts = [(root, matrix)], 0
    while pending:
        node, above = pending.pop()
        here = above @ np.array(node.transformation, np.float64)
        for index in node.mesh_indices:
            parts += 1
            if parts > MAX_PARTS:
                raise MediaError(Reason.TOO_MANY_VERTICES, f"more than {MAX_PARTS} parts, which is the limit")
            yield index, here
        pending += [(child, here) for child in node.children]


def _part(mesh: Any, materials: list[Mapping[str, Any]], matrix: Any, textures: Textures) -> MeshPart:
    vertices = np.asarray(mesh.vertices, np.float32).reshape(-1, 3)
    faces = np.asarray(mesh.indices, np.int64).reshape(-1, 3)
    normals = None if mesh.normals is None else np.asarray(mesh.normals, np.float32).reshape(-1, 3)
    material = materials[mesh.material_index] if mesh.material_index < len(materials) else {}
    uv = _uv(mesh, len(vertices))
    name = _texture_name(material)
    texture = textures[name] if name is not None and uv is not None else None
    if texture is not None and uv is not None:
        return MeshPart(vertices, faces, matrix, normals, np.ones(4, np.float32), uv[faces], texture)
    return MeshPart(
        vertices, faces, matrix, normals, _colors(mesh, material)[faces] if mesh.colors else _diffuse(material)
    )


def _uv(mesh: Any, count: int) -> Any:
    if not mesh.texcoords or mesh.texcoords[0] is None:
        return None
    return np.asarray(mesh.texcoords[0], np.float32).reshape(count, -1)[:, :2]


def _texture_name(material: Mapping[str, Any]) -> str | None:
    names = material.get("TEXTURES", {})
    found = names.get(_DIFFUSE) or names.get(_BASE_COLOR)
    return str(found[0]) if found else None


def _colors(mesh: Any, material: Mapping[str, Any]) -> Any:
    """Vertex colours (n, 4). Some readers fill them with zeros if the file has none."""
    colors = np.asarray(mesh.colors[0], np.float32).reshape(mesh.num_vertices, 4)
    return colors if colors[:, 3].any() else np.broadcast_to(_diffuse(material), colors.shape)


def _diffuse(material: Mapping[str, Any]) -> Any:
    rgba = np.ones(4, np.float32)
    color = np.asarray(material.get("COLOR_DIFFUSE", [GREY] * 3), np.float32).ravel()[:3]
    rgba[: len(color)] = color
    opacity = float(material.get("OPACITY", 1.0))
    rgba[3] = opacity if 0 < opacity <= 1 else 1
    return rgba


def _note_far(parts: list[MeshPart], notes: list[str]) -> None:
    """Add a note if coordinates are so far from the origin that Assimp's float32 loses details of the shape."""
    points = [np.asarray(part.vertices, np.float64) for part in parts if len(part.vertices)]
    if not points:
        return
    low, high = np.min([p.min(axis=0) for p in points], axis=0), np.max([p.max(axis=0) for p in points], axis=0)
    if np.abs([low, high]).max() > _FAR * (high - low).max() > 0:
        notes.append("its coordinates are far from the origin: details smaller than 0.1 % of its size are lost")
