"""Repair PLY files that end too early: set the counts of the header to the elements that the file holds."""

import re
from dataclasses import dataclass

from omnisearch.media.objects.encoding import read_text
from omnisearch.media.objects.parts import check_share

_SIZES = {
    "char": 1, "uchar": 1, "int8": 1, "uint8": 1, "short": 2, "ushort": 2, "int16": 2, "uint16": 2, "int": 4,
    "uint": 4, "int32": 4, "uint32": 4, "float": 4, "float32": 4, "double": 8, "float64": 8,
}  # fmt: skip
_HEAD = re.compile(rb"end_header[ \t]*\r?\n")


@dataclass
class _Element:
    """One element of a header. `row` is the smallest size of a binary row in bytes; the smallest face is a triangle."""

    name: str
    count: int
    row: int = 0
    has_list: bool = False


def cut_ply(data: bytes, notes: list[str]) -> bytes:
    """The file, its counts reduced if the content ends too early.

    Raises:
        MediaError: damaged, if less than half of the vertices are present.
    """
    end = _HEAD.search(data[: 1 << 20])
    if end is None:
        return data  # trimesh reports the defect of the header
    header = read_text(data[: end.start()], notes)
    elements = _elements(header)
    body = data[end.end() :]
    ascii_lines = body.split(b"\n") if "format ascii" in header else None
    left = len(body) if ascii_lines is None else sum(bool(line.strip()) for line in ascii_lines)
    is_cut = False
    for element in elements:
        row = element.row if ascii_lines is None else 1
        present = min(element.count, left // max(row, 1))
        left -= present * row
        if present < element.count:
            is_cut = True
            if element.name == "vertex":
                check_share(present, element.count, "vertices", notes)
            else:
                notes.append(f"partly read: {present:,} of {element.count:,} of its list {element.name!r}")
            header = re.sub(rf"(element\s+{re.escape(element.name)}\s+)\d+", rf"\g<1>{present}", header)
    if ascii_lines is None and left > 0 and (is_cut or not any(element.has_list for element in elements)):
        if not is_cut:
            notes.append(f"{left:,} bytes after the last element ignored")
        body = body[:-left]
    return header.encode() + b"end_header\n" + body


def _elements(header: str) -> list[_Element]:
    elements: list[_Element] = []
    for line in header.splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "element" and words[2].isdigit():
            elements.append(_Element(words[1], int(words[2])))
        elif words[:2] == ["property", "list"] and len(words) == 5 and elements:
            elements[-1].has_list = True
            least = 3 if words[4].startswith("vert") else 0
            elements[-1].row += _SIZES.get(words[2], 1) + least * _SIZES.get(words[3], 1)
        elif words[:1] == ["property"] and len(words) == 3 and elements:
            elements[-1].row += _SIZES.get(words[1], 1)
    return elements
