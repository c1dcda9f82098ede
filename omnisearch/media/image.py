"""Images: one upright RGB picture in sRGB per file."""

from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

import numpy as np
from PIL import Image

from omnisearch.media.file import Source
from omnisearch.media.images.color import over_ground, plain, to_srgb
from omnisearch.media.kinds import Kind
from omnisearch.media.segmentation import Segmentation
from omnisearch.media.slices import pixels_of
from omnisearch.types import Decoded, MediaInfo, Modality, Piece, Pixels, Region, Segment

# Returns an upright picture with 8 bits per sample, and its width and height before reduction.
Reader: TypeAlias = Callable[[Source, Kind, list[str]], tuple[Image.Image, tuple[int, int]]]

# A picture that is reduced by means of squares is resized with a better filter later, by at least this factor if it was
# large enough. Decoding a JPEG in a smaller size loses less.
REDUCING_GAP = 1.5

_OWN_READERS = {name: name for name in ("raw", "svg", "psd", "hdr", "exr")}  # modules of omnisearch.media.images


def decode(source: Source, kind: Kind, cut: Segmentation) -> Decoded:  # noqa: ARG001
    """Read the first frame, in the size that `source` asks for.

    Raises:
        MediaError: too_many_pixels, degenerate_aspect, bad_slice, damaged or decode_error.
    """
    notes: list[str] = []
    pixels = read(source, kind, notes)
    return Decoded(MediaInfo(Modality.IMAGE, kind.mime), iter([Piece(Segment(), pixels)]), notes)


def read(source: Source, kind: Kind, notes: list[str]) -> Pixels:
    """The picture as uint8 (height, width, 3)."""
    reader: Reader = import_module(f"omnisearch.media.images.{_OWN_READERS.get(kind.format, 'pillow')}").read
    picture, sides = reader(source, kind, notes)
    picture = plain(picture)
    if isinstance(source.slice, Region):
        picture = _cropped(picture, source.slice, sides)
    picture = _reduced(picture, source.shorter_side)
    picture.thumbnail((source.side, source.side), reducing_gap=3.0)
    return np.asarray(over_ground(to_srgb(picture, notes)), dtype=np.uint8)


def _reduced(picture: Image.Image, shorter_side: int | None) -> Image.Image:
    """Reduce a picture by the mean of squares of pixels."""
    factor = 1 if shorter_side is None else int(min(picture.size) / (shorter_side * REDUCING_GAP))
    return picture.reduce(factor) if factor > 1 else picture


def _cropped(picture: Image.Image, part: Region, sides: tuple[int, int]) -> Image.Image:
    """Crop to a region in pixels of the unreduced picture, whose width and height are `sides`."""
    left, upper, right, lower = pixels_of(part, *sides)
    across, down = (have / full for have, full in zip(picture.size, sides, strict=True))
    box = (int(left * across), int(upper * down), max(round(right * across), 1), max(round(lower * down), 1))
    return picture.crop((min(box[0], box[2] - 1), min(box[1], box[3] - 1), box[2], box[3]))
