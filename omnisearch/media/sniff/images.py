"""Recognise images by their magic bytes; raw pictures of cameras that are TIFF also by their name or a tag."""

import re
import struct

from omnisearch.media.kinds import IMAGES
from omnisearch.media.sniff.head import FileHead

_MAGIC = (
    (b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF87a", "gif"), (b"GIF89a", "gif"),
    (b"II*\0", "tif"), (b"MM\0*", "tif"), (b"II+\0", "tif"), (b"MM\0+", "tif"),
)  # fmt: skip
_MORE_MAGIC = (
    (b"\xff\x0a", "jxl"), (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"), (b"\xff\x4f\xff\x51", "jp2"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"), (b"8BPS\0\1", "psd"), (b"8BPS\0\2", "psd"), (b"#?RADIANCE", "hdr"),
    (b"#?RGBE", "hdr"), (b"v/1\x01", "exr"), (b"FUJIFILMCCD-RAW", "raw"), (b"IIRO", "raw"), (b"IIRS", "raw"),
    (b"MMOR", "raw"), (b"IIU\0", "raw"), (b"FOVb", "raw"), (b"\0MRM", "raw"), (b"II\x1a\0\0\0HEAPCCDR", "raw"),
)  # fmt: skip
_TIFF, _DNG_VERSION = (b"II*\0", b"MM\0*"), 50706
_SVG = re.compile(
    rb"\s*+(?>(?><\?xml[^>]*+>|<!--.*?-->|<!DOCTYPE\s[^\[>]*+(?:\[.*?\]\s*+)?>)\s*+)*+<(?:\w++:)?svg[\s>/]", re.DOTALL
)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def image_format(head: FileHead) -> str | None:
    """The image format of a file, or None."""
    data = head.data
    if data[:4] in _TIFF and _is_raw(head):
        return "raw"
    if found := head.starts(_MAGIC + _MORE_MAGIC):
        return found
    if _is_svg(head):
        return "svg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        brands = {data[i : i + 4] for i in range(8, min(int.from_bytes(data[:4], "big"), 256), 4)}
        if data[8:12] == b"crx ":
            return "raw"
        if brands & {b"avif", b"avis"}:
            return "avif"
        return "heic" if data[8:12] in _HEIC_BRANDS else None
    # A bitmap's two magic bytes are a common start of text; its reserved fields are zero.
    return "bmp" if data[:2] == b"BM" and len(data) > 26 and data[6:10] == b"\0\0\0\0" else None


def _is_raw(head: FileHead) -> bool:
    """Whether a TIFF is a raw picture: its name says so, it has Canon's mark, or the tag of a DNG version."""
    if head.suffix in IMAGES["raw"].suffixes or head.data[8:10] == b"CR":
        return True
    order = "<" if head.data[:2] == b"II" else ">"
    if len(head.data) < 8:
        return False
    (start,) = struct.unpack_from(f"{order}I", head.data, 4)
    if start + 2 > len(head.data):
        return False
    (count,) = struct.unpack_from(f"{order}H", head.data, start)
    entries = range(start + 2, min(start + 2 + 12 * count, len(head.data) - 1), 12)
    return any(struct.unpack_from(f"{order}H", head.data, at) == (_DNG_VERSION,) for at in entries)


def _is_svg(head: FileHead) -> bool:
    if head.suffix == ".svgz" and head.data[:2] == b"\x1f\x8b":
        return True
    return _SVG.match(head.data.removeprefix(b"\xef\xbb\xbf")) is not None
