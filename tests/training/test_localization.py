"""Planted things and how a found place is held to them."""

import numpy as np
import pytest

from omnisearch.types import Decoded, MediaInfo, Modality, Waveform
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import Split
from omnisearch_training.evaluate.localization import LENGTHS, RATE, Trial, plant_drawings, plant_sounds, score

NAMES = ("dog", "cat", "rain", "door", "bell")


def trial(truth: tuple[float, ...], whole: tuple[float, ...]) -> Trial:
    return Trial("x", "x", Decoded(MediaInfo(Modality.AUDIO, ""), iter(())), truth, whole)


def test_a_stretch_is_scored_by_hand() -> None:
    found = score(trial((10, 14), (0, 40)), (12, 16))
    assert found.hit
    assert found.chance == pytest.approx(4 / 40)
    assert found.overlap == pytest.approx(2 / 6)
    assert found.error == pytest.approx(2)


def test_a_box_is_scored_by_hand() -> None:
    found = score(trial((0, 0, 0.5, 0.5), (0, 0, 1, 1)), (0.25, 0, 0.75, 0.5))
    assert found.hit
    assert found.chance == pytest.approx(0.25)
    assert found.overlap == pytest.approx(1 / 3)
    assert found.error == pytest.approx(0.125)
    assert not score(trial((0, 0, 0.5, 0.5), (0, 0, 1, 1)), (0.6, 0.6, 0.9, 0.9)).hit


def record(name: str) -> Record:
    return Record(name, name, Split.TEST, (name,), {}, "")


def test_a_sound_is_where_it_is_said_to_be() -> None:
    """Each sound is a constant of its own, so that its place can be read off the samples."""
    sounds = [(record(name), np.full(3 * RATE, (n + 1) / 10, np.float32)) for n, name in enumerate(NAMES)]
    trials = list(plant_sounds(sounds, np.random.default_rng(0)))
    assert len(trials) == 5
    for each in trials:
        contents = [piece.content for piece in each.decoded.pieces]
        samples = np.concatenate([c.samples for c in contents if isinstance(c, Waveform)])
        assert isinstance(each.thing, Waveform)
        where = np.flatnonzero(samples == each.thing.samples[0]) / RATE
        assert where[0] == pytest.approx(each.truth[0], abs=1e-4)
        assert where[-1] == pytest.approx(each.truth[1], abs=1e-4)
        assert len(where) == len(each.thing.samples)  # nothing else shows the same
        assert each.whole[1] == pytest.approx(len(samples) / RATE)


def test_sounds_too_short_or_too_long_are_not_planted() -> None:
    lengths = (LENGTHS[0] / 2, 2 * LENGTHS[1], 3.0)
    sounds = [
        (record(name), np.full(round(x * RATE), 0.5, np.float32))
        for name, x in zip(("dog", "cat", "rain"), lengths, strict=True)
    ]
    assert [each.name for each in plant_sounds(sounds, np.random.default_rng(0))] == ["rain"]


def test_a_drawing_is_where_it_is_said_to_be_and_its_paper_is_not_there() -> None:
    drawing = np.full((40, 40, 3), 255, np.uint8)
    drawing[10:30, 10:30] = (200, 0, 0)
    photo = np.full((90, 120, 3), 60, np.uint8)
    (each,) = plant_drawings([(record("apple"), drawing)], [(record("street"), photo)], np.random.default_rng(0))
    (piece,) = each.decoded.pieces
    assert isinstance(piece.content, np.ndarray)
    rows, columns = np.nonzero(piece.content[:, :, 0] > 150)
    left, top, right, bottom = each.truth
    # The red square is the middle half of the drawing.
    assert columns.mean() / 120 == pytest.approx((left + right) / 2, abs=0.02)
    assert rows.mean() / 90 == pytest.approx((top + bottom) / 2, abs=0.02)
    assert len(rows) / (120 * 90) == pytest.approx((right - left) * (bottom - top) / 4, rel=0.2)
