"""A cache of what a client has read of points, valid until their collection is written.

The worker identifies the state of a collection by a version, which every write changes. So lookups return only ids and
scores: most points of a result were already read for earlier results.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from omnisearch.stores.place import Place
from omnisearch.types import Floats

# The most bytes of ranked points and of payloads, and the bytes of a point beside its vectors, and of a payload.
POINTS_BYTES, PAYLOADS_BYTES = 96 << 20, 32 << 20
POINT_BYTES, PAYLOAD_BYTES = 768, 1536

K = TypeVar("K", bound=bytes | str)
V = TypeVar("V")


class RankedPoint(NamedTuple):
    """What ranking needs of a point: its `vector` (dim,), and its `text_vector` (dim,) if it has one."""

    id: str
    place: Place
    vector: Floats
    text_vector: Floats | None


class PointCache(Generic[K, V]):
    """The most recently used points of one collection, or parts of them. Safe to use from several threads.

    `fetch` reads points by their ids; it returns their version, and those of the points that exist.
    """

    def __init__(self, fetch: Callable[[Sequence[K]], tuple[str, Mapping[K, V]]], most: int) -> None:
        self._fetch, self._most = fetch, most
        self._points: OrderedDict[K, V] = OrderedDict()
        self._version = ""
        self._lock = threading.Lock()

    def get(self, version: str, ids: Iterable[K]) -> Mapping[K, V]:
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

    def _keep(self, version: str, points: Mapping[K, V]) -> None:
        with self._lock:
            if version == self._version:
                self._points.update(points)
                while len(self._points) > self._most:
                    self._points.popitem(last=False)


def room(dim: int) -> int:
    """Return how many ranked points of `dim` dimensions are kept."""
    return POINTS_BYTES // (POINT_BYTES + 4 * dim)
