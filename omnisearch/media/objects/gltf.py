"""Rewrite a glTF 2.0 file as one GLB without external files, compression or quantization, which trimesh reads."""

import base64
import binascii
import json
import struct
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.objects.gltf_compression import MESHOPT, draco_arrays, meshopt_bytes
from omnisearch.media.objects.gltf_container import BIN_CHUNK, JSON_CHUNK
from omnisearch.media.objects.textures import is_picture, sibling

MAX_UNPACKED = 512 << 20
DRACO = "KHR_draco_mesh_compression"
_HANDLED = {DRACO, *MESHOPT, "KHR_mesh_quantization", "KHR_texture_transform", "EXT_texture_webp"}
# Extensions of surface shading. They are ignored, because they change neither the shape nor the base colour.
_APPEARANCE = ("KHR_materials_", "KHR_lights_", "KHR_technique")
_FLOAT = 5126
_LINES, _FAN, _TRIANGLES = (1, 2, 3), 6, 4
_TYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, _FLOAT: np.float32}
_COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_NAMES = {np.dtype(dtype): code for code, dtype in _TYPES.items()}


def to_glb(tree: dict[str, Any], binary: bytes | None, source: Source, notes: list[str]) -> bytes:
    """Write the file as one GLB: buffers and pictures inside, geometry as plain floats and integers.

    Raises:
        MediaError: unsupported_format naming a required extension that is not read; damaged if a buffer is missing.
    """
    required = map(str, tree.get("extensionsRequired", []))
    unread = [name for name in required if name not in _HANDLED and not name.startswith(_APPEARANCE)]
    if unread:
        raise MediaError(Reason.UNSUPPORTED_FORMAT, f"glTF extension {', '.join(unread)}")
    try:
        packed = _Packed(tree, binary, source)
        packed.unpack_views()
        packed.embed_images(source, notes)
        for primitive in packed.primitives():
            packed.unpack_draco(primitive)
            packed.make_floats(primitive)
            packed.unfold_fan(primitive)
        if any(primitive.get("mode") in _LINES for primitive in packed.primitives()):
            notes.append("lines left out")
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise MediaError(Reason.DAMAGED, "glTF: a value is missing or of the wrong type") from error
    return packed.glb()


def data_uri(uri: str) -> bytes | None:
    """The content of a `data:` URI; None for any other.

    Raises:
        MediaError: damaged.
    """
    if not uri.startswith("data:"):
        return None
    head, _, body = uri.partition(",")
    try:
        return base64.b64decode(body, validate=False) if head.endswith(";base64") else unquote_to_bytes(body)
    except binascii.Error:
        raise MediaError(Reason.DAMAGED, "a data URI is not base64") from None


def fetch(uri: str, source: Source) -> bytes:
    """The content of a buffer.

    Raises:
        MediaError: damaged; names a file that is not at or below the folder of the 3D file.
    """
    data = data_uri(uri)
    if data is None:
        data = sibling(source, uri)
    if data is None:
        raise MediaError(Reason.DAMAGED, f"glTF: buffer not found: {uri[:100]}")
    return data


