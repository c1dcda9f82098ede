"""Copy an SVG document so that it refers to nothing outside of itself and draws at a bounded size.

The copy leaves out links to files and addresses, scripts, HTML, processing instructions and the document type. It keeps
embedded PNG, JPEG, GIF and WebP pictures within the limit of pixels, and replaces entities that are short, plain text.
"""

import base64
import math
import re
import zlib
from dataclasses import dataclass
from io import BytesIO
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from PIL import Image

from omnisearch.errors import MediaError, Reason
from omnisearch.media.images.limits import LONGER_SIDE, MAX_PIXELS, check_size

MAX_BYTES = 16 << 20  # size of the document, decompressed and with its entities replaced
MAX_DEPTH = 200  # of nested elements; resvg draws them recursively
MAX_ENTITY = 1024
_GZIP = b"\x1f\x8b"
_DROPPED = {"script", "foreignObject", "iframe"}
_EMBEDDED = re.compile(r"\s*data:image/(?:png|jpe?g|gif|webp)\s*;\s*base64\s*,(.*)", re.DOTALL | re.IGNORECASE)
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_LENGTH = re.compile(r"\s*(\d*\.?\d+(?:[eE][-+]?\d+)?)\s*(px|pt|pc|mm|cm|in|em|ex)?\s*")
_UNITS = {
    None: 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
    "in": 96.0,
    "em": 16,
    "ex": 8,
}
_DEFAULT_SIDES = (300.0, 150.0)  # of a document without a size, as in browsers


@dataclass(frozen=True)
class Document:
    """The copy. `has_words` is true if fonts are needed."""

    text: str
    has_words: bool


def safe_document(data: bytes) -> Document:
    """Copy an SVG document, which may be compressed by gzip.

    Raises:
        MediaError: damaged, unsupported_format, too_large, too_many_pixels or degenerate_aspect.
    """
    if data.startswith(_GZIP):
        data = _decompressed(data)
    if len(data) > MAX_BYTES:
        raise MediaError(Reason.TOO_LARGE, f"an SVG of over {MAX_BYTES >> 20} MiB")
    copy = _Copy()
    try:
        copy.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise MediaError(Reason.DAMAGED, f"svg: {error}") from None
    return Document("".join(copy.parts), copy.has_words)


def _decompressed(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(31).decompress(data, MAX_BYTES + 1)
    except zlib.error:
        raise MediaError(Reason.DAMAGED, "svg: the compressed data are broken") from None


class _Copy:
    """Builds the copy from the events of the parser."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.has_words = False
        self._size = self._depth = self._dropped = self._pixels = 0
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.EntityDeclHandler = self._entity

    def _write(self, text: str) -> None:
        self._size += len(text)
        if self._size > MAX_BYTES:
            raise MediaError(Reason.TOO_LARGE, f"an SVG whose entities make it larger than {MAX_BYTES >> 20} MiB")
        self.parts.append(text)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise MediaError(Reason.UNSUPPORTED_FORMAT, f"svg: more than {MAX_DEPTH} nested elements")
        if self._dropped or _local(name) in _DROPPED:
            self._dropped += 1
            return
        self.has_words = self.has_words or _local(name) == "text"
        if self._depth == 1:
            attributes = _sized(attributes)
        kept = {key: value for key, value in attributes.items() if self._is_safe(key, value)}
        self._write(f"<{name}{''.join(f' {key}={quoteattr(value)}' for key, value in kept.items())}>")

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._dropped:
            self._dropped -= 1
        else:
            self._write(f"</{name}>")

    def _characters(self, text: str) -> None:
        if not self._dropped:
            self._write(escape(text))

    def _entity(self, name: str, is_parameter: bool, value: str | None, *_: object) -> None:
        if is_parameter or value is None or "&" in value or "%" in value or "<" in value or len(value) > MAX_ENTITY:
            raise MediaError(Reason.UNSUPPORTED_FORMAT, f"svg: the entity {name[:40]} is not short, plain text")

    def _is_safe(self, key: str, value: str) -> bool:
        if _local(key).lower().startswith("on") or key == "xml:base":
            return False
        if _local(key) != "href" or value.lstrip().startswith("#"):
            return True
        embedded = _EMBEDDED.fullmatch(value)
        return embedded is not None and self._fits(embedded[1])

    def _fits(self, encoded: str) -> bool:
        """Whether an embedded picture can be read. All embedded pictures share the pixel limit of one file."""
        try:
            with Image.open(BytesIO(base64.b64decode(encoded)), formats=_FORMATS) as image:
                self._pixels += image.width * image.height
        except Image.DecompressionBombError:  # Pillow's limit, which another decoder of this process may have set
            self._pixels = MAX_PIXELS + 1
        except Exception:  # a broken embedded picture is left out, the rest is drawn
            return False
        if self._pixels > MAX_PIXELS:
            raise MediaError(Reason.TOO_MANY_PIXELS, f"its embedded pictures have more than {MAX_PIXELS:,} pixels")
        return True


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _sized(attributes: dict[str, str]) -> dict[str, str]:
    """Set the size attributes of the outermost element so that the longer side is LONGER_SIDE pixels."""
    box = [float(number) for number in re.findall(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?", attributes.get("viewBox", ""))]
    named = [_pixels(attributes.get(key, "")) for key in ("width", "height")]
    fallback = (box[2], box[3]) if len(box) == 4 else _DEFAULT_SIDES
    width, height = (own if own is not None else other for own, other in zip(named, fallback, strict=True))
    if not (0 < width < math.inf and 0 < height < math.inf):
        raise MediaError(Reason.DEGENERATE_ASPECT, f"{width:g} x {height:g}")
    scale = LONGER_SIDE / max(width, height)
    across, down = round(width * scale), round(height * scale)
    check_size(across, down)
    view = attributes.get("viewBox") if len(box) == 4 else f"0 0 {width:.9g} {height:.9g}"
    return {**attributes, "width": str(across), "height": str(down), "viewBox": str(view)}


def _pixels(length: str) -> float | None:
    """Parse a length in pixels; None for percentages and unknown units."""
    match = _LENGTH.fullmatch(length)
    return float(match[1]) * _UNITS[match[2]] if match else None
