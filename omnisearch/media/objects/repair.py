"""Convert a mesh file for trimesh: UTF-8 text, absolute vertex numbers, counts that match the content."""

import re
import struct
from collections.abc import Iterator

from omnisearch.errors import MediaError, Reason
from omnisearch.media.objects.encoding import read_text
from omnisearch.media.objects.parts import check_share
from omnisearch.media.objects.ply import cut_ply

FACET = 50
STL_HEAD = 84
_RELATIVE = re.compile(r"^[ \t]*f\b.*[ \t/]-\d", re.MULTILINE)


def repaired(data: bytes, format: str, notes: list[str]) -> bytes:  # noqa: A002
    """Return the content with unusual or incomplete parts repaired; `notes` names the repairs.

    Raises:
        MediaError: damaged, if less than half of the declared content is present.
    """
    if format == "stl":
        text = read_text(data, notes) if _is_text(data) else None
        return _binary_stl(data, notes) if text is None else _ascii_stl(text, notes).encode()
    if format == "ply":
        return cut_ply(data, notes)
    if format in ("obj", "off"):
        text = read_text(data, notes)
        return (_absolute(text) if _RELATIVE.search(text) else text).encode()
    return data


def _is_text(data: bytes) -> bool:
    """Whether an STL file is text. Some programs begin a binary header with `solid` too."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    if len(data) >= STL_HEAD and len(data) == STL_HEAD + FACET * struct.unpack_from("<I", data, 80)[0]:
        return False
    return b"\0" not in data[:1024] and b"facet" in data[:65536]


def _binary_stl(data: bytes, notes: list[str]) -> bytes:
    if len(data) < STL_HEAD + FACET:
        raise MediaError(Reason.DAMAGED, "it ends too early")
    (promised,) = struct.unpack_from("<I", data, 80)
    present = min(promised, (len(data) - STL_HEAD) // FACET)
    check_share(present, promised, "triangles", notes)
    extra = len(data) - STL_HEAD - FACET * promised
    if extra > 0:
        notes.append(f"{extra:,} bytes after the last triangle ignored")
    return data[:80] + struct.pack("<I", present) + data[STL_HEAD : STL_HEAD + FACET * present]


def _ascii_stl(text: str, notes: list[str]) -> str:
    end = text.lower().rfind("endfacet")
    if "endsolid" in text.lower()[max(end, 0) :]:
        return text
    if end < 0:
        raise MediaError(Reason.DAMAGED, "it ends before its first triangle does")
    notes.append("partly read: the file ends inside its list of triangles")
    return text[:end] + "endfacet\nendsolid\n"


def _absolute(text: str) -> str:
    """An OBJ whose faces count vertices from the file's start: -1 is the vertex just before the face."""
    return "\n".join(_absolute_lines(text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines()))


def _absolute_lines(lines: list[str]) -> Iterator[str]:
    counts = {"v": 0, "vt": 0, "vn": 0}
    for line in lines:
        words = line.split()
        if words and words[0] in counts:
            counts[words[0]] += 1
        if words and words[0] == "f":
            corners = (zip(word.split("/"), counts.values(), strict=False) for word in words[1:])
            yield " ".join(["f", *("/".join(_number(each, count) for each, count in corner) for corner in corners)])
        else:
            yield line


def _number(written: str, count: int) -> str:
    if not written.startswith("-"):
        return written
    number = count + 1 + int(written)
    if number < 1:
        raise MediaError(Reason.DAMAGED, f"a face names the vertex {written} of {count}")
    return str(number)
