"""The chunks of PNG, RIFF and ISO base media files: find the blocks of EXIF and XMP without reading the rest."""

import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO

MAX_BYTES = 4 << 20  # of a block
_MAX_CHUNKS = 10_000
_XMP_UUID, _EXIF_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac"), b"JpgTiffExif->JP2"


def png_texts(file: BinaryIO) -> Mapping[str, bytes]:
    """Return the EXIF block of a PNG as `exif`, and its texts by their keywords, such as XML:com.adobe.xmp."""
    found: dict[str, bytes] = {}
    for name, data in _read(file, _png_chunks(file), {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}):
        if name == b"eXIf":
            found["exif"] = data
            continue
        keyword, _, text = data.partition(b"\0")
        if name == b"iTXt":
            packed, rest = text[:1] == b"\1", text[2:]
            text = rest.split(b"\0", 2)[-1]  # after the language and the translated keyword
        else:
            packed, text = name == b"zTXt", text[1:] if name == b"zTXt" else text
        if packed:
            text = zlib.decompressobj().decompress(text, MAX_BYTES)
        if name != b"iTXt":
            text = text.decode("latin-1").encode()
        found.setdefault(keyword.decode("latin-1"), text)
    return found


def riff_chunks(file: BinaryIO, names: set[bytes]) -> Mapping[bytes, bytes]:
    """Return the chunks of a RIFF file, such as WebP, that have one of the names."""
    return dict(_read(file, _riff_chunks(file), names))


def boxes(file: BinaryIO, names: set[bytes]) -> Mapping[bytes, bytes]:
    """Return the outer boxes of a JPEG XL or JPEG 2000 file that have one of the names.

    Boxes with the UUID of XMP are `xml `, those with the UUID of EXIF are `Exif`.
    """
    found: dict[bytes, bytes] = {}
    for name, data in _read(file, _boxes(file), {*names, b"uuid"}):
        known = {_XMP_UUID: b"xml ", _EXIF_UUID: b"Exif"}.get(data[:16]) if name == b"uuid" else name
        if known in names:
            found.setdefault(known, data[16:] if name == b"uuid" else data)
    return found


def _read(file: BinaryIO, chunks: Iterator[tuple[bytes, int, int]], names: set[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks with these names that are not too large, as (name, data)."""
    for _, (name, start, size) in zip(range(_MAX_CHUNKS), chunks, strict=False):
        if name in names and size <= MAX_BYTES:
            file.seek(start)
            yield name, file.read(size)


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield every chunk as (name, start, size)."""
    at = 8
    while len(head := _head(file, at, 8)) == 8:
        size = int.from_bytes(head[:4], "big")
        yield head[4:], at + 8, size
        at += size + 12


def _riff_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    at = 12
    while len(head := _head(file, at, 8)) == 8:
        size = int.from_bytes(head[4:], "little")
        yield head[:4], at + 8, size
        at += 8 + size + size % 2


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    at = 0
    while len(head := _head(file, at, 16)) >= 8:
        size, body = int.from_bytes(head[:4], "big"), 8
        if size == 1:  # a 64-bit size follows the name
            size, body = int.from_bytes(head[8:], "big"), 16
        if size < body:
            return
        yield head[4:8], at + body, size - body
        at += size


def _head(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
