"""The placeholder of a preview: written into its file, so that reading it needs no decoder."""

import base64
import os
import re
from dataclasses import dataclass
from typing import BinaryIO

_MARK = "thumbhash:"
_WRITTEN = re.compile(rb"thumbhash:([A-Za-z0-9+/]{8,60}={0,2})\0")
_HEAD, _TAIL = 30, 160  # bytes of the header of an extended WebP file, and of what holds the mark at its end


@dataclass(frozen=True)
class Placeholder:
    """What a page draws before a preview has loaded: a ThumbHash in base64, and width / height of the preview."""

    thumbhash: str
    aspect: float


def mark(thumbhash: bytes) -> str:
    """Return the description of a preview that holds its placeholder, for the EXIF block of its file."""
    return _MARK + base64.b64encode(thumbhash).decode()


def read_placeholder(file: BinaryIO) -> Placeholder | None:
    """Read the placeholder of an open preview; None if it has none. The position in the file is kept."""
    fd = file.fileno()
    head = os.pread(fd, _HEAD, 0)
    found = _WRITTEN.search(os.pread(fd, _TAIL, max(0, os.fstat(fd).st_size - _TAIL)))
    if found is None or head[12:16] != b"VP8X":
        return None
    width, height = (1 + int.from_bytes(head[at : at + 3], "little") for at in (24, 27))
    return Placeholder(found[1].decode(), round(width / height, 4))
