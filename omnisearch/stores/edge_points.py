"""A cache of points or payloads that a client has read, valid until their collection is written.

The worker identifies the state of a collection by a version, which every write changes. So lookups return only ids and
scores: most points of a result were already read for earlier results.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from omnisearch.stores.place import Place
from omnisearch.types import Floats

POINTS_BYTES, PAYLOADS_BYTES = 96 << 20, 32 << 20  # the sizes of the two caches
POINT_BYTES, PAYLOAD_BYTES = 768, 1536  # of a ranked point beside its vectors, and of a payload

K = TypeVar("K", bound=bytes | str)
V = TypeVar("V")


class RankedPoint(NamedTuple):
    """The parts of a point that ranking needs: its place, `vector` (dim,), and `text_vector` (dim,) if it has one."""

    id: str
    place: Place
    vector: Floats
    text_vector: Floats | None


class PointCache(Generic[K, V]):
    """The most recently used points of one collection, or their payloads. Safe to use from several threads.

    `fetch` reads them by their ids; it returns the version of the collection, and those that exist, by id. It
    keeps at most `most`.
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
