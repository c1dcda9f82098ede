"""Films: a slow view over sceneries, a sign for some seconds, and sentences over music or noise."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from PIL import Image

from demo.film import RATE, write_frames
from demo.words import sounds
from demo.words.scenery import scenery
from omnisearch.types import Floats, Pixels

_SIZE, _WIDE = (640, 480), (1100, 640)
_PER_SECOND = 8
SIGN_SECONDS = 4.0


@dataclass(frozen=True)
class Shown:
    """When the sign of a film is seen, in seconds."""

    start: float
    end: float


def film(random: np.random.Generator, sign: Image.Image, samples: Floats, path: Path) -> Shown:
    """Write a film as long as the samples (n,) at `sounds.RATE`; tell when the sign is seen."""
    count = int(len(samples) / sounds.RATE * _PER_SECOND)
    first = int(random.integers(count // 4, count // 2))
    last = first + int(SIGN_SECONDS * _PER_SECOND)
    heard = soxr.resample(samples, sounds.RATE, RATE).astype(np.float32)
    write_frames(_frames(random, sign, count, range(first, last)), _PER_SECOND, heard, path)
    return Shown(first / _PER_SECOND, last / _PER_SECOND)


def _frames(random: np.random.Generator, sign: Image.Image, count: int, seen: range) -> Iterator[Pixels]:
    board = np.asarray(sign.convert("RGB").resize(_SIZE, Image.Resampling.LANCZOS))
    wide = scenery(random, _WIDE)
    for n in range(count):
        if n == seen.stop:
            wide = scenery(random, _WIDE)
        along = n / count
        left, top = (round(along * (whole - part)) for whole, part in zip(_WIDE, _SIZE, strict=True))
        yield board if n in seen else np.asarray(wide.crop((left, top, left + _SIZE[0], top + _SIZE[1])))
