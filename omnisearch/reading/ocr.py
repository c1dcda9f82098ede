"""Read the text in pictures with PP-OCR (rapidocr, onnxruntime): a cheap gate, then recognition of what it found."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from omnisearch.notes import PARTLY_READ
from omnisearch.reading.lines import Line, join_turned
from omnisearch.reading.reader import Level
from omnisearch.reading.scripts import DOUBTFUL, Recognized, ScriptReader
from omnisearch.types import Pixels, Reading, Region

MIN_SIDE = 8  # pixels; nothing is read in a narrower picture
_PADDED_SIDE = 64  # the detector finds nothing in strips that are narrower
# Places that are recognized between two looks at the clock: so many, or fewer if they are together this many times
# longer than high, because the time grows with the length of a line.
_BATCH, _BATCH_LENGTH = 12, 120.0


@dataclass(frozen=True)
class Effort:
    """How thoroughly a picture is read.

    The detector looks at the picture with its longer side at most `gate`, and where it finds text and `side` is
    larger, once more at `side`. At most `places` are recognized, the largest first, for at most `seconds`.
    Readings need at least `confidence`.
    """

    gate: int
    side: int
    places: int
    seconds: float
    confidence: float


EFFORTS: dict[Level, Effort] = {
    "fast": Effort(gate=640, side=0, places=60, seconds=10.0, confidence=0.7),
    "full": Effort(gate=960, side=1600, places=600, seconds=90.0, confidence=0.6),
}
# The recognizer takes outlines of things for a letter or two: a short line must be surer, and one letter is no word.
_SHORT, _SHORT_CONFIDENCE = 4, 0.85
# Photographs without text have fewer places that look like text, and get no note about them.
_ILLEGIBLE = 10


class Ocr:
    """Reads pictures; the models are loaded with the first one. `scripts` are the files of models of `scripts.py`."""

    def __init__(self, threads: int, scripts: Mapping[str, Path]) -> None:
        self._threads = threads
        self._scripts = ScriptReader(scripts)
        self._loaded: Any = None

    def read(self, pixels: Pixels, level: Level, notes: list[str]) -> list[Reading]:
        """Read the lines of a picture, uint8 (height, width, 3), in reading order. `notes` get what was left out."""
        height, width = pixels.shape[:2]
        if min(height, width) < MIN_SIDE:
            return []
        effort = EFFORTS[level]
        picture = np.ascontiguousarray(pixels[..., ::-1])  # PP-OCR reads blue, green, red
        places = self._places(picture, effort)
        words, turned = self._words(picture, places, effort, notes)
        turns = sum(map(_is_tall, places)) * 2 > len(places)  # a crop of sideways text is turned once
        lines = join_turned(words, turns + (2 if turned * 2 > len(words) else 0), width, height)
        return [_reading(line, width, height) for line in lines if is_text(line)]

    @property
    def _engine(self) -> Any:
        if self._loaded is None:
            import rapidocr

            models = Path(rapidocr.__file__).parent / "models"
            self._loaded = rapidocr.RapidOCR(
                params={
                    "Global.log_level": "critical",
                    "Global.use_preprocess_img": False,
                    "Global.use_vertical_padding": False,
                    "EngineConfig.onnxruntime.intra_op_num_threads": self._threads,
                    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                    "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),
                    "Det.limit_type": "max",  # pictures are reduced here
                    "Det.limit_side_len": 1 << 16,
                    "Cls.model_path": str(models / "ch_ppocr_mobile_v2.0_cls_mobile.onnx"),
                    "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
                }
            )
        return self._loaded

    def _places(self, picture: Pixels, effort: Effort) -> Any:
        """The corners of the places with text in pixels, float32 (n, 4, 2), the largest first."""
        places = self._detect(picture, effort.gate)
        if len(places) and effort.side > effort.gate and max(picture.shape[:2]) > effort.gate:
            again = self._detect(picture, effort.side)
            places = again if len(again) else places
        order = np.argsort(-_heights(places), kind="stable")
        return places[order]

    def _detect(self, picture: Pixels, side: int) -> Any:
        import cv2

        height, width = picture.shape[:2]
        scale = min(1.0, side / max(height, width))
        reduced: Any = picture
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            reduced = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        below, beside = (max(0, _PADDED_SIDE - edge) for edge in reduced.shape[:2])
        if below or beside:
            reduced = cv2.copyMakeBorder(reduced, 0, below, 0, beside, cv2.BORDER_REPLICATE)
        found = self._engine(reduced, use_det=True, use_cls=False, use_rec=False).boxes
        if found is None:
            return np.zeros((0, 4, 2), np.float32)
        places = np.asarray(found, np.float32) / scale
        return np.clip(places, 0, np.array([width, height], np.float32))

    def _words(self, picture: Pixels, places: Any, effort: Effort, notes: list[str]) -> tuple[list[Line], int]:
        """Recognize places. Returns their words, and how many of them are upside down."""
        limit = monotonic() + effort.seconds
        found: list[Recognized] = []
        kept = [place for place in places[: effort.places] if min(np.ptp(place, axis=0)) >= 2]
        while len(found) < len(kept) and monotonic() < limit:
            batch = kept[len(found) : len(found) + _BATCH]
            found += self._recognized(picture, batch[: batch_size(np.stack(batch))])
        if left := len(kept) - len(found) + max(0, len(places) - effort.places):
            done = len(places) - left
            notes.append(f"{PARTLY_READ}: {done:,} of {len(places):,} places with text in a picture")
        told = len(notes)
        found = self._scripts.read(found, effort.seconds, notes)
        words = [
            _line(place, one.text, one.sure)
            for place, one in zip(kept, found, strict=False)
            if (one.model or one.sure >= effort.confidence) and any(character.isalnum() for character in one.text)
        ]
        illegible = len(found) - len(words)
        if illegible >= max(_ILLEGIBLE, len(found) / 2) and len(notes) == told:
            notes.append(f"{PARTLY_READ}: {illegible:,} of {len(found):,} places with text in a picture not legible")
        return words, sum(len(one.crops) > 1 for one in found)

    def _recognized(self, picture: Pixels, places: list[Any]) -> list[Recognized]:
        crops = self._engine.crop_text_regions(picture, places)
        results = self._recognize(crops)
        turned = self._upside_down(crops, [n for n, (_, sure) in enumerate(results) if sure < DOUBTFUL])
        both = {n: [crops[n], np.rot90(crops[n], 2)] for n in turned}
        for n, result in zip(turned, self._recognize([both[n][1] for n in turned]), strict=True):
            results[n] = max(results[n], result, key=lambda result: result[1])
        return [Recognized(both.get(n, [crops[n]]), *result) for n, result in enumerate(results)]

    def _upside_down(self, crops: list[Any], doubtful: list[int]) -> list[int]:
        """Return which of the doubtful crops the angle classifier takes for upside down."""
        if not doubtful:
            return []
        angles = self._engine.cls_and_rotate([crops[n] for n in doubtful])[1].cls_res
        return [n for n, (angle, _) in zip(doubtful, angles, strict=True) if "180" in angle]

    def _recognize(self, crops: list[Any]) -> list[tuple[str, float]]:
        if not crops:
            return []
        found = self._engine.recognize_txt(crops)
        return [(" ".join(text.split()), float(sure)) for text, sure in zip(found.txts, found.scores, strict=True)]


def is_text(line: Line) -> bool:
    """Whether a line has a word of two or more letters or digits, and is long or sure."""
    words = re.findall(r"[^\W_]+", line.text)
    long = sum(map(len, words)) >= _SHORT or line.confidence >= _SHORT_CONFIDENCE
    return long and max(map(len, words), default=0) > 1


def _is_tall(place: Any) -> bool:
    width, height = np.ptp(place, axis=0)
    return bool(height > 1.5 * width)


def _line(place: Any, text: str, sure: float) -> Line:
    (left, top), (right, bottom) = place.min(axis=0).tolist(), place.max(axis=0).tolist()
    return Line(text, left, top, right, bottom, sure)


def _heights(places: Any) -> Any:
    """The heights of the lines of text: the shorter sides of their places."""
    return _sides(places).min(axis=1)


def batch_size(places: Any) -> int:
    """Return how many of the first places are recognized together, at least one."""
    sides = _sides(places)
    lengths = np.cumsum(sides.max(axis=1) / np.maximum(sides.min(axis=1), 1.0))
    return max(1, int(np.searchsorted(lengths, _BATCH_LENGTH, side="right")))


def _sides(places: Any) -> Any:
    """Two sides of places, (n, 2), in pixels."""
    return np.linalg.norm(places - np.roll(places, 1, axis=1), axis=2)[:, :2]


def _reading(line: Line, width: int, height: int) -> Reading:
    box = Region(
        line.left / width,
        line.top / height,
        (line.right - line.left) / width,
        line.height / height,
        relative=True,
    )
    return Reading("ocr", line.text, None, None, box, line.confidence)
