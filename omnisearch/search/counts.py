"""Counts of items: how many there are, of what kinds, from which years, and in which folders.

At most SAMPLE items are read: the first by the ids of their points. The ids are hashes, so these items are a uniform
sample, and their counts are divided by the share of the range of ids that was read.
"""

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from omnisearch.search.item_list import Selection
from omnisearch.stores.base import FIRST, Filter, Mark, Order, Payload, VectorStore
from omnisearch.types import Modality

SAMPLE = 10_000
STEP = 256  # points per call of the store: searches wait for one call, 35 ms or less
ID_SPACE = 1 << 128

Facet: TypeAlias = Literal["modality", "mime", "year", "folder"]


@dataclass(frozen=True)
class ItemCounts:
    """The number of `items` of a selection, and their `size` in bytes. `partly_read` of them were read in part.

    `facets` count items by value. The year is that of `mtime` in local time, as in the condition `mtime:2024`; items
    without a time have no year. A folder counts all items below it at any depth, as the condition `path:FOLDER` does;
    folders that contain all items are left out. Unless `exact` is true, all numbers are estimates.
    """

    items: int
    exact: bool
    size: int
    partly_read: int
    facets: Mapping[Facet, Mapping[str, int]]


def count_items(store: VectorStore, chosen: Selection) -> ItemCounts:
    """Count the items of a selection."""
    found, end = _read(store, chosen.filter)
    return tally(found, 1.0 if end is None else (UUID(end.id).int + 1) / ID_SPACE)


def tally(found: Sequence[Payload], share: float = 1.0) -> ItemCounts:
    """Count items that are a `share` of a selection, and scale the counts up to the selection."""

    def scaled(count: int) -> int:
        return round(count / share)

    years = (year for payload in found if (year := _year(payload.mtime)))
    counted: Mapping[Facet, Mapping[str, int]] = {
        "modality": Counter(str(payload.modality) for payload in found),
        "mime": Counter(payload.mime for payload in found if payload.mime),
        "year": Counter(years),
        "folder": _folders(payload.path for payload in found),
    }
    return ItemCounts(
        scaled(len(found)),
        share == 1.0,
        scaled(sum(payload.size for payload in found)),
        scaled(sum(bool(payload.notes) for payload in found)),
        {facet: {value: scaled(count) for value, count in counts.items()} for facet, counts in counted.items()},
    )


@dataclass(frozen=True)
class Totals:
    """The items and segments of each modality in an index, and the times of the oldest and the newest item."""

    items: Mapping[Modality, int]
    segments: Mapping[Modality, int]
    oldest: float | None
    newest: float | None


def totals(store: VectorStore, modalities: Iterable[Modality]) -> Totals:
    """Count an index exactly, without reading its items."""
    kinds = tuple(modalities)
    return Totals(
        {m: store.count(Filter(modalities=(m,), segments=FIRST)) for m in kinds},
        {m: store.count(Filter(modalities=(m,))) for m in kinds},
        _first(store, Order("mtime")),
        _first(store, Order("mtime", descending=True)),
    )


def _read(store: VectorStore, chosen: Filter) -> tuple[list[Payload], Mark | None]:
    """Return the items of a sample, and its end if there are more."""
    found: list[Payload] = []
    after: Mark | None = None
    for at in range(0, SAMPLE, STEP):
        page = store.page(chosen, Order(), after, min(STEP, SAMPLE - at))
        found += [point.payload for point in page.points]
        if (after := page.end) is None:
            break
    return found, after


def _first(store: VectorStore, order: Order) -> float | None:
    page = store.page(Filter(segments=FIRST), order, None, 1)
    return page.points[0].payload.mtime if page.points else None


def _year(mtime: float) -> str:
    """Return the year of a time in seconds; "" if there is no time, or if no calendar date has it."""
    try:
        return str(datetime.fromtimestamp(mtime).year) if mtime else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _folders(paths: Iterable[str]) -> Mapping[str, int]:
    """Count the items below each folder, except for folders that contain all items."""
    within = Counter(posixpath.dirname(path) for path in paths)
    if not within:
        return {}
    top = posixpath.commonpath(within)
    found: Counter[str] = Counter()
    for folder, count in within.items():
        found[folder] += count
        while folder != top:
            folder = posixpath.dirname(folder)
            found[folder] += count
    return found
