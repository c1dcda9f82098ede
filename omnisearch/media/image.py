"""Images: one upright RGB picture per file."""

from typing import Any

import numpy as np
from PIL import Image, ImageOps

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import Source
from omnisearch.media.kinds import Kind
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.slices import pixels_of
from omnisearch.types import Decoded, MediaInfo, Modality, Piece, Pixels, Region, Segment

LONGER_SIDE = 1024
MAX_PIXELS = 64_000_000
MIN_SIDE = 2
MAX_ASPECT = 200
_FORMATS = {
    "jpg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF", "bmp": "BMP", "tif": "TIFF", "heic": "HEIF",
    "avif": "AVIF",
}  # fmt: skip


def decode(source: Source, kind: Kind, cut: Segmentation) -> Decoded:  # noqa: ARG001
    """Read the first frame; the longer side of the result is at most 1024.

    Raises:
        MediaError: too_many_pixels, degenerate_aspect, bad_slice or decode_error.
    """
    pixels = read(source, kind)
    return Decoded(MediaInfo(Modality.IMAGE, kind.mime), iter([Piece(Segment(), pixels)]))


def read(source: Source, kind: Kind) -> Pixels:
    """The picture as uint8 (height, width, 3)."""
    if kind.format == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False)
    Image.MAX_IMAGE_PIXELS = None  # the check below is stricter and comes before any pixel is decoded
    with Image.open(source.file, formats=[_FORMATS[kind.format]]) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise MediaError(Reason.TOO_MANY_PIXELS, f"{width} x {height}, the limit is {MAX_PIXELS} pixels")
        if min(width, height) < MIN_SIDE or max(width, height) > MAX_ASPECT * min(width, height):
            raise MediaError(Reason.DEGENERATE_ASPECT, f"{width} x {height}")
        if source.part is None:
            image.draft("RGB", (LONGER_SIDE, LONGER_SIDE))  # a JPEG decodes at a fraction of its size
        upright = ImageOps.exif_transpose(image)
        if isinstance(source.part, Region):
            upright = upright.crop(pixels_of(source.part, *upright.size))
        upright.thumbnail((LONGER_SIDE, LONGER_SIDE), reducing_gap=3.0)
        return np.asarray(_rgb(upright), dtype=np.uint8)


def shrink(pixels: Pixels, longer_side: int) -> Pixels:
    """Scale a picture down so that its longer side is at most `longer_side`."""
    image = Image.fromarray(pixels)
    image.thumbnail((longer_side, longer_side))
    return np.asarray(image, dtype=np.uint8)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):  # deep grey: Pillow would clip it at 255
        return _from_deep_grey(np.asarray(image, dtype=np.float64), image.mode).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _from_deep_grey(values: Any, mode: str) -> Image.Image:
    values = np.nan_to_num(values)
    low, high = (0.0, 65535.0) if mode.startswith("I;16") else (float(values.min()), float(values.max()))
    scaled = (values - low) / max(high - low, 1e-9) * 255
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))
