"""Recognise 3D files by their magic bytes, their sizes or their text."""

import json
import re
import struct

from omnisearch.media.sniff.head import Head

_MAGIC = ((b"glTF", "glb"), (b"ply\n", "ply"), (b"ply\r", "ply"), (b"\x93NUMPY", "npy"))
_OBJ_LINE = re.compile(r"^(v|vn|vt|vp|f|l|p|o|g|s|usemtl|mtllib|#)(\s|$)")


def mesh_format(head: Head) -> str | None:
    """The format of a binary 3D file, or None."""
    data = head.data
    if found := head.starts(_MAGIC):
        return found
    if len(data) >= 84 and head.size == 84 + 50 * struct.unpack_from("<I", data, 80)[0]:
        return "stl"
    if data[:4] == b"PK\x03\x04" and head.suffix == ".npz" and b".npy" in data[30:].split(b"PK", 1)[0]:
        return "npz"
    return None


def mesh_text_format(head: Head, is_text_name: bool) -> str | None:
    """The format of a 3D file that is text, or None; `is_text_name`: the file name promises a text."""
    text = head.text
    if text is None:
        return None
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("{") and (head.suffix == ".gltf" or _is_gltf(text)):
        return "gltf"
    if "<COLLADA" in text[:4096]:
        return "dae"
    if start.startswith("solid") and "facet" in text[:4096]:
        return "stl"
    if re.match(r"(ST)?C?N?4?n?OFF\b", start):
        return "off"
    return "obj" if not is_text_name and _is_obj(text) else None


def _is_gltf(text: str) -> bool:
    if '"asset"' not in text:
        return False
    try:
        return "version" in json.loads(text).get("asset", {})
    except (ValueError, AttributeError, RecursionError):
        return '"meshes"' in text or '"buffers"' in text or '"nodes"' in text


def _is_obj(text: str) -> bool:
    lines = [line for line in text.splitlines()[:-1][:400] or text.splitlines() if line.strip()]
    known = sum(bool(_OBJ_LINE.match(line.strip())) for line in lines)
    return known > 0.9 * len(lines) and re.search(r"^\s*(v\s+[-\d.]|mtllib\s)", text, re.MULTILINE) is not None
