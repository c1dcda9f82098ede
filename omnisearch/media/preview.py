"""A small WebP picture that shows what is in a file."""

import itertools
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from omnisearch.media.detect import detect
from omnisearch.media.file import Source, check_size
from omnisearch.media.segmentation import Segmentation
from omnisearch.types import Floats, Modality, Pixels

LONGER_SIDE = 320
WAVE_HEIGHT = 96
_BAR, _PITCH = 2, 3
_INK = (59, 110, 165)
_MAX_SECONDS = 600.0
_STEP = Segmentation(seconds=2.0, overlap=0.0, characters=1000, character_overlap=0)


def preview(source: Source) -> bytes | None:
    """The picture: a thumbnail, the poster frame of a video, a rendering, a waveform; None for text.

    Raises:
        MediaError: as decoding the file does.
    """
    kind = detect(source)
    check_size(kind.modality, source.size)
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
                pixels = _waveform(source, kind)
        case Modality.AUDIO:
            pixels = _waveform(source, kind)
        case Modality.POINT_CLOUD:
            from omnisearch.media import point_cloud
            from omnisearch.media.render import render

            pixels = render(point_cloud.read(source, kind, []), views=1, side=LONGER_SIDE)[0]
    return _webp(pixels)


def _webp(pixels: Pixels) -> bytes:
    image = Image.fromarray(pixels)
    image.thumbnail((LONGER_SIDE, LONGER_SIDE))
    out = BytesIO()
    image.save(out, "WEBP", quality=80, method=4)
    return out.getvalue()


def _waveform(source: Source, kind: Any) -> Pixels:
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
    return _bars(np.concatenate(peaks))


def _bars(peaks: Floats) -> Pixels:
    count = LONGER_SIDE // _PITCH
    edges = np.linspace(0, len(peaks), count + 1)
    heights = [peaks[int(a) : max(int(np.ceil(b)), int(a) + 1)].max() for a, b in itertools.pairwise(edges)]
    loudest = max(heights) or 1.0
    image = Image.new("RGB", (LONGER_SIDE, WAVE_HEIGHT), "white")
    pen = ImageDraw.Draw(image)
    for i, height in enumerate(heights):
        half = max(1.0, height / loudest * (WAVE_HEIGHT / 2 - 4))
        left = i * _PITCH
        pen.rectangle((left, WAVE_HEIGHT / 2 - half, left + _BAR - 1, WAVE_HEIGHT / 2 + half), fill=_INK)
    return np.asarray(image, dtype=np.uint8)
