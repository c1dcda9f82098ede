"""The waveform of a sound as a picture: bars on a transparent ground."""

import itertools

import numpy as np
from PIL import Image, ImageDraw

from omnisearch.media.previews.webp import SMALL
from omnisearch.types import Floats, Pixels, Waveform

BARS = 106
INK = (116, 136, 168)  # has a contrast of more than 3:1 on white and on black
MAX_SECONDS = 600.0
_PER_SECOND = 50


class Envelope:
    """The loudest sample in each fiftieth of a second, of the first ten minutes of a sound."""

    def __init__(self) -> None:
        self._peaks: list[Floats] = []
        self._end = 0.0

    @property
    def is_full(self) -> bool:
        """Whether ten minutes were added."""
        return self._end > MAX_SECONDS

    def add(self, waveform: Waveform, start: float) -> None:
        """Add the part of a sound that begins at `start` seconds; what an earlier part had already is left out."""
        samples = waveform.samples[max(0, round((self._end - start) * waveform.rate)) :]
        if self.is_full or not len(samples):
            return
        self._end = start + waveform.seconds
        stretch = max(1, waveform.rate // _PER_SECOND)
        padded = np.resize(np.abs(samples), -(-len(samples) // stretch) * stretch)
        self._peaks.append(padded.reshape(-1, stretch).max(axis=1))

    def draw(self, side: int) -> Pixels | None:
        """Draw bars of 2 pixels at distances of 3, on 320 x 96 pixels; a larger picture has the same bars, scaled.

        Returns:
            uint8 (height, side, 4), RGBA; None without sound.
        """
        if not self._peaks:
            return None
        peaks, unit = np.concatenate(self._peaks), side / SMALL
        width, height = side, round(96 * unit)
        edges = np.linspace(0, len(peaks), BARS + 1)
        heights = [peaks[int(a) : max(int(np.ceil(b)), int(a) + 1)].max() for a, b in itertools.pairwise(edges)]
        loudest = max(heights) or 1.0
        image = Image.new("RGBA", (width, height), (*INK, 0))
        pen = ImageDraw.Draw(image)
        for i, bar in enumerate(heights):
            half = max(unit, bar / loudest * (height / 2 - 4 * unit))
            left = 3 * i * unit
            pen.rectangle((left, height / 2 - half, left + 2 * unit - 1, height / 2 + half), fill=(*INK, 255))
        return np.asarray(image, dtype=np.uint8)
