"""Lines that a picture's outlines resemble are no text."""

import numpy as np
import pytest

from omnisearch.reading.lines import Line
from omnisearch.reading.ocr import EFFORTS, Ocr, batch_size, is_text
from omnisearch.reading.scripts import Recognized


@pytest.mark.parametrize(
    ("text", "confidence", "kept"),
    [
        ("The budget meeting", 0.7, True),
        ("O", 1.0, False),  # the outline of a coin
        ("8 6", 0.99, False),
        ("9n", 0.72, False),
        ("OK", 0.9, True),
        ("出口", 0.95, True),
        ("- - -", 0.99, False),
        ("", 1.0, False),
    ],
)
def test_short_lines_must_be_sure(text: str, confidence: float, kept: bool) -> None:
    assert is_text(Line(text, 0, 0, 10, 10, confidence)) == kept


@pytest.mark.parametrize(("width", "together"), [(50, 12), (200, 6), (5000, 1)])
def test_long_lines_are_recognized_in_small_batches(width: float, together: int) -> None:
    places = np.tile(np.array([[0, 0], [width, 0], [width, 10], [0, 10]], np.float32), (12, 1, 1))
    assert batch_size(places) == together


def test_a_narrow_picture_is_not_looked_at() -> None:
    ocr = Ocr(1, {})
    assert ocr.read(np.zeros((1, 10_000, 3), np.uint8), "full", []) == []
    assert ocr._loaded is None


@pytest.mark.parametrize(("places", "legible", "noted"), [(40, 10, True), (40, 30, False), (8, 0, False)])
def test_many_places_that_are_not_legible_have_a_note(
    places: int, legible: int, noted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand tiny words look like text and are not read; a few such places in a photograph are none."""
    ocr, notes = Ocr(1, {}), list[str]()
    left = iter([0.99] * legible + [0.1] * places)

    def recognized(picture: object, batch: list[object]) -> list[Recognized]:
        return [Recognized([np.zeros((4, 9, 3), np.uint8)], "word", next(left)) for _ in batch]

    monkeypatch.setattr(ocr, "_recognized", recognized)
    box = np.array([[0, 0], [50, 0], [50, 10], [0, 10]], np.float32)
    words, _ = ocr._words(np.zeros((9, 9, 3), np.uint8), np.tile(box, (places, 1, 1)), EFFORTS["fast"], notes)
    assert len(words) == legible
    assert [note.endswith("not legible") for note in notes] == [True] * noted
