"""Radiance HDR: pictures in RGBE, 8 bits per colour and a common exponent."""

import re
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.images.limits import LONGER_SIDE, check_size
from omnisearch.media.images.partial import LEAST_ROWS
from omnisearch.media.images.tone import tone_mapped
from omnisearch.media.kinds import Kind

_MAX_HEADER_LINES, _MAX_LINE = 200, 4096
_SIZE = re.compile(rb"([-+])([XY]) (\d{1,9}) ([-+])([XY]) (\d{1,9})\s*")
# Widths that are run-length encoded per channel.
_ENCODED = range(8, 32768)


def read(source: Source, kind: Kind, notes: list[str]) -> tuple[Image.Image, tuple[int, int]]:  # noqa: ARG001
    """Decode row by row, keep every n-th row, and map the tones.

    Raises:
        MediaError: too_many_pixels, degenerate_aspect, unsupported_format or damaged.
    """
    source.file.seek(0)
    width, height, upward = _header(source.file)
    check_size(width, height)
    step = max(1, min(width, height) // LONGER_SIDE) if source.slice is None else 1
    rows: list[NDArray[np.uint8]] = []
    try:
        for number in range(height):
            row = _row(source.file, width)
            if number % step == 0:
                rows.append(row[::step])
    except EOFError:
        share = len(rows) * step / height
        if share < LEAST_ROWS or source.slice is not None:
            raise MediaError(Reason.DAMAGED, f"hdr: {share:.0%} of the rows of the picture decode") from None
        notes.append(f"partly read: {share:.0%} of the rows of the picture decode")
    rgbe = np.stack(rows)
    scale = np.ldexp(np.float32(1), rgbe[..., 3].astype(np.int32) - 136).astype(np.float32)
    image = tone_mapped((rgbe[..., :3] + np.float32(0.5)) * (scale * (rgbe[..., 3] > 0))[..., None])
    return (image.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if upward else image), (width, height)


def _header(file: BinaryIO) -> tuple[int, int, bool]:
    """Width, height, and whether the first row is the lowest."""
    for _ in range(_MAX_HEADER_LINES):
        line = file.readline(_MAX_LINE)
        if match := _SIZE.fullmatch(line):
            if (match[2], match[4], match[5]) != (b"Y", b"+", b"X"):
                raise MediaError(Reason.UNSUPPORTED_FORMAT, "hdr: column-wise pictures are not supported")
            return int(match[6]), int(match[3]), match[1] == b"+"
        if line.startswith(b"FORMAT=") and b"rgbe" not in line:
            raise MediaError(Reason.UNSUPPORTED_FORMAT, "hdr: XYZ colours are not supported")
        if not line:
            break
    raise MediaError(Reason.DAMAGED, "hdr: the header has no size")


def _row(file: BinaryIO, width: int) -> NDArray[np.uint8]:
    """One row (width, 4)."""
    start = _exactly(file, 4)
    if width not in _ENCODED or start[:2] != b"\2\2" or int.from_bytes(start[2:], "big") != width:
        flat = start + _exactly(file, 4 * (width - 1))
        return np.frombuffer(flat, np.uint8).reshape(width, 4)
    channels = [_channel(file, width) for _ in range(4)]
    return np.frombuffer(b"".join(channels), np.uint8).reshape(4, width).T


def _channel(file: BinaryIO, width: int) -> bytes:
    out = bytearray()
    while len(out) < width:
        count = _exactly(file, 1)[0]
        if count > 128:
            out += _exactly(file, 1) * (count - 128)
        elif count:
            out += _exactly(file, count)
        else:
            raise EOFError
    if len(out) > width:
        raise EOFError
    return bytes(out)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data
