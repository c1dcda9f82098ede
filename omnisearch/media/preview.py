"""Previews: a small WebP picture of the content of a file."""

import itertools
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from omnisearch.media.detect import detect
from omnisearch.media.file import Source, check_size
from omnisearch.media.kinds import Kind
from omnisearch.media.segmentation import Segmentation
from omnisearch.types import Floats, Modality, Pixels

SMALL, LARGE = 320, 1280  # pixels of the longer side
BARS = 106
# The side of a picture of a 3D object, and enough surface samples to draw it without holes. A larger picture
# would take seconds; the GLB rendition shows details.
VIEWS = {SMALL: (320, 400_000), LARGE: (640, 1_600_000)}
_INK = (59, 110, 165)
_MAX_SECONDS = 600.0
_STEP = Segmentation(seconds=2.0, overlap=0.0, characters=1000, character_overlap=0)


def preview(source: Source, side: int = SMALL) -> bytes | None:
    """The picture: a thumbnail, the poster frame of a video, a rendering, a waveform; None for text.

    Its longer side is at most `side` pixels.

    Raises:
        MediaError: as decoding the file does.
    """
    kind = detect(source)
    check_size(kind.modality, source.size)
    source = replace(source, side=side)
    pixels: Pixels | None
    match kind.modality:
        case Modality.TEXT:
            return None
        case Modality.IMAGE:
            from omnisearch.media.image import read as read_image

            pixels = read_image(source, kind, [])
        case Modality.VIDEO:
            from omnisearch.media.video import poster

            pixels = poster(source)
            if pixels is None:
                pixels = _waveform(source, kind, side)
        case Modality.AUDIO:
            pixels = _waveform(source, kind, side)
        case Modality.POINT_CLOUD:
            from omnisearch.media import point_cloud
            from omnisearch.media.render import render

            across, count = VIEWS[side]
            pixels = render(point_cloud.read(source, kind, [], count), views=1, side=across)[0]
    return _webp(pixels, side)


def _webp(pixels: Pixels, side: int) -> bytes:
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    out = BytesIO()
    image.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()


def _waveform(source: Source, kind: Kind, side: int) -> Pixels:
    """Bars of the loudest sample in equal stretches of the first ten minutes."""
    from omnisearch.media.decode import decoder

    peaks: list[Floats] = []
    seconds = 0.0
    for piece in decoder(kind)(source, kind, _STEP).pieces:
        waveform: Any = piece.content
        stretch = max(1, waveform.rate // 50)
        padded = np.resize(np.abs(waveform.samples), -(-len(waveform.samples) // stretch) * stretch)
        peaks.append(padded.reshape(-1, stretch).max(axis=1))
        seconds += waveform.seconds
        if seconds > _MAX_SECONDS:
            break
    return _bars(np.concatenate(peaks), side)


def _bars(peaks: Floats, side: int) -> Pixels:
    """Draw bars of 2 pixels at distances of 3, on 320 x 96 pixels; a larger picture has the same bars, scaled."""
    unit = side / SMALL
    width, height = side, round(96 * unit)
    edges = np.linspace(0, len(peaks), BARS + 1)
    heights = [peaks[int(a) : max(int(np.ceil(b)), int(a) + 1)].max() for a, b in itertools.pairwise(edges)]
    loudest = max(heights) or 1.0
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    for i, bar in enumerate(heights):
        half = max(unit, bar / loudest * (height / 2 - 4 * unit))
        left = 3 * i * unit
        pen.rectangle((left, height / 2 - half, left + 2 * unit - 1, height / 2 + half), fill=_INK)
    return np.asarray(image, dtype=np.uint8)
