"""A map: positions of the items of a collection on a plane, where similar items of a modality are near each other.

It is made from a uniform sample of the items and stored beside the index.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from omnisearch.durable import replace_file
from omnisearch.errors import StoppedError
from omnisearch.search.pca import project_to_plane
from omnisearch.stores.base import FIRST, Filter, Point, VectorStore
from omnisearch.stores.validation import check_space
from omnisearch.types import Modality

MAP_FILE = "map.json"
SAMPLE = 5000  # the first by the ids of their points, which are hashes
REPORT_EVERY = 256
MAX_BYTES = 4 << 20
CHANGED = 0.02


@dataclass(frozen=True)
class MapPoint:
    """An item on the map; `x` and `y` are between -1 and 1."""

    id: str
    modality: Modality
    x: float
    y: float


@dataclass(frozen=True)
class Map:
    """The map of a collection that had `items` items when it was `made`, in seconds since 1970."""

    collection: str
    items: int
    made: float
    points: tuple[MapPoint, ...]

    @property
    def digest(self) -> str:
        """A hash of the content."""
        return hashlib.sha256(_written(self).encode()).hexdigest()[:32]


def make_map(store: VectorStore, stopped: Callable[[], bool], report: Callable[[int, int], None]) -> Map:
    """Map the items of a store. `report` is called with the number of items read and their total.

    Raises:
        StoppedError: `stopped()` became true.
    """
    items = store.count(Filter(segments=FIRST))
    sampled: list[Point] = []
    for point in store.scroll(Filter(segments=FIRST), with_vectors=True):
        if len(sampled) == SAMPLE:
            break
        if len(sampled) % REPORT_EVERY == 0:
            report(len(sampled), min(items, SAMPLE))
            if stopped():
                raise StoppedError("the map was not finished")
        sampled.append(point)
    report(len(sampled), len(sampled))
    rows = np.array([point.vector for point in sampled], np.float32).reshape(len(sampled), store.dim)
    flat = project_to_plane(rows, [point.payload.modality for point in sampled])
    points = (
        MapPoint(point.payload.item_id, point.payload.modality, round(float(x), 4), round(float(y), 4))
        for point, (x, y) in zip(sampled, flat, strict=True)
    )
    return Map(store.collection, items, time.time(), tuple(points))


def is_stale(kept: Map, store: VectorStore) -> bool:
    """Return whether items were added or removed since the map was made, or the collection was replaced."""
    return _changed(kept, store) > 0


def is_outdated(kept: Map | None, store: VectorStore) -> bool:
    """Return whether a map should be made again: there is none, or more than CHANGED of the items are others."""
    return kept is None or _changed(kept, store) > CHANGED


def _changed(kept: Map, store: VectorStore) -> float:
    """Return the share of the items that were added or removed since the map was made; 1 in another collection."""
    if kept.collection != store.collection:
        return 1.0
    ids = tuple(point.id for point in kept.points)
    gone = len(ids) - store.count(Filter(segments=FIRST, among=ids))
    more = abs(kept.items - store.count(Filter(segments=FIRST)))
    return max(more / max(kept.items, 1), gone / max(len(ids), 1))


def write_map(made: Map, index_dir: Path) -> None:
    """Store a map beside its index, replacing the previous map.

    Raises:
        StoreError: the disk is full.
    """
    check_space(index_dir)
    replace_file(index_dir / MAP_FILE, _written(made))


def read_map(index_dir: Path) -> Map | None:
    """Return the map that is stored beside an index; None if there is none, or if its file is damaged."""
    try:
        with (index_dir / MAP_FILE).open("rb") as file:
            row = json.loads(file.read(MAX_BYTES))
        points = tuple(MapPoint(str(id_), Modality(m), _within(x), _within(y)) for id_, m, x, y in row["points"])
        return Map(str(row["collection"]), int(row["items"]), float(row["made"]), points)
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def _written(made: Map) -> str:
    points = [[point.id, point.modality, point.x, point.y] for point in made.points]
    return json.dumps({"collection": made.collection, "items": made.items, "made": made.made, "points": points})


def _within(value: float) -> float:
    if not math.fabs(value) <= 1:
        raise ValueError(f"{value} lies outside of the map")
    return float(value)
