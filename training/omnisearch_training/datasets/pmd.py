"""Meshes and actors of 0 A.D.: the compiled mesh format, and the mesh and the texture of each actor.

Layout of PMD 3 and 4 after the game's sources: header, vertices, faces; bones and prop points follow and are not read.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from xml.etree import ElementTree

import numpy as np
import trimesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

Array: TypeAlias = NDArray[Any]

_TEXTURE_SIDE = 256


@dataclass(frozen=True)
class Look:
    """One variant of an actor: its mesh and its texture, as paths inside the archive."""

    mesh: str
    texture: str
    see_through: bool


def looks(archive: zipfile.ZipFile, actor: str, most: int) -> Iterator[Look]:
    """Yield up to `most` variants of an actor that differ in mesh or texture."""
    root = _tree(archive, actor)
    parts = [_parts(archive, variant) for variant in root.iter("variant")]
    meshes = dict.fromkeys(mesh for mesh, _ in parts if mesh)
    textures = dict.fromkeys(texture for _, texture in parts if texture)
    pairs = dict.fromkeys((mesh, texture) for mesh, texture in parts if mesh and texture)
    material = root.findtext("material") or ""
    # In the players' materials, transparency marks the areas of the player colour.
    see_through = "trans" in material and not material.startswith("player")
    for mesh, texture in (list(pairs) or [(mesh, texture) for mesh in meshes for texture in textures])[:most]:
        yield Look(f"art/meshes/{mesh}.cached.pmd", f"art/textures/skins/{texture}.cached.dds", see_through)


def _tree(archive: zipfile.ZipFile, path: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(path).removeprefix(b"\xef\xbb\xbf"))  # noqa: S314  (a package's file)


def _parts(archive: zipfile.ZipFile, variant: ElementTree.Element) -> tuple[str | None, str | None]:
    """Return mesh and texture of a variant; missing ones may be in the file that it shares with others."""
    mesh, texture = variant.findtext("mesh"), _texture_of(variant)
    shared = f"art/variants/{variant.get('file')}"
    if shared in archive.NameToInfo:
        node = _tree(archive, shared)
        mesh, texture = mesh or node.findtext("mesh"), texture or _texture_of(node)
    return mesh, texture


def _texture_of(node: ElementTree.Element) -> str | None:
    return next((each.get("file") for each in node.iter("texture") if each.get("name") == "baseTex"), None)


def write_model(archive: zipfile.ZipFile, look: Look, target: Path) -> bool:
    """Write a variant as one .glb file; return whether its parts exist and can be read."""
    if target.exists():
        return True
    if look.mesh not in archive.NameToInfo or look.texture not in archive.NameToInfo:
        return False
    vertices, normals, coordinates, faces = read_mesh(archive.read(look.mesh))
    if len(faces) < 4:
        return False
    try:
        picture = Image.open(io.BytesIO(archive.read(look.texture))).convert("RGBA")
    except (OSError, NotImplementedError, ValueError):
        return False
    picture.thumbnail((_TEXTURE_SIDE, _TEXTURE_SIDE))
    material = PBRMaterial(  # type: ignore[no-untyped-call]
        baseColorTexture=picture if look.see_through else picture.convert("RGB"),
        alphaMode="MASK" if look.see_through else "OPAQUE",
        metallicFactor=0.0,
        doubleSided=True,
    )
    visual = TextureVisuals(coordinates, material=material)  # type: ignore[no-untyped-call]
    mesh = trimesh.Trimesh(vertices, faces, vertex_normals=normals, visual=visual, process=False)
    target.write_bytes(trimesh.Scene(mesh).export(file_type="glb"))  # type: ignore[no-untyped-call]
    return True


def read_mesh(data: bytes) -> tuple[Array, Array, Array, Array]:
    """Read vertices (n, 3), normals (n, 3), texture coordinates (n, 2) and faces (m, 3).

    The game's left-handed axes are converted to right-handed ones.

    Raises:
        ValueError: the bytes are not a compiled mesh.
    """
    if data[:4] != b"PSMD":
        raise ValueError("not a compiled mesh of 0 A.D.")
    version, _, count = struct.unpack_from("<III", data, 4)
    layers, start = (struct.unpack_from("<I", data, 16)[0], 20) if version >= 4 else (1, 16)
    vertex = np.dtype([("at", "<f4", 3), ("normal", "<f4", 3), ("uv", "<f4", (layers, 2)), ("blend", "V20")])
    table = np.frombuffer(data, vertex, count, start)
    after = start + count * vertex.itemsize
    faces = np.frombuffer(data, "<u2", 3 * struct.unpack_from("<I", data, after)[0], after + 4).reshape(-1, 3)
    mirror = np.array([1, 1, -1], np.float32)
    return table["at"] * mirror, table["normal"] * mirror, table["uv"][:, 0], faces[:, ::-1].astype(np.int64)
