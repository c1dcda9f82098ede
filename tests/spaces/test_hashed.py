"""The weightless space: things that a person would call by one word lie beside that word."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.config import load_settings
from omnisearch.errors import UsageError
from omnisearch.spaces.base import encode
from omnisearch.spaces.families.hashed import COLORS, direction
from omnisearch.spaces.registry import load_space
from omnisearch.types import Content, Floats, Modality, PointCloud, Waveform

RATE = 16_000
WORDS = (*COLORS, "low", "middle", "high", "noise", "silence", "flat", "tall", "round")


def image(color: str) -> Content:
    return np.full((40, 60, 3), COLORS[color], np.uint8)


def tone(hertz: float) -> Content:
    return Waveform(np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE).astype(np.float32), RATE)


def cloud(height: float) -> Content:
    points = np.random.default_rng(0).uniform(-1, 1, (500, 3)).astype(np.float32) * np.float32([1, height, 1])
    return PointCloud(points / np.abs(points).max(), None, np.zeros((1, 8, 8, 3), np.uint8))


def noise() -> Content:
    return Waveform(np.random.default_rng(0).uniform(-1, 1, RATE).astype(np.float32), RATE)


CASES = [
    *((Modality.IMAGE, image(color), color) for color in COLORS),
    (Modality.AUDIO, tone(110), "low"),
    (Modality.AUDIO, tone(1000), "middle"),
    (Modality.AUDIO, tone(5000), "high"),
    (Modality.AUDIO, noise(), "noise"),
    (Modality.AUDIO, Waveform(np.zeros(RATE, np.float32), RATE), "silence"),
    (Modality.AUDIO, Waveform(np.zeros(0, np.float32), RATE), "silence"),
    (Modality.POINT_CLOUD, cloud(0.05), "flat"),
    (Modality.POINT_CLOUD, cloud(1.0), "round"),
    (Modality.POINT_CLOUD, cloud(3.0), "tall"),
]


def embed(modality: Modality, *contents: Content) -> Floats:
    return encode(load_space("hashed", load_settings()), modality, contents)


@pytest.mark.parametrize(("modality", "content", "word"), CASES, ids=[f"{m}-{w}" for m, _, w in CASES])
def test_a_thing_lies_nearest_to_its_word(modality: Modality, content: Content, word: str) -> None:
    scores = embed(Modality.TEXT, *WORDS) @ embed(modality, content)[0]
    assert WORDS[int(scores.argmax())] == word
    assert scores.max() == pytest.approx(1, abs=1e-5)


def test_a_text_is_the_sum_of_its_words() -> None:
    row = embed(Modality.TEXT, "Red, red BLUE!")[0]
    expected = 2 * direction("red") + direction("blue")
    np.testing.assert_allclose(row, expected / np.linalg.norm(expected), atol=1e-6)


def test_an_object_has_a_shape_and_the_colours_of_its_points() -> None:
    red = np.tile(np.float32(COLORS["red"]) / 255, (500, 1))
    shape = cloud(3.0)
    assert isinstance(shape, PointCloud)
    row = embed(Modality.POINT_CLOUD, PointCloud(shape.points, red, shape.views))[0]
    np.testing.assert_allclose(row, embed(Modality.TEXT, "tall red")[0], atol=1e-6)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_a_row_depends_on_its_content_alone(texts: list[str], random: object) -> None:
    rows = embed(Modality.TEXT, *texts)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(embed(Modality.TEXT, *(texts[i] for i in order)), rows[order])
    np.testing.assert_array_equal(embed(Modality.TEXT, texts[0])[0], rows[0])


def test_it_reads_no_video() -> None:
    with pytest.raises(UsageError, match="hashed reads text, image, audio, point_cloud, not video"):
        load_space("hashed", load_settings()).tower(Modality.VIDEO)