class _Packed:
    """A glTF tree with all its buffer views in memory, to be written as one buffer."""

    def __init__(self, tree: dict[str, Any], binary: bytes | None, source: Source) -> None:
        self._tree = tree
        self._buffers = [self._buffer(each, binary, source) for each in tree.get("buffers", [])]
        self._views: list[bytes] = []
        self._size = 0
        self._floats: dict[tuple[int, str], int] = {}

    @staticmethod
    def _buffer(buffer: dict[str, Any], binary: bytes | None, source: Source) -> bytes:
        if "uri" in buffer:
            return fetch(buffer["uri"], source)
        return binary if binary is not None else b""  # a buffer without data is filled by an extension

    def unpack_views(self) -> None:
        """Read every buffer view, decompressing those that meshoptimizer packed."""
        for view in self._tree.get("bufferViews", []):
            packed = next((view["extensions"].pop(n) for n in MESHOPT if n in view.get("extensions", {})), None)
            if packed is None:
                self._keep(self._slice(view))
            else:
                self._check_unpacked(packed["count"] * packed["byteStride"])
                self._keep(meshopt_bytes(self._slice(packed), packed))

    def embed_images(self, source: Source, notes: list[str]) -> None:
        """Move pictures beside the file into buffer views; an unreadable picture becomes a note."""
        for image in self._tree.get("images", []):
            uri = image.pop("uri", None)
            name = "a picture inside the file" if uri is None or uri.startswith("data:") else uri
            if uri is None:
                data: bytes | None = self._views[image["bufferView"]] if "bufferView" in image else None
            else:
                data = data_uri(uri) or sibling(source, uri)
            if data is None:
                notes.append(f"texture not found: {name}")
            elif not is_picture(data):
                notes.append(f"texture not readable: {name}")
                image.pop("bufferView", None)
            elif uri is not None:
                image["bufferView"] = self._append(data)

    def primitives(self) -> Iterator[dict[str, Any]]:
        for mesh in self._tree.get("meshes", []):
            yield from mesh.get("primitives", [])

    def unpack_draco(self, primitive: dict[str, Any]) -> None:
        """Replace a primitive's placeholders with decompressed arrays."""
        packed = primitive.get("extensions", {}).pop(DRACO, None)
        if packed is None:
            return
        arrays, faces = draco_arrays(self._views[packed["bufferView"]], packed["attributes"])
        for name, array in arrays.items():
            if name in primitive["attributes"]:
                primitive["attributes"][name] = self._accessor(array)
        if faces is not None:
            primitive["indices"] = self._accessor(faces.reshape(-1, 1).astype(np.uint32))

    def make_floats(self, primitive: dict[str, Any]) -> None:
        """Dequantize positions, normals and texture coordinates; apply the transform of the base texture."""
        attributes = primitive.get("attributes", {})
        for name in ("POSITION", "NORMAL", "TEXCOORD_0"):
            transform = self._texture_transform(primitive) if name == "TEXCOORD_0" else None
            if name not in attributes or (self._is_float(attributes[name]) and transform is None):
                continue
            key = attributes[name], json.dumps(transform)
            if key not in self._floats:
                values = self._values(attributes[name])
                self._floats[key] = self._accessor(values if transform is None else _moved(values, transform))
            attributes[name] = self._floats[key]

    def unfold_fan(self, primitive: dict[str, Any]) -> None:
        """Turn a fan, which trimesh drops, into triangles."""
        if primitive.get("mode") != _FAN:
            return
        accessors = self._tree["accessors"]
        if "indices" in primitive:
            corners = self._rows(primitive["indices"])[:, 0]
        else:
            corners = np.arange(accessors[primitive["attributes"]["POSITION"]]["count"], dtype=np.uint32)
        faces = np.stack([np.full(max(len(corners) - 2, 0), corners[0]), corners[1:-1], corners[2:]], axis=1)
        primitive["mode"], primitive["indices"] = _TRIANGLES, self._accessor(faces.reshape(-1, 1).astype(np.uint32))

    def glb(self) -> bytes:
        """The file: one JSON chunk, one binary chunk."""
        blob, views = bytearray(), []
        for old, data in zip(self._tree.get("bufferViews", []), self._views, strict=True):
            stride = {"byteStride": old["byteStride"]} if "byteStride" in old else {}
            views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": len(data), **stride})
            blob += data + bytes(-len(data) % 4)
        tree = {**self._tree, "buffers": [{"byteLength": len(blob)}]}
        if views:
            tree["bufferViews"] = views
        tree.pop("extensionsRequired", None)
        text = json.dumps(tree).encode()
        text += b" " * (-len(text) % 4)
        head = struct.pack("<4s2I", b"glTF", 2, 28 + len(text) + len(blob))
        return b"".join(
            (head, struct.pack("<2I", len(text), JSON_CHUNK), text, struct.pack("<2I", len(blob), BIN_CHUNK), blob)
        )

    def _texture_transform(self, primitive: dict[str, Any]) -> dict[str, Any] | None:
        materials = self._tree.get("materials", [])
        if "material" not in primitive or primitive["material"] >= len(materials):
            return None
        texture = materials[primitive["material"]].get("pbrMetallicRoughness", {}).get("baseColorTexture", {})
        transform: dict[str, Any] | None = texture.get("extensions", {}).get("KHR_texture_transform")
        return transform

    def _is_float(self, accessor: int) -> bool:
        return bool(self._tree["accessors"][accessor]["componentType"] == _FLOAT)

    def _values(self, index: int) -> NDArray[np.float32]:
        """The rows of an accessor as float32; normalized integers are in [-1, 1]."""
        stored = self._rows(index)
        rows = stored.astype(np.float32)
        if self._tree["accessors"][index].get("normalized") and stored.dtype.kind != "f":
            rows = np.maximum(rows / np.float32(2 ** (8 * stored.dtype.itemsize - (stored.dtype.kind == "i")) - 1), -1)
        return rows

    def _rows(self, index: int) -> NDArray[Any]:
        """The rows of an accessor as they are stored, (count, columns)."""
        accessor = self._tree["accessors"][index]
        if "sparse" in accessor or "bufferView" not in accessor:
            raise MediaError(Reason.UNSUPPORTED_FORMAT, "glTF: sparse quantized vertices are not supported")
        dtype, columns = np.dtype(_TYPES[accessor["componentType"]]), _COLUMNS[accessor["type"]]
        view = self._tree["bufferViews"][accessor["bufferView"]]
        stride = view.get("byteStride") or dtype.itemsize * columns
        data, start = self._views[accessor["bufferView"]], accessor.get("byteOffset", 0)
        count = accessor["count"]
        if count < 1 or start < 0 or start + (count - 1) * stride + dtype.itemsize * columns > len(data):
            raise MediaError(Reason.DAMAGED, "glTF: an accessor reaches beyond its data")
        return np.ndarray((count, columns), dtype, data, start, (stride, dtype.itemsize))

    def _slice(self, view: dict[str, Any]) -> bytes:
        data: bytes = self._buffers[view["buffer"]]
        start: int = view.get("byteOffset", 0)
        if start < 0 or view["byteLength"] < 0 or start + view["byteLength"] > len(data):
            raise MediaError(Reason.DAMAGED, f"glTF: a view reaches beyond its buffer of {len(data)} bytes")
        return data[start : start + view["byteLength"]]

    def _accessor(self, array: NDArray[Any]) -> int:
        kind = next(name for name, columns in _COLUMNS.items() if columns == array.shape[1])
        view = self._append(np.ascontiguousarray(array).tobytes())
        accessor = {"bufferView": view, "componentType": _NAMES[array.dtype], "count": len(array), "type": kind}
        if array.dtype.kind != "f" and kind == "VEC4":
            accessor["normalized"] = True
        self._tree["accessors"].append(accessor)
        return len(self._tree["accessors"]) - 1

    def _append(self, data: bytes) -> int:
        self._keep(data)
        self._tree.setdefault("bufferViews", []).append({})
        return len(self._views) - 1

    def _keep(self, data: bytes) -> None:
        self._check_unpacked(len(data))
        self._size += len(data)
        self._views.append(data)

    def _check_unpacked(self, size: int) -> None:
        if self._size + size > MAX_UNPACKED:
            raise MediaError(Reason.TOO_LARGE, f"glTF: it unpacks to more than {MAX_UNPACKED >> 20} MiB")


def _moved(uv: NDArray[np.float32], transform: dict[str, Any]) -> NDArray[np.float32]:
    """KHR_texture_transform: scale, then rotate, then move texture coordinates (n, 2)."""
    angle = float(transform.get("rotation", 0))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    scale, offset = np.array(transform.get("scale", (1, 1))), np.array(transform.get("offset", (0, 0)))
    moved: NDArray[np.float32] = ((uv * scale) @ turn.T + offset).astype(np.float32)
    return moved
