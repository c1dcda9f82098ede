"""The blocks of EXIF, XMP and IPTC in picture files, found without decoding a pixel."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from PIL import Image, IptcImagePlugin

from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.metadata.chunks import boxes, png_texts, riff_chunks
from omnisearch.media.metadata.exif import read_camera, read_description
from omnisearch.media.metadata.iptc import DataSets, read_iptc
from omnisearch.media.metadata.moments import local_time
from omnisearch.media.metadata.xmp import read_xmp

Found: TypeAlias = Mapping[str, Any]

_PILLOW = {"jpg": "JPEG", "tif": "TIFF", "avif": "AVIF", "heic": "HEIF", "psd": "PSD"}
_MAX_EXIF = 1 << 20  # bytes of a block; JPEG allows 64 KiB
_TIFF = (b"II*\0", b"MM\0*")
_PSD_EXIF, _PSD_XMP = 1058, 1060  # image resources of Photoshop
_PNG_TEXTS = {"title": "Title", "caption": "Description", "artist": "Author"}


def picture_fields(source: Source, kind: Kind) -> Iterator[Callable[[], Found]]:
    """Yield functions that return the fields of a block each, or raise an exception where it is broken.

    What cameras write is taken from EXIF first, and what people write from XMP, which has one encoding.
    """
    try:
        exif, xmp, iptc, texts = _blocks(source, kind)
    except Exception:  # as any library may raise on a hostile file
        return
    if exif is not None:
        yield lambda: read_camera(exif)
    if xmp:
        yield lambda: read_xmp(xmp)
    if iptc:
        yield lambda: read_iptc(iptc)
    if exif is not None:
        yield lambda: read_description(exif)
    yield lambda: {
        "time": local_time(_decoded(texts.get("Creation Time", b""))),
        **{field: _decoded(texts.get(name, b"")) for field, name in _PNG_TEXTS.items()},
    }


def _blocks(source: Source, kind: Kind) -> tuple[Any, bytes, DataSets | None, Mapping[str, bytes]]:
    """Return the Pillow `Exif`, the XMP packet, the data sets of IPTC, and the texts of a PNG."""
    source.file.seek(0)
    if kind.format == "png":
        texts = png_texts(source.file)
        return _exif(texts.get("exif", b"")), texts.get("XML:com.adobe.xmp", b""), None, texts
    if kind.format == "webp":
        chunks = riff_chunks(source.file, {b"EXIF", b"XMP "})
        return _exif(chunks.get(b"EXIF", b"")), chunks.get(b"XMP ", b""), None, {}
    if kind.format in {"jxl", "jp2"}:
        found = boxes(source.file, {b"Exif", b"xml "})
        exif = found.get(b"Exif", b"")
        return _exif(exif[4:] if kind.format == "jxl" else exif), found.get(b"xml ", b""), None, {}
    if kind.format == "raw":
        return _raw_exif(source), b"", None, {}
    if kind.format in _PILLOW:
        return *_pillow_blocks(source, kind), {}
    return None, b"", None, {}


def _pillow_blocks(source: Source, kind: Kind) -> tuple[Any, bytes, DataSets | None]:
    if kind.format == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    image: Any = Image.open(source.file, formats=[_PILLOW[kind.format]])
    if kind.format == "psd":
        resources = {number: data for number, _, data in image.resources}
        return _exif(resources.get(_PSD_EXIF, b"")), resources.get(_PSD_XMP, b""), None
    exif = image.getexif() if kind.format == "tif" else _exif(image.info.get("exif") or b"")
    return exif, image.info.get("xmp") or b"", IptcImagePlugin.getiptcinfo(image)


def _exif(data: bytes) -> Image.Exif | None:
    """Read a block, which may begin with a JPEG header of its own."""
    if not data or len(data) > _MAX_EXIF:
        return None
    exif = Image.Exif()
    with suppress(Exception):  # the other blocks may be whole
        exif.load(data)
    return exif


def _raw_exif(source: Source) -> Image.Exif | None:
    """Read the tags of a raw picture that is a TIFF file, as those of most makers are."""
    head = source.file.read(4)
    source.file.seek(0)
    if head not in _TIFF:
        return None
    exif = Image.Exif()
    exif.load_from_fp(source.file)
    return exif


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")
