"""A ThumbHash holds the waves that its description says, and a page finds it in the preview's file."""

import base64
import io
import math
from pathlib import Path

import numpy as np
import pytest

from omnisearch.media.previews.placeholder import read_placeholder
from omnisearch.media.previews.thumbhash import thumbhash
from omnisearch.media.previews.webp import webp


def unpacked(made: bytes) -> dict[str, float | list[int]]:
    head, shape = int.from_bytes(made[:3], "little"), int.from_bytes(made[3:5], "little")
    start = 6 if head >> 23 else 5
    digits = [digit for byte in made[start:] for digit in (byte & 15, byte >> 4)]
    fields = {"light": head & 63, "yellow": head >> 6 & 63, "red": head >> 12 & 63, "scale": head >> 18 & 31}
    return {**fields, "alpha": head >> 23, "factors": shape & 7, "landscape": shape >> 15, "digits": digits}


def wave(channel: np.ndarray, x: int, y: int) -> float:
    """The share of one cosine wave, summed pixel by pixel."""
    height, width = channel.shape
    phase = math.pi / 2 / width * x, math.pi / 2 / height * y
    return sum(
        channel[row, column] * math.cos(phase[0] * (2 * column + 1)) * math.cos(phase[1] * (2 * row + 1))
        for row in range(height)
        for column in range(width)
    ) / (width * height)  # fmt: skip


@pytest.mark.parametrize(("width", "height"), [(20, 14), (9, 16), (12, 12)])
def test_it_holds_the_first_waves_of_luminance(width: int, height: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (height, width, 4), np.uint8)
    pixels[..., 3] = 255
    light = pixels[..., :3].mean(axis=2) / 255
    across, down = (max(3, math.floor(7 * side / max(width, height) + 0.5)) for side in (width, height))
    waves = [wave(light, x, y) for y in range(down) for x in range(across) if x * down < across * (down - y)]
    scale = max(map(abs, waves[1:]))
    found = unpacked(thumbhash(pixels))
    assert found["light"] == math.floor(63 * waves[0] + 0.5)
    assert found["scale"] == math.floor(31 * scale + 0.5)
    expected = [math.floor(15 * (0.5 + 0.5 * each / scale) + 0.5) for each in waves[1:]]
    assert found["digits"][: len(expected)] == expected  # type: ignore[index]
    assert (found["alpha"], found["landscape"]) == (0, width > height)


def test_a_plain_color_and_a_transparent_ground() -> None:
    plain = unpacked(thumbhash(np.full((8, 8, 4), 255, np.uint8)))
    assert (plain["light"], plain["yellow"], plain["red"], plain["scale"]) == (63, 32, 32, 0)
    half = np.zeros((8, 8, 4), np.uint8)
    half[:4] = (255, 0, 0, 255)
    made = thumbhash(half)
    assert unpacked(made)["alpha"] == 1
    assert made[5] & 15 == 8  # half of it is covered
    assert thumbhash(np.zeros((8, 8, 4), np.uint8))[5] & 15 == 0


@pytest.mark.parametrize(("width", "height", "channels"), [(400, 100, 3), (30, 60, 4), (5, 4, 3)])
def test_the_file_of_a_preview_holds_its_placeholder(width: int, height: int, channels: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (height, width, channels), np.uint8)
    path = tmp_path / "a.webp"
    path.write_bytes(webp(pixels, 320))
    with path.open("rb") as file:
        found = read_placeholder(file)
    assert found is not None
    assert found.aspect == width / height
    assert 15 <= len(base64.b64decode(found.thumbhash)) <= 35


@pytest.mark.parametrize("content", [b"", b"RIFF", b"thumbhash:AAAAAAAAAAAA\0", b"RIFF    WEBPVP8X" + bytes(200)])
def test_a_file_without_one_has_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    path.write_bytes(content)
    with path.open("rb") as file:
        assert read_placeholder(file) is None


def test_its_color_is_that_of_the_picture() -> None:
    from PIL import Image

    pixels = np.full((50, 50, 3), (200, 40, 40), np.uint8)
    image = Image.open(io.BytesIO(webp(pixels, 320)))
    text = image.getexif()[0x010E]
    found = unpacked(base64.b64decode(text.removeprefix("thumbhash:")))
    assert found["light"] == math.floor(63 * 280 / 3 / 255 + 0.5)
    assert found["red"] == math.floor(31.5 + 31.5 * 160 / 255 + 0.5)
