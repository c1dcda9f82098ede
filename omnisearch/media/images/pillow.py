"""Images that Pillow or one of its plugins decodes."""

from typing import Any, BinaryIO

from PIL import Image, ImageOps

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.images import jxl, partial
from omnisearch.media.images.deep import eight_bits
from omnisearch.media.images.limits import MAX_PIXELS, check_size
from omnisearch.media.kinds import Kind

_FORMATS = {
    "jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "heic": "HEIF",
    "avif": "AVIF", "jp2": "JPEG2000", "jxl": "JXL",
}  # fmt: skip
# JPEG and JPEG 2000 decode at these fractions of their sides.
_REDUCTIONS = (1, 2, 4, 8)
# A progressive JPEG holds all its coefficients in memory, regardless of the size at which it is decoded.
_MAX_COEFFICIENT_BYTES = 1 << 30


def read(source: Source, kind: Kind, notes: list[str]) -> tuple[Image.Image, tuple[int, int]]:
    """Decode the first frame, upright, with 8 bits per sample; also return the sides before any reduction.

    Raises:
        MediaError: too_many_pixels, degenerate_aspect, damaged or decode_error.
    """
    Image.MAX_IMAGE_PIXELS = None  # check_size is stricter and comes before any pixel is decoded

    def opened(file: BinaryIO) -> Any:
        return _open(file, kind, _least(source) if source.slice is None else None)

    picture = partial.load(opened, source, kind, notes)
    complete = not notes
    eight = eight_bits(picture, lambda: opened(source.file) if complete else None)
    upright_already = kind.format == "jxl" and not getattr(picture, "jpeg", False)  # libjxl turns it
    upright = eight if upright_already else _upright(eight)
    width, height = picture.info["sides"]
    return upright, (height, width) if (width > height) != (upright.width > upright.height) else (width, height)


def _least(source: Source) -> int:
    """The least pixels of the shorter side, or of both sides if the picture has fewer than `source.side`."""
    return source.side if source.shorter_side is None else min(source.side, source.shorter_side)


def _open(file: BinaryIO, kind: Kind, side: int | None) -> Any:
    if kind.format == "jxl":
        jxl.register()
        check_size(*jxl.sides(file))  # the plugin decodes as it opens
    elif kind.format == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    file.seek(0)
    image: Any = Image.open(file, formats=[_FORMATS[kind.format]])
    image.info["sides"] = image.size
    _reduce(image, kind, side)
    return image


def _reduce(image: Any, kind: Kind, side: int | None) -> None:
    """Choose a decoding size within the limits and not smaller than `side`; None decodes all pixels."""
    width, height = image.size
    reduced = 1
    if kind.format in ("jpg", "jp2"):
        reduced = next((n for n in _REDUCTIONS if width * height <= MAX_PIXELS * n * n), _REDUCTIONS[-1])
    check_size(width, height, reduced)
    if kind.format == "jpg":
        _check_coefficients(image)
        least = (width // reduced, height // reduced)
        image.draft("RGB", (min(side, least[0]), min(side, least[1])) if side else least)
    elif reduced > 1:
        image.reduce = reduced.bit_length() - 1


def _check_coefficients(image: Any) -> None:
    if not image.info.get("progressive"):
        return
    across, down = (max(layer[i] for layer in image.layer) for i in (1, 2))
    shares = sum(layer[1] * layer[2] / (across * down) for layer in image.layer)
    size = int(2 * image.width * image.height * shares)
    if size > _MAX_COEFFICIENT_BYTES:
        detail = f"{image.width} x {image.height}, a progressive JPEG that needs {size >> 20:,} MiB"
        raise MediaError(Reason.TOO_MANY_PIXELS, f"{detail}; the limit is {_MAX_COEFFICIENT_BYTES >> 20:,} MiB")


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken metadata do not affect the picture
        return image
