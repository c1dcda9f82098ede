"""Counts of items: how many there are, of what kinds, years, places, cameras and languages, and in which folders.

The counts are those of a sample, divided by the share of the range of ids that was read.
"""

import posixpath
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from omnisearch.query.dates import local_day
from omnisearch.search.item_list import Selection
from omnisearch.search.item_sample import read_sample
from omnisearch.stores.base import FIRST, Filter, Order, Payload, VectorStore
from omnisearch.types import Modality

Facet: TypeAlias = Literal["modality", "mime", "year", "place", "camera", "language", "folder"]


@dataclass(frozen=True)
class ItemCounts:
    """The number of `items` of a selection, and their `size` in bytes. `partly_read` of them were read in part.

    `facets` count items by value. The year is that of `date` in local time, as in the condition `date:2024`; items
    without a time have no year. A town, a region and a country count as a place each. The languages are that of a file
    and those of what was read in it. A folder counts all items below it at any depth, as the condition `path:FOLDER`
    does; folders that contain all items are left out. Unless `exact` is
    true, all numbers are estimates.
    """

    items: int
    exact: bool
    size: int
    partly_read: int
    facets: Mapping[Facet, Mapping[str, int]]


def count_items(store: VectorStore, chosen: Selection) -> ItemCounts:
    """Count the items of a selection."""
    return tally(*read_sample(store, chosen.filter))


def tally(found: Sequence[Payload], share: float = 1.0) -> ItemCounts:
    """Count items that are a `share` of a selection, and scale the counts up to the selection."""

    def scaled(count: int) -> int:
        return round(count / share)

    years = (year for payload in found if (year := _year(payload.date)))
    counted: Mapping[Facet, Mapping[str, int]] = {
        "modality": Counter(str(payload.modality) for payload in found),
        "mime": Counter(payload.mime for payload in found if payload.mime),
        "year": Counter(years),
        "place": Counter(name for payload in found for name in place_names(payload.metadata.place)),
        "camera": Counter(payload.metadata.camera for payload in found if payload.metadata.camera),
        "language": Counter(code for payload in found for code in _languages(payload)),
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


def place_names(place: str) -> Iterable[str]:
    """Return the names in a place, each once: a town, a region and a country."""
    return dict.fromkeys(place.split(", ")) if place else ()


def _languages(payload: Payload) -> Iterable[str]:
    return dict.fromkeys(code for code in (payload.metadata.language, *payload.languages) if code)


def _first(store: VectorStore, order: Order) -> float | None:
    page = store.page(Filter(segments=FIRST), order, None, 1)
    return page.points[0].payload.mtime if page.points else None


def _year(date: float) -> str:
    """Return the year of a time in seconds; "" if there is no time, or if no calendar date has it."""
    day = local_day(date) if date else None
    return str(day.year) if day else ""


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
