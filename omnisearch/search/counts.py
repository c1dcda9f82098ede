"""Counts of items: how many there are, of what kinds, from which years, and in which folders.

A survey reads at most SAMPLE items. They are the first by the ids of their points, which are hashes, so they are a
uniform sample: the part of all ids that was read says how far to scale their counts up.
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
STEP = 256  # what searches wait for meanwhile: 35 ms or less
ID_SPACE = 1 << 128

Facet: TypeAlias = Literal["modality", "mime", "year", "folder"]


@dataclass(frozen=True)
class ItemCounts:
    """`items` of the selection, in all `size` bytes, of which `partly_read` have notes on how they were read.

    `facets` count items by value. A year is that of `mtime` in local time, as in the condition `mtime:2024`; an item
    without a time has none. A folder counts what lies anywhere below it, as the condition `path:FOLDER` does, and the
    folders above all items are left out. Unless the survey is `exact`, all numbers are estimates.
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
    """Count items that are this share of a selection."""

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
    """How many items and segments of each modality an index has, and the times of the oldest and the newest item."""

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
    """The year of a time; empty where there is none, or none that a calendar has."""
    try:
        return str(datetime.fromtimestamp(mtime).year) if mtime else ""
    except (ValueError, OverflowError, OSError):
        return ""


def _folders(paths: Iterable[str]) -> Mapping[str, int]:
    """Count items in each folder and in those above it, up to the deepest one that holds all."""
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
