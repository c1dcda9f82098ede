"""Text that is seen in several frames of a video in a row: one reading from its first frame to its last."""

from collections.abc import Iterable
from dataclasses import replace
from difflib import SequenceMatcher

from omnisearch.types import Reading, Region

# A text goes on if its box has this much in common with the one before (intersection over union), and its letters too.
_SAME_PLACE, _SAME_TEXT = 0.5, 0.7


class ShownText:
    """The readings of the last frame, which the next one may continue."""

    def __init__(self) -> None:
        self._open: list[Reading] = []

    def next_frame(self, readings: Iterable[Reading]) -> list[Reading]:
        """Add the readings of a frame, all with the same start and end. Returns those that it does not continue."""
        continued: list[Reading] = []
        ended = self._open
        for reading in readings:
            before = next((old for old in ended if _continues(old, reading)), None)
            if before is not None:
                ended = [old for old in ended if old is not before]
                best = max(before, reading, key=lambda one: one.confidence)
                reading = replace(best, start=before.start, end=reading.end)
            continued.append(reading)
        self._open = continued
        return ended

    def end(self) -> list[Reading]:
        """Return the readings of the last frame."""
        return self.next_frame(())


def _continues(before: Reading, after: Reading) -> bool:
    if before.end != after.start or before.box is None or after.box is None:
        return False
    if _shared(before.box, after.box) < _SAME_PLACE:
        return False
    return before.text == after.text or SequenceMatcher(None, before.text, after.text).ratio() >= _SAME_TEXT


def _shared(one: Region, other: Region) -> float:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(across, 0.0) * max(down, 0.0)
    either = one.width * one.height + other.width * other.height - both
    return both / either if either > 0 else 0.0
