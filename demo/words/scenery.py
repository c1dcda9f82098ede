"""Pictures like photographs without words: hills, sky, water, walls and leaves, made of noise."""

import numpy as np
from PIL import Image, ImageFilter

from omnisearch.types import Floats

SIDE = 960, 720


def scenery(random: np.random.Generator, size: tuple[int, int] = SIDE) -> Image.Image:
    """Return a picture (width, height) of one of the sceneries."""
    draw = _DRAWN[int(random.integers(len(_DRAWN)))]
    picture = Image.fromarray((255 * np.clip(draw(random, size), 0, 1)).astype(np.uint8))
    return picture.filter(ImageFilter.GaussianBlur(float(random.uniform(0, 1.2))))


def noise(random: np.random.Generator, size: tuple[int, int], finest: int = 4) -> Floats:
    """Return noise of all scales (height, width) in [0, 1]: each octave is finer and weaker."""
    width, height = size
    total = np.zeros((height, width), np.float32)
    for octave in range(1, 9):
        cells = 2**octave
        if width / cells < finest:
            break
        coarse = Image.fromarray(random.random((max(2, cells * height // width), cells)).astype(np.float32))
        total += np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)) / 2**octave
    total -= total.min()
    return total / np.float32(total.max())


def _painted(values: Floats, dark: Floats, light: Floats) -> Floats:
    """Return colours (..., 3) between two colours (3,)."""
    return dark + values[..., None] * (light - dark)


def _colour(random: np.random.Generator, low: tuple[float, ...], high: tuple[float, ...]) -> Floats:
    return random.uniform(low, high).astype(np.float32)


def _hills(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    width, height = size
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    clouds = np.clip(noise(random, size) - down, 0, 1)
    found = _painted(clouds, _colour(random, (0.3, 0.5, 0.7), (0.5, 0.7, 0.95)), np.ones(3, np.float32))
    for depth in range(int(random.integers(2, 5))):
        ridge = 0.45 + 0.12 * depth + 0.25 * (noise(random, (width, 64), 16)[32] - 0.5)
        leaves = _painted(noise(random, size), *_greens(random, 1 - 0.15 * depth))
        found = np.where((down > ridge)[..., None], leaves, found)
    return found


def _greens(random: np.random.Generator, light: float) -> tuple[Floats, Floats]:
    dark = light * _colour(random, (0.05, 0.15, 0.02), (0.2, 0.3, 0.15))
    return dark, dark + light * _colour(random, (0.2, 0.3, 0.1), (0.4, 0.5, 0.2))


def _water(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    waves = np.sin(40 * noise(random, size) + np.linspace(0, 60, size[1], dtype=np.float32)[:, None] ** 1.2)
    dark = _colour(random, (0.0, 0.1, 0.25), (0.15, 0.3, 0.45))
    return _painted(0.5 + 0.5 * waves.astype(np.float32), dark, dark + 0.35)


def _wall(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    width, height = size
    tall, wide = int(random.integers(24, 48)), int(random.integers(60, 120))
    row = np.arange(height)[:, None] // tall
    column = (np.arange(width)[None, :] + row % 2 * wide // 2) // wide
    joint = (np.arange(height)[:, None] % tall < 4) | ((np.arange(width)[None, :] + row % 2 * wide // 2) % wide < 4)
    shade = random.random((row.max() + 1, int(column.max()) + 1)).astype(np.float32)[row, column]
    stone = _colour(random, (0.4, 0.15, 0.1), (0.7, 0.4, 0.3))
    found = _painted(0.6 * shade + 0.4 * noise(random, size), 0.6 * stone, stone)
    return np.where(joint[..., None], np.float32(0.75) * np.ones(3, np.float32), found)


def _leaves(random: np.random.Generator, size: tuple[int, int]) -> Floats:
    veins = noise(random, size)
    found = _painted(veins, *_greens(random, 0.6))
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    for _ in range(40):
        angle, (left, top) = random.uniform(0, np.pi), random.uniform(0, 1, 2) * size
        along = (x - left) * np.cos(angle) + (y - top) * np.sin(angle)
        across = (y - top) * np.cos(angle) - (x - left) * np.sin(angle)
        inside = (along / random.uniform(40, 110)) ** 2 + (across / random.uniform(12, 35)) ** 2 < 1
        found[inside] = _painted(veins[inside], *_greens(random, 1.0))
    return found


_DRAWN = (_hills, _water, _wall, _leaves)
