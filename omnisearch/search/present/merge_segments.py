"""Merge the segments of one item that touch or overlap."""

from collections.abc import Iterable
from dataclasses import replace

from omnisearch.types import Segment

# Starts and ends are sums of floats: a smaller gap is rounding.
TOUCH = 1e-6


def merge_segments(found: Iterable[tuple[Segment, float]]) -> list[tuple[Segment, float]]:
    """Merge segments of one item, each with its value, that touch or overlap. Returns the best first.

    A merged segment extends from the first start to the last end and has the name of the first; its value and its index
    are those of the best part.
    A segment without bounds is the whole item and is returned unchanged.
    """
    whole: list[tuple[Segment, float]] = []
    bounded: list[tuple[float, float, Segment, float]] = []
    for segment, value in found:
        if segment.start is None or segment.end is None:
            whole.append((segment, value))
        else:
            bounded.append((segment.start, segment.end, segment, value))
    joined: list[tuple[Segment, float]] = []
    reached = 0.0
    for start, end, segment, value in sorted(bounded, key=lambda each: each[:2]):
        if joined and start <= reached + TOUCH:
            before, best = joined[-1]
            reached = max(reached, end)
            index = segment.index if value > best else before.index
            joined[-1] = replace(before, index=index, end=reached), max(value, best)
        else:
            reached = end
            joined.append((segment, value))
    return sorted(whole + joined, key=lambda each: (-each[1], each[0].index))
