"""Recognise images by their magic bytes."""

from omnisearch.media.sniff.head import Head

_MAGIC = (
    (b"\xff\xd8\xff", "jpg"), (b"\x89PNG\r\n\x1a\n", "png"), (b"GIF87a", "gif"), (b"GIF89a", "gif"),
    (b"II*\0", "tif"), (b"MM\0*", "tif"), (b"II+\0", "tif"), (b"MM\0+", "tif"),
)  # fmt: skip
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def image_format(head: Head) -> str | None:
    """The image format of a file, or None."""
    data = head.data
    if found := head.starts(_MAGIC):
        return found
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        brands = {data[i : i + 4] for i in range(8, min(int.from_bytes(data[:4], "big"), 256), 4)}
        if brands & {b"avif", b"avis"}:
            return "avif"
        return "heic" if data[8:12] in _HEIC_BRANDS else None
    # A bitmap's two magic bytes are a common start of text; its reserved fields are zero.
    return "bmp" if data[:2] == b"BM" and len(data) > 26 and data[6:10] == b"\0\0\0\0" else None
