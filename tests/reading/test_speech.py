"""What Whisper writes is placed in the sound, and what nobody said is left out."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from omnisearch.media.material.wanted import RATE
from omnisearch.reading.speech import EFFORTS, Transcript
from omnisearch.reading.voiced import Voiced


def voiced(*stretches: tuple[float, float], offset: float = 0.0) -> Voiced:
    """Stretches of voice in a minute of sound, in seconds."""
    samples = [(round(start * RATE), round(end * RATE)) for start, end in stretches]
    return Voiced(np.arange(60 * RATE, dtype=np.float32), samples, offset)


def test_the_joined_voice_has_no_pauses() -> None:
    assert len(voiced((1, 3), (10, 14)).samples) == 6 * RATE
    assert voiced((1, 3), (10, 14)).samples[2 * RATE] == 10 * RATE


@pytest.mark.parametrize(
    ("start", "end", "times"),
    [
        (0.5, 1.5, (1.5, 2.5)),  # inside the first stretch
        (2.5, 5.0, (10.5, 13.0)),  # inside the second
        (1.0, 5.0, (10.0, 13.0)),  # begins a second before the joint: the start is rounded
        (0.0, 3.0, (1.0, 3.0)),  # ends a second after it
        (0.0, 6.0, (1.0, 14.0)),  # both stretches
        (5.0, 9.0, (13.0, 14.0)),  # beyond the end
    ],
)
def test_times_of_the_voice_are_those_of_the_sound(start: float, end: float, times: tuple[float, float]) -> None:
    assert voiced((1, 3), (10, 14)).times(start, end) == pytest.approx(times)
    moved = voiced((1, 3), (10, 14), offset=100).times(start, end)
    assert moved == pytest.approx((times[0] + 100, times[1] + 100))


class FakeModel:
    """Transcribes everything as the given segments, in a language with a probability."""

    def __init__(self, *segments: tuple[str, float], language: str = "de", probability: float = 0.9) -> None:
        self.asked: list[str | None] = []
        self._segments, self._info = segments, SimpleNamespace(language=language, language_probability=probability)

    def transcribe(self, samples: Any, language: str | None, **options: Any) -> tuple[list[Any], Any]:
        self.asked.append(language)
        length = 2.0 / max(len(self._segments), 1)
        rows = [
            SimpleNamespace(text=text, start=n * length, end=(n + 1) * length, avg_logprob=logprob)
            for n, (text, logprob) in enumerate(self._segments)
        ]
        return rows, self._info


def transcript(model: FakeModel) -> Transcript:
    return Transcript(SimpleNamespace(model=model), EFFORTS["fast"])  # type: ignore[arg-type]


def texts(model: FakeModel) -> list[str]:
    return [reading.text for reading in transcript(model)._readings(voiced((0, 2)))]


def test_a_segment_is_a_reading_with_its_seconds_confidence_and_language() -> None:
    (reading,) = transcript(FakeModel((" Guten \n Tag ", -0.5)))._readings(voiced((4, 6)))
    assert (reading.field, reading.text, reading.language) == ("speech", "Guten Tag", "de")
    assert (reading.start, reading.end) == (4.0, 6.0)
    assert reading.confidence == pytest.approx(math.exp(-0.5))


def test_text_of_which_whisper_is_not_sure_is_left_out() -> None:
    assert texts(FakeModel(("one", -0.5), ("two", -1.5), ("three", -0.9))) == ["one", "three"]


def test_loops_are_left_out() -> None:
    assert texts(FakeModel(("we are going to take a look " * 20, -0.2), ("right", -0.2))) == ["right"]
    assert texts(FakeModel(*[("Thank you.", -0.2)] * 5)) == ["Thank you."] * 2
    assert texts(FakeModel(*[("Yes.", -0.2), ("No.", -0.2)] * 2)) == ["Yes.", "No."] * 2


def test_marks_without_words_are_left_out() -> None:
    assert texts(FakeModel(("...", -0.1), ("♪", -0.1))) == []


@pytest.mark.parametrize(("probability", "asked"), [(0.9, [None, "de"]), (0.4, [None, None])])
def test_a_sure_language_holds_for_the_rest_of_the_sound(probability: float, asked: list[str | None]) -> None:
    model = FakeModel(("Tag", -0.1), probability=probability)
    one = transcript(model)
    for _ in range(2):
        list(one._readings(voiced((0, 2))))
    assert model.asked == asked
