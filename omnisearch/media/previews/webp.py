"""Encode a preview: a WebP file with a placeholder."""

from io import BytesIO

import numpy as np
from PIL import Image, WebPImagePlugin  # noqa: F401 - else Pillow imports all its plugins to find this one
from PIL.ExifTags import Base

from omnisearch.media.previews.placeholder import mark
from omnisearch.media.previews.thumbhash import thumbhash
from omnisearch.media.rendition import SMALL_SIDE
from omnisearch.types import Pixels

SMALL, LARGE = SMALL_SIDE, 1280  # pixels of the longer side
HASHED_SIDE = 64  # a placeholder shows at most 7 x 7 waves


def webp(pixels: Pixels, side: int) -> bytes:
    """Encode uint8 (height, width, 3 or 4), RGB or RGBA, reduced until the longer side is at most `side` pixels."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), reducing_gap=1.0)  # mostly by means of squares, in a fifth of the time
    tiny = image.copy()
    tiny.thumbnail((HASHED_SIDE, HASHED_SIDE), reducing_gap=1.0)
    exif = Image.Exif()
    exif[Base.ImageDescription] = mark(thumbhash(np.asarray(tiny.convert("RGBA"))))
    out = BytesIO()
    image.save(out, "WEBP", quality=80, method=2, exif=exif.tobytes())
    return out.getvalue()
