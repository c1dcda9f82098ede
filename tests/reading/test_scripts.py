"""Lines that the default model reads badly are read by the models of other scripts, and others are left alone."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from omnisearch.reading import scripts
from omnisearch.reading.scripts import SCRIPTS, Recognized, ScriptReader
from omnisearch.reading.tesseract import clean
from omnisearch.spaces.weights.ocr_models import OCR_MODELS
from omnisearch.types import Pixels

NOTHING = ("", 0.0)


class FakeTesseract:
    """Reads a crop as what is said of its model for the first value of the crop."""

    said: ClassVar[dict[str, dict[int, tuple[str, float]]]] = {}
    asked: ClassVar[list[tuple[str, int]]] = []

    def __init__(self, path: Path) -> None:
        self._name = path.name

    def read(self, crop: Pixels) -> tuple[str, float]:
        self.asked.append((self._name, int(crop[0, 0, 0])))
        return self.said[self._name].get(int(crop[0, 0, 0]), NOTHING)


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> type[FakeTesseract]:
    monkeypatch.setattr(scripts, "Tesseract", FakeTesseract)
    monkeypatch.setattr(FakeTesseract, "said", {name: {} for name in SCRIPTS})
    monkeypatch.setattr(FakeTesseract, "asked", [])
    return FakeTesseract


def line(value: int, text: str = "", sure: float = 0.0, width: int = 100) -> Recognized:
    return Recognized([np.full((10, width, 3), value, np.uint8)], text, sure)


def reader(*names: str) -> ScriptReader:
    return ScriptReader({name: Path(name) for name in names})


def read(*lines: Recognized, models: tuple[str, ...] = tuple(SCRIPTS)) -> list[tuple[str, str]]:
    return [(one.text, one.model) for one in reader(*models).read(lines, 60.0, [])]


def notes(*lines: Recognized, models: tuple[str, ...] = ()) -> list[str]:
    found: list[str] = []
    reader(*models).read(lines, 60.0, found)
    return found


def test_every_declared_model_has_its_letters() -> None:
    assert list(SCRIPTS) == list(OCR_MODELS)


def test_the_surest_model_reads_a_line_without_letters(fake: type[FakeTesseract]) -> None:
    fake.said |= {"ocr-cyrillic": {1: ("вокзал", 0.7)}, "ocr-greek": {1: ("σταθμός", 0.9)}}
    assert read(line(1)) == [("σταθμός", "ocr-greek")]


@pytest.mark.parametrize(
    ("text", "sure", "found"),
    [
        ("", 0.98, True),  # it saw spaces alone
        ("   ", 0.98, True),
        ("PECT", 0.5, True),
        ("ст", 0.95, True),  # a letter that the default model knows by chance
        ("7", 1.0, True),  # a line that is much longer than its text
        ("restaurant", 0.95, False),
        ("東京駅", 0.9, False),
        ("12:30 - 14:00", 1.0, False),
    ],
)
def test_doubtful_lines_alone_are_read_again(fake: type[FakeTesseract], text: str, sure: float, found: bool) -> None:
    fake.said["ocr-cyrillic"][1] = ("ресторан", 0.9)
    assert read(line(1, text, sure, 50)) == [("ресторан", "ocr-cyrillic") if found else (text, "")]
    assert bool(fake.asked) == found


@pytest.mark.parametrize(
    ("text", "sure"),
    [("да", 0.99), ("ος ΘΙ", 0.9), ("вокзал", 0.4), ("вокзал at the station", 0.9), ("12345", 0.9), ("", 0.9)],
)
def test_few_letters_and_low_confidence_are_no_text(fake: type[FakeTesseract], text: str, sure: float) -> None:
    fake.said |= {"ocr-cyrillic": {1: (text, sure)}, "ocr-greek": {1: (text, sure)}}
    assert read(line(1)) == [("", "")]


def test_outlines_that_are_as_wide_as_high_are_not_tried(fake: type[FakeTesseract]) -> None:
    read(line(1, "O", 0.4, width=11))
    assert fake.asked == []


def test_a_surer_text_of_the_default_model_stays(fake: type[FakeTesseract]) -> None:
    fake.said["ocr-cyrillic"][1] = ("осн", 0.6)
    assert read(line(1, "OCK", 0.7, 30)) == [("OCK", "")]


def test_a_script_that_was_found_is_expected_in_the_other_lines(fake: type[FakeTesseract]) -> None:
    """The second line is less sure, and the third consists of letters that two scripts share."""
    fake.said["ocr-cyrillic"] = {1: ("под каменным", 0.95), 2: ("забором", 0.35), 3: ("мостом", 0.8)}
    fake.said["ocr-greek"] = {2: ("ζαβορομ", 0.33)}
    lines = line(1), line(2), line(3, "MOCTOM", 1.0, 40), line(4, "EXIT", 1.0, 30)
    texts = [text for text, _ in read(*lines)]
    assert texts == ["под каменным", "забором", "мостом", "EXIT"]
    assert [text for text, _ in read(*lines[1:])] == ["", "MOCTOM", "EXIT"]


def test_a_line_that_may_lie_upside_down_is_read_both_ways(fake: type[FakeTesseract]) -> None:
    fake.said["ocr-arabic"] = {1: ("لم", 0.9), 2: ("معلم الكمان", 0.8)}
    both = Recognized([line(1).crops[0], line(2).crops[0]], "", 0.0)
    assert read(both) == [("معلم الكمان", "ocr-arabic")]


def test_a_note_names_the_models_that_may_read_a_picture() -> None:
    (note,) = notes(line(1), line(2, "No. 12", 1.0, 30))
    assert "a script that is not read" in note
    assert note.endswith("`omnisearch models pull ocr-cyrillic ocr-arabic ocr-greek`")
    (note,) = notes(line(1, "σταθμς", 0.9))
    assert note.endswith("`omnisearch models pull ocr-greek`")
    (note,) = notes(line(1), models=("ocr-cyrillic", "ocr-arabic"))
    assert note.endswith("`omnisearch models pull ocr-greek`")


def test_pictures_with_a_stray_place_get_no_note(fake: type[FakeTesseract]) -> None:
    assert notes(line(1, width=25)) == [], "it is not as long as a line"
    assert notes(line(1), *(line(2, "a line of Latin letters", 0.99) for _ in range(4))) == []
    fake.said["ocr-greek"][1] = ("σταθμός", 0.9)
    assert notes(line(1), models=("ocr-greek",)) == []
    assert notes(line(3), models=tuple(SCRIPTS)) == [], "there is nothing to install"


def test_a_limit_of_time_is_kept_and_noted(fake: type[FakeTesseract]) -> None:
    found: list[str] = []
    assert reader("ocr-greek").read([line(1)], 0.0, found)[0].model == ""
    assert fake.asked == []
    assert found == ["partly read: its lines in other scripts took more than 0 seconds"]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\u200fقرب الطاحونة\u200e\n", "قرب الطاحونة"),
        ("• » кофейная мельница |\n", "кофейная мельница"),
        ("кофе - чай, 2 шт.", "кофе - чай, 2 шт."),
        (" — ", ""),
    ],
)
def test_marks_around_a_line_are_left_out(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
