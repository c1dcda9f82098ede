"""A cache of the points that a client has read, valid until their collection is written.

The worker identifies the state of a collection by a version, which every write changes. So lookups return only ids and
scores: most points of a result were already read for earlier results.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from omnisearch.stores.base import Point

# The most bytes of points, and the bytes of a point beside its vectors.
KEPT_BYTES, POINT_BYTES = 128 << 20, 1536

# Reads points by the bytes of their ids; returns their version, and those of the points that exist.
Fetch: TypeAlias = Callable[[Sequence[bytes]], tuple[str, Mapping[bytes, Point]]]


class PointCache:
    """The most recently used points of one collection. Safe to use from several threads."""

    def __init__(self, fetch: Fetch, most: int) -> None:
        self._fetch, self._most = fetch, most
        self._points: OrderedDict[bytes, Point] = OrderedDict()
        self._version = ""
        self._lock = threading.Lock()

    def get(self, version: str, ids: Iterable[bytes]) -> Mapping[bytes, Point]:
        """Return the points of a version by id. Points that are not cached may be of a later version, or missing."""
        wanted = list(dict.fromkeys(ids))
        with self._lock:
            if version != self._version:
                self._points.clear()
                self._version = version
            found = {id_: self._points[id_] for id_ in wanted if id_ in self._points}
            for id_ in found:
                self._points.move_to_end(id_)
        missing = [id_ for id_ in wanted if id_ not in found]
        if missing:
            read_at, read = self._fetch(missing)
            self._keep(read_at, read)
            found.update(read)
        return found

    def _keep(self, version: str, points: Mapping[bytes, Point]) -> None:
        with self._lock:
            if version == self._version:
                self._points.update(points)
                while len(self._points) > self._most:
                    self._points.popitem(last=False)


def room(dim: int) -> int:
    """Return how many points of `dim` dimensions are kept."""
    return KEPT_BYTES // (POINT_BYTES + 4 * dim)
