"""JPEG XL: register the plugin, and read the size from the header, because the plugin decodes on opening."""

from typing import BinaryIO

from omnisearch.errors import MediaError, Reason

CODESTREAM = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
_BITS = (9, 13, 18, 30)
_RATIOS = ((1, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_MAX_BOXES = 1000


def register() -> None:
    """Make Pillow read JPEG XL, in one thread."""
    from pillow_jxl import JpegXLImagePlugin

    JpegXLImagePlugin.DECODE_THREADS = 0


def sides(file: BinaryIO) -> tuple[int, int]:
    """Read the width and the height from the header (ISO/IEC 18181-1, D.2 SizeHeader).

    Raises:
        MediaError: damaged, if the file ends within the header.
    """
    file.seek(0)
    if file.read(2) != CODESTREAM:
        file.seek(_codestream(file))
        file.seek(2, 1)
    data = file.read(10)
    if len(data) < 10:
        raise MediaError(Reason.DAMAGED, "jxl: the file ends before the picture")
    bits = _Bits(data)
    small = bits.take(1)
    height = _side(bits, small)
    ratio = bits.take(3)
    if ratio == 0:
        return _side(bits, small), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _side(bits: "_Bits", small: int) -> int:
    return (bits.take(5) + 1) * 8 if small else bits.take(_BITS[bits.take(2)]) + 1


def _codestream(file: BinaryIO) -> int:
    """The offset of the codestream in a container of boxes."""
    offset = 0
    for _ in range(_MAX_BOXES):
        file.seek(offset)
        head = file.read(16)
        if len(head) < 16:
            break
        size, name, large = int.from_bytes(head[:4], "big"), head[4:8], int.from_bytes(head[8:], "big")
        body = 16 if size == 1 else 8
        if name in (b"jxlc", b"jxlp"):
            return offset + body + (4 if name == b"jxlp" else 0)
        step = large if size == 1 else size
        if step < body:
            break
        offset += step
    raise MediaError(Reason.DAMAGED, "jxl: the file contains no picture")


class _Bits:
    """Read numbers of a few bits each, lowest bit first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        taken = self._value & ((1 << count) - 1)
        self._value >>= count
        return taken
