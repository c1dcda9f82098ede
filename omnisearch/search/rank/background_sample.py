"""The background sample of a collection: it estimates the scores of unrelated items for a query."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np

from omnisearch.search.rank.recounted import Recounted
from omnisearch.stores.base import Filter, Point, VectorStore
from omnisearch.types import Floats, Modality

SIZE = 512
# Points that are read to find SIZE distinct ones.
READ = 4 * SIZE
# Items with this cosine show the same scene: the frames of a burst, the takes of a recording.
SAME_SCENE = 0.95
# The most segments of one item in the sample.
OF_ONE_ITEM = 8


class BackgroundSample:
    """Up to SIZE distinct vectors of one modality: those of the smallest ids.

    Ids are hashes, so these are a uniform sample of the collection, the same in every process and after every restart,
    and nearly the same after points are added or removed. Nothing is stored besides the points. `count` is the last
    known number of points.
    """

    def __init__(
        self, store: VectorStore, modality: Modality, dim: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._chosen, self._dim = store, Filter(modalities=(modality,)), dim
        self._points = Recounted(lambda: store.count(self._chosen), clock)
        self._rows: Floats = np.empty((0, dim), np.float32)
        self.count = 0

    def rows(self) -> Floats:
        """Return the sample (n, dim). It is read again if the number of points has changed."""
        count = self._points()
        if count != self.count:
            self._rows = distinct(islice(self._store.scroll(self._chosen, with_vectors=True), READ), self._dim)
            self.count = count
        return self._rows


def distinct(points: Iterable[Point], dim: int) -> Floats:
    """Return the first SIZE vectors (n, dim) with cosines below SAME_SCENE, at most OF_ONE_ITEM of each item.

    Otherwise the scores of many copies would count as background, and the copies would be irrelevant to a query that
    matches them.
    """
    rows: Floats = np.empty((SIZE, dim), np.float32)
    taken: Counter[str] = Counter()
    count = 0
    for point in points:
        if len(point.vector) != dim:  # a damaged file of the engine, which `doctor` reports
            continue
        item = point.payload.item_id
        if taken[item] == OF_ONE_ITEM or (count and float((rows[:count] @ point.vector).max()) >= SAME_SCENE):
            continue
        rows[count] = point.vector
        taken[item] += 1
        count += 1
        if count == SIZE:
            break
    return rows[:count].copy()
