"""Distribute the readings of an item among its segments."""

from collections.abc import Sequence
from dataclasses import replace

from omnisearch.notes import PARTLY_READ
from omnisearch.stores.base import Point
from omnisearch.stores.validation import MAX_READINGS, MAX_TEXT
from omnisearch.types import Reading, Segment


def by_segment(
    readings: Sequence[Reading], points: Sequence[Point], notes: list[str]
) -> dict[str, tuple[Reading, ...]]:
    """Return the readings of each point of an item, by id; a reading belongs to the segment that shares most of it.

    Segments overlap, so of those that contain a reading the one is chosen in which it lies nearest to the middle. A
    segment keeps as many readings as a store can hold; a note says how many were left out.
    """
    found: dict[str, list[Reading]] = {point.id: [] for point in points}
    for reading in readings:
        nearest = min(points, key=lambda point: _distance(reading, point.payload.segment))
        found[nearest.id].append(reading)
    kept = {id_: _bounded(each) for id_, each in found.items()}
    if left := len(readings) - sum(map(len, kept.values())):
        notes.append(f"{PARTLY_READ}: {left:,} of {len(readings):,} lines of its text were left out")
    return kept


def before_end(readings: Sequence[Reading], duration: float | None, notes: list[str]) -> list[Reading]:
    """Return the readings that begin before the end of an item, cut at its end; the times of subtitles may be wrong."""
    if duration is None:
        return list(readings)
    kept = [reading for reading in readings if reading.start is None or reading.start < duration]
    if left := len(readings) - len(kept):
        notes.append(f"{PARTLY_READ}: {left:,} of {len(readings):,} lines of its text begin after its end")
    return [one if one.end is None or one.end <= duration else replace(one, end=duration) for one in kept]


def _distance(reading: Reading, segment: Segment) -> tuple[float, float]:
    """Return the seconds that lie outside of a segment, and those between the middles."""
    if segment.start is None or segment.end is None or reading.start is None:
        return 0.0, 0.0
    end = reading.start if reading.end is None else reading.end
    outside = (end - reading.start) - max(0.0, min(end, segment.end) - max(reading.start, segment.start))
    return outside, abs((reading.start + end) - (segment.start + segment.end))


def _bounded(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    room, kept = MAX_TEXT, []
    for reading in readings[:MAX_READINGS]:
        room -= len(reading.text) + 1
        if room < 0:
            break
        kept.append(reading)
    return tuple(kept)
