"""A sample of a collection: what a query scores by chance in it."""

import time
from collections.abc import Callable
from itertools import islice

import numpy as np

from omnisearch.stores.base import Filter, VectorStore
from omnisearch.types import Floats, Modality

SIZE = 512
# A collection that is being written is counted this often, and read again where its number of points has changed.
RECOUNT_SECONDS = 5.0


class Sample:
    """Up to SIZE vectors of one modality: those of the smallest ids.

    Ids are hashes, so these are a uniform sample of whatever the collection holds, the same for every process that
    asks and after every restart, and it stays one while points come and go. So nothing has to be kept beside them.
    `count` is how many there were when they were last counted.
    """

    def __init__(
        self, store: VectorStore, modality: Modality, dim: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._chosen, self._clock = store, Filter(modalities=(modality,)), clock
        self._rows: Floats = np.empty((0, dim), np.float32)
        self.count = 0
        self._counted = -RECOUNT_SECONDS

    def rows(self) -> Floats:
        """Return the sample (n, dim), read anew where the collection has changed."""
        if self._clock() - self._counted >= RECOUNT_SECONDS:
            count = self._store.count(self._chosen)
            if count != self.count:
                points = islice(self._store.scroll(self._chosen, with_vectors=True), SIZE)
                self._rows = np.stack([point.vector for point in points]) if count else self._rows[:0]
                self.count = count
            self._counted = self._clock()
        return self._rows
