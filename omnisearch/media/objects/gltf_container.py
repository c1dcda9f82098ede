"""The containers of glTF: JSON alone, or JSON with binary data behind it, of version 1.0 and 2.0."""

import json
import struct
from typing import Any

from omnisearch.errors import MediaError, Reason

JSON_CHUNK, BIN_CHUNK = 0x4E4F534A, 0x004E4942


def read_container(data: bytes) -> tuple[dict[str, Any], bytes | None]:
    """Read the JSON and the binary chunk of a .gltf or .glb file of version 2, or the JSON of version 1.

    Raises:
        MediaError: damaged.
    """
    if not data.startswith(b"glTF"):
        return _json(data), None
    version, _length, first, kind = struct.unpack_from("<4I", data, 4)
    if version == 1:  # in version 1 the fourth number is the format of the scene
        return {"asset": {"version": "1.0"}}, None
    if kind != JSON_CHUNK or 20 + first > len(data):
        raise MediaError(Reason.DAMAGED, "glb: its JSON chunk is cut off")
    tree, rest = _json(data[20 : 20 + first]), data[20 + first :]
    if len(rest) < 8:
        return tree, None
    length, kind = struct.unpack_from("<2I", rest)
    if kind != BIN_CHUNK or 8 + length > len(rest):
        raise MediaError(Reason.DAMAGED, f"glb: its header declares {length} bytes of data, it holds {len(rest) - 8}")
    return tree, rest[8 : 8 + length]


def read_version_1(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The JSON of a glTF 1.0 file, and the body that follows it in a binary one (KHR_binary_glTF).

    Raises:
        MediaError: damaged.
    """
    if not data.startswith(b"glTF"):
        return _json(data), b""
    total, length = struct.unpack_from("<2I", data, 8)
    if total > len(data):
        raise MediaError(Reason.DAMAGED, f"glb: its header declares {total} bytes, it holds {len(data)}")
    return _json(data[20 : 20 + length]), data[20 + length :]


def is_version_1(tree: dict[str, Any]) -> bool:
    """Whether a file follows glTF 1.0, where `meshes` is an object and not a list."""
    version = str(tree.get("asset", {}).get("version", ""))
    return version.startswith("1") or isinstance(tree.get("meshes"), dict)


def _json(data: bytes) -> dict[str, Any]:
    try:
        tree = json.loads(data.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        raise MediaError(Reason.DAMAGED, "glTF: its JSON is broken") from None
    if not isinstance(tree, dict):
        raise MediaError(Reason.DAMAGED, "glTF: its JSON is not an object")
    return tree
