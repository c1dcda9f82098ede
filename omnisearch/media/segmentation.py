"""Segmentation: cut long media into overlapping segments."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from omnisearch.types import Floats, Segment


@dataclass(frozen=True)
class Segmentation:
    """The length of a segment and its `overlap` with the next, both in seconds; for passages, both in characters."""

    seconds: float
    overlap: float
    characters: int
    character_overlap: int

    @property
    def hop(self) -> float:
        """Seconds from the start of a segment to the start of the next."""
        return self.seconds - self.overlap

    @property
    def slack(self) -> float:
        """A remainder of at most this many seconds is added to the last segment."""
        return self.hop / 4

    def time(self, index: int, end: float, last: bool) -> Segment:
        """The segment `index` that ends at `end` seconds; a single segment covers the whole file and has no bounds."""
        if index == 0 and last:
            return Segment()
        return Segment(index, index * self.hop, end, "seconds")


def cut_samples(blocks: Iterator[Floats], rate: int, cut: Segmentation) -> Iterator[tuple[Segment, Floats]]:
    """Cut a stream of mono samples at `rate` Hz into segments, holding little more than one segment in memory."""
    length, hop = round(cut.seconds * rate), round(cut.hop * rate)
    enough = length + round(cut.slack * rate)
    held: list[Floats] = []
    count = index = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        if count <= enough:
            continue
        samples = np.concatenate(held)
        while len(samples) > enough:
            yield _at(index, hop, length, rate), samples[:length].copy()
            samples, index = samples[hop:], index + 1
        held, count = [samples], len(samples)
    if count:
        yield (Segment() if index == 0 else _at(index, hop, count, rate)), np.concatenate(held)


def _at(index: int, hop: int, length: int, rate: int) -> Segment:
    return Segment(index, index * hop / rate, (index * hop + length) / rate, "seconds")
