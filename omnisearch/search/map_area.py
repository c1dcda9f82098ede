"""The items in an area of the map that is stored beside an index."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import NotFoundError
from omnisearch.query.area import Area
from omnisearch.search.map import MAP_FILE, Map, read_map
from omnisearch.types import Floats

_Stamp: TypeAlias = tuple[int, int, int]


class KeptMap:
    """The map of a collection, which is read again when its file has changed. Safe to use from several threads."""

    def __init__(self, index_dir: Path, collection: str) -> None:
        self._index_dir, self._collection = index_dir, collection
        self._known: tuple[_Stamp, Map | None] | None = None

    def inside(self, area: Area) -> tuple[str, ...] | None:
        """Return the ids of the items in an area, sorted; None if the area has no corners.

        Raises:
            NotFoundError: there is no map.
        """
        if not area:
            return None
        kept = self._read()
        if kept is None:
            raise no_map(self._collection)
        places = np.array([(point.x, point.y) for point in kept.points], np.float32).reshape(-1, 2)
        within = is_inside(area, places)
        return tuple(sorted(point.id for point, each in zip(kept.points, within, strict=True) if each))

    def _read(self) -> Map | None:
        try:
            found = (self._index_dir / MAP_FILE).stat()
        except OSError:
            return None
        stamp = found.st_mtime_ns, found.st_size, found.st_ino
        known = self._known
        if known is None or known[0] != stamp:
            known = self._known = stamp, read_map(self._index_dir)
        return known[1]


def no_map(collection: str) -> NotFoundError:
    """Return the error for a collection without a map; it says how to make one."""
    return NotFoundError(
        f'there is no map of the collection {collection!r}: POST {{"kind": "map"}} to /v1/jobs?collection={collection}'
    )


def is_inside(area: Area, places: Floats) -> NDArray[np.bool_]:
    """Return whether each of the places (n, 2) is inside a polygon, by the even-odd rule: (n,)."""
    corners = np.array(area, np.float64)
    x, y = places.T.astype(np.float64)
    found = np.zeros(len(places), bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if ay != by:
            # A ray from the place to the right crosses this side.
            found ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return found
