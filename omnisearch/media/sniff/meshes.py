"""Recognise 3D files by their magic bytes, their sizes or their text."""

import json
import re
import struct

from omnisearch.media.objects.encoding import read_text
from omnisearch.media.sniff.head import FileHead

_MAGIC = (
    (b"glTF", "glb"), (b"ply\n", "ply"), (b"ply\r", "ply"), (b"\x93NUMPY", "npy"), (b"Kaydara FBX Binary", "fbx"),
    (b"BLENDER", "blend"), (b"AC3D", "ac"), (b"xof 0", "x"), (b"MS3D000000", "ms3d"), (b"PXR-USDC", "usd"),
    (b"#usda 1", "usd"), (b"# .PCD v", "pcd"), (b"AutoCAD Binary DXF", "dxf"), (b"*3DSMAX_ASCIIEXPORT", "ase"),
)  # fmt: skip
_LIGHTWAVE = {b"LWOB", b"LWO2", b"LWLO", b"LXOB"}
_ZIPPED = {".3mf": "3mf", ".usdz": "usdz"}
_GZIP = b"\x1f\x8b"
_OBJ_LINE = re.compile(r"^(#|(v|vn|vt|vp|f|l|p|o|g|s|usemtl|mtllib)(\s|$))")
_DXF = re.compile(r"(\s*999\r?\n.*\r?\n)*\s*0\s*\r?\n\s*SECTION\b")
_NUMBERS = re.compile(r"\s*([-+]?[\d.]+([eE][-+]?\d+)?[\s,;]+){2,}[-+]?[\d.]")
_FACETS = 0.5  # the smallest share of a binary STL's triangles that must be present


def mesh_format(head: FileHead) -> str | None:
    """The format of a binary 3D file, or None."""
    data = head.data
    if found := head.starts(_MAGIC):
        return found
    if data[:4] == b"FORM" and data[8:12] in _LIGHTWAVE:
        return "lwo"
    if data[:4] == b"LASF" and len(data) > 104:
        return "laz" if data[104] & 0x80 else "las"
    if data[:4] == b"PK\x03\x04":
        return _zipped(head)
    if data[:2] == _GZIP and head.suffix == ".blend":
        return "blend"
    return _counted(head)


def mesh_text_format(head: FileHead, is_text_name: bool) -> str | None:
    """The format of a 3D file that is text, or None; `is_text_name`: the file name promises a text."""
    text = _text(head)
    if text is None:
        return None
    start = text.lstrip("\ufeff \t\r\n")
    if start.startswith("{") and (head.suffix == ".gltf" or _is_gltf(text)):
        return "gltf"
    return _by_beginning(text, start) or (None if is_text_name else _by_lines(head, text))


def _text(head: FileHead) -> str | None:
    """The head as text in any encoding, as numbers and keywords are ASCII in all of them; None if it is binary."""
    if head.text is not None:
        return head.text
    is_wide = head.data[:2] in (b"\xff\xfe", b"\xfe\xff")
    if b"\0" in head.data and not is_wide:
        return None
    return read_text(head.data[: len(head.data) // 2 * 2] if is_wide else head.data)


def _zipped(head: FileHead) -> str | None:
    if head.suffix == ".npz" and b".npy" in head.data[30:].split(b"PK", 1)[0]:
        return "npz"
    if head.suffix == ".amf":
        return "amf"
    if b"3D/3dmodel.model" in head.data:
        return "3mf"
    return _ZIPPED.get(head.suffix)


def _counted(head: FileHead) -> str | None:
    """Formats that are recognised only by a length in their header."""
    data = head.data
    if data[:2] == b"MM" and len(data) > 16 and struct.unpack_from("<I", data, 2)[0] == head.size:
        return "3ds"
    if len(data) < 84:
        return None
    promised = 84 + 50 * struct.unpack_from("<I", data, 80)[0]
    if head.size == promised:
        return "stl"
    is_near = _FACETS * promised <= head.size <= 2 * promised and promised > 84
    return "stl" if head.suffix == ".stl" and b"\0" in data and is_near else None


def _by_beginning(text: str, start: str) -> str | None:
    if "<COLLADA" in text[:4096]:
        return "dae"
    if re.search(r"<amf\b", text[:4096]):
        return "amf"
    if start.startswith("solid") and "facet" in text[:4096]:
        return "stl"
    if re.match(r"(ST)?C?N?4?n?OFF\b", start):
        return "off"
    if start.startswith("; FBX") or "FBXHeaderExtension:" in text[:4096]:
        return "fbx"
    if start.startswith("ISO-10303-21") and not re.search(r"FILE_SCHEMA\s*\(\s*\(\s*'IFC", text):
        return "step"
    return _by_marked_lines(text, start)


def _by_marked_lines(text: str, start: str) -> str | None:
    if start.startswith(("AC3D", "*3DSMAX_ASCIIEXPORT")):  # after a byte order mark, or in UTF-16
        return "ac" if start.startswith("AC3D") else "ase"
    if _DXF.match(text.lstrip("\ufeff")):
        return "dxf"
    is_pcd = re.search(r"^FIELDS\b.*\bx y z\b", text[:4096], re.MULTILINE) and "\nDATA " in text[:4096]
    return "pcd" if is_pcd else None


def _by_lines(head: FileHead, text: str) -> str | None:
    if head.suffix == ".xyz" and _is_xyz(text):
        return "xyz"
    return "obj" if _is_obj(text) else None


def _is_xyz(text: str) -> bool:
    """Whether most lines hold at least three numbers. Lines of molecule files (also .xyz) begin with an element."""
    lines = [line for line in text.splitlines()[:-1][:400] or text.splitlines() if line.strip()]
    return bool(lines) and sum(bool(_NUMBERS.match(line)) for line in lines) > 0.8 * len(lines)


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
