"""Stretches of voice in a sound, joined without the pauses between them, and the way back to their times."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from omnisearch.media.material.wanted import RATE
from omnisearch.types import Floats

# Whisper rounds the times of sentences, and it hears no pauses. An edge this near to a joint is moved to it.
_NEAR = 1.5  # seconds


class Voiced:
    """The voice in a sound that starts at `offset` seconds; `stretches` are (first, last + 1) samples in order."""

    def __init__(self, sound: Floats, stretches: Sequence[tuple[int, int]], offset: float) -> None:
        self.samples: Floats = np.concatenate([sound[start:end] for start, end in stretches])
        self._starts = [offset + start / RATE for start, _ in stretches]
        self._joints = [0.0, *accumulate((end - start) / RATE for start, end in stretches)]

    def times(self, start: float, end: float) -> tuple[float, float]:
        """Return when the part from `start` to `end` seconds of the joined voice is heard in the sound."""
        middle = (start + end) / 2
        first = self._at(middle)
        while first > 0 and self._joints[first] - start > _NEAR:
            first -= 1
        last = self._at(middle)
        while last + 2 < len(self._joints) and end - self._joints[last + 1] > _NEAR:
            last += 1
        return self._original(max(start, self._joints[first]), first), self._original(end, last)

    def _at(self, time: float) -> int:
        """The number of the stretch that is heard at a time of the joined voice."""
        return min(max(bisect_right(self._joints, time) - 1, 0), len(self._starts) - 1)

    def _original(self, time: float, number: int) -> float:
        inside = min(time, self._joints[number + 1]) - self._joints[number]
        return self._starts[number] + max(inside, 0.0)
