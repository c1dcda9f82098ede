"""Read the lines of a picture that the default model could not read: Tesseract, with a model for each script.

    default model: text and confidence of each line -> doubtful lines -> models of the installed scripts -> the surest

The default model gives little or nothing for the letters of other scripts, often with a high confidence.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

from omnisearch.notes import PARTLY_READ
from omnisearch.reading.tesseract import Tesseract

DOUBTFUL = 0.8  # a confidence of the default model below this is doubtful
# A line in another script has a word of so many of its letters, which are at least this share of all its letters.
# Outlines of things become one or two letters.
_LETTERS, _SHARE = 3, 0.5
# The least confidence of a line; of a line in a picture that has surer lines in this script.
_SURE, _ALSO_SURE = 0.5, 0.3
_LEAST_WIDTH = 1.2  # heights; a narrower place has no three letters
_LINE_WIDTH = 3.0  # heights; a place that is wider and has no letters is a line of text that was not read
_UNREAD = 0.25  # a picture with this share of lines that were not read gets a note
_IDEOGRAPHIC = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


@dataclass(frozen=True)
class Script:
    """The letters of a script, and Latin letters that look like some of them."""

    letters: re.Pattern[str]
    twins: frozenset[str]


SCRIPTS: Mapping[str, Script] = {
    "ocr-cyrillic": Script(re.compile("[\u0400-\u052f]"), frozenset("ABCEHIJKMOPSTXYaceijopsuxy")),
    "ocr-arabic": Script(re.compile("[\u0620-\u064a\u066e-\u06d3]"), frozenset()),
    "ocr-greek": Script(re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), frozenset("ABEHIKMNOPTXYZaiouvx")),
}


@dataclass(frozen=True, eq=False)
class Recognized:
    """A line of text: its crops, uint8 (height, width, 3), the text, the confidence, and the model that read it.

    There is a second crop, turned by half, if the line may be upside down. `model` is empty for the default model.
    """

    crops: Sequence[Any]
    text: str
    sure: float
    model: str = ""

    @property
    def width(self) -> float:
        """The width in heights."""
        height, width = self.crops[0].shape[:2]
        return float(width / height)


class ScriptReader:
    """Reads lines with the models in `files`, which are named as in SCRIPTS and loaded with the first such line."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._models = {name: Tesseract(path) for name, path in files.items()}

    def read(self, lines: Sequence[Recognized], seconds: float, notes: list[str]) -> list[Recognized]:
        """Return the lines of a picture, doubtful ones as the surest model reads them.

        `notes` get that lines were not read, because this took longer than `seconds` or a model is not installed.
        """
        limit = monotonic() + seconds
        read, found = list(lines), Counter[str]()
        doubtful = [n for n, line in enumerate(lines) if is_doubtful(line)]
        for n in doubtful:
            if monotonic() < limit:
                likely = [name for name, _ in found.most_common()]
                read[n] = self._surest(self._surest(lines[n], likely), self._models)
                found.update(filter(None, [read[n].model]))
        for name, _ in found.most_common(1):
            for n, line in enumerate(read):
                left = n in doubtful or _is_of_twins(line.text, SCRIPTS[name])
                if not line.model and left and monotonic() < limit:
                    read[n] = self._surest(line, [name], is_expected=True)
        if self._models and monotonic() >= limit:
            notes.append(f"{PARTLY_READ}: its lines in other scripts took more than {seconds:.0f} seconds")
        elif missing := self._missing(read):
            may = f"`omnisearch models pull {' '.join(missing)}`"
            notes.append(f"{PARTLY_READ}: it has lines in a script that is not read: try {may}")
        return read

    def _missing(self, lines: Sequence[Recognized]) -> list[str]:
        """Return the models that are not installed and may read lines of these that were not read."""
        long = [line for line in lines if line.width >= _LINE_WIDTH]
        scripts = [_script(line.text) for line in long if not line.model and not _is_known(line.text)]
        if not scripts or len(scripts) < _UNREAD * len(long):
            return []
        return [name for name in SCRIPTS if name not in self._models and (name in scripts or not any(scripts))]

    def _surest(self, line: Recognized, models: Iterable[str], is_expected: bool = False) -> Recognized:
        """Read a line with some models, unless one of them has read it; `is_expected` if their script was found."""
        best, least = line, _ALSO_SURE if is_expected else _SURE
        for name in models if not line.model else ():
            for crop in line.crops:
                text, sure = self._models[name].read(crop)
                twins = is_expected and _is_of_twins(line.text, SCRIPTS[name])
                better = sure >= max(least, best.sure if best.model else 0.0)
                if better and (twins or _is_rather(line, text, sure)) and _is_in(text, SCRIPTS[name]):
                    best = replace(line, text=text, sure=sure, model=name)
                    break
        return best


def is_doubtful(line: Recognized) -> bool:
    """Whether the default model may have missed letters of a line."""
    if line.width < _LEAST_WIDTH:
        return False
    count = _count(line.text)
    # A letter of Latin script is about half as wide as the line is high; an ideogram is as wide.
    missed = count < line.width and not _IDEOGRAPHIC.search(line.text)
    return not count or missed or line.sure < DOUBTFUL or _is_foreign(line.text)


def _script(text: str) -> str:
    """Return the model of the script of a text, or an empty string."""
    return next((name for name, script in SCRIPTS.items() if _is_in(text, script)), "")


def _is_known(text: str) -> bool:
    """Whether a text of the default model has letters or digits, and not of another script."""
    return _count(text) > 0 and not _script(text)


def _is_in(text: str, script: Script) -> bool:
    words = [len(script.letters.findall(word)) for word in text.split()]
    return max(words, default=0) >= _LETTERS and sum(words) >= _SHARE * sum(map(str.isalpha, text))


def _is_rather(line: Recognized, text: str, sure: float) -> bool:
    """Whether a line rather says a text in another script than that of the default model."""
    return _is_foreign(line.text) or sure > line.sure or _count(text) > _count(line.text)


def _is_foreign(text: str) -> bool:
    """Whether a text has letters of other scripts, of which the default model knows some."""
    return any(script.letters.search(text) for script in SCRIPTS.values())


def _is_of_twins(text: str, script: Script) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) >= _LETTERS and script.twins.issuperset(letters)


def _count(text: str) -> int:
    return sum(map(str.isalnum, text))
