"""Recognize a line of text with Tesseract and one of its models."""

import re
import unicodedata
from pathlib import Path
from typing import Any

_HEIGHT = 48  # pixels, for which the models were trained (36) with a margin
_LONGEST = 200  # heights; longer lines are not read
_EDGES = re.compile(r"^(?:[\W_]+ )+|(?: [\W_]+)+$|^[\W_]+$")  # marks beside the text: bullets, borders


class Tesseract:
    """Reads lines with a model file, which is loaded with the first one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._loaded: Any = None

    def read(self, crop: Any) -> tuple[str, float]:
        """Return the text of a line, uint8 (height, width, 3), in logical order, and its confidence in [0, 1]."""
        import cv2

        height, width = crop.shape[:2]
        if width > _LONGEST * height:
            return "", 0.0
        scale = _HEIGHT / height
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        wide = max(1, round(width * scale))
        gray = cv2.cvtColor(cv2.resize(crop, (wide, _HEIGHT), interpolation=how), cv2.COLOR_BGR2GRAY)
        engine = self._engine
        engine.SetImageBytes(gray.tobytes(), wide, _HEIGHT, 1, wide)
        engine.SetSourceResolution(300)
        return clean(engine.GetUTF8Text()), engine.MeanTextConf() / 100

    @property
    def _engine(self) -> Any:
        if self._loaded is None:
            from tesserocr import OEM, PSM, PyTessBaseAPI

            # RAW_LINE: the crop is one line, and is not looked through for lines and words again.
            self._loaded = PyTessBaseAPI(
                path=str(self._path.parent), lang=self._path.stem, psm=PSM.RAW_LINE, oem=OEM.LSTM_ONLY
            )
        return self._loaded


def clean(text: str) -> str:
    """Remove the marks of direction, which are in texts from right to left, and signs that stand alone at the ends."""
    shown = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return _EDGES.sub("", " ".join(shown.split()))
