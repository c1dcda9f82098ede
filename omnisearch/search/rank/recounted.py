"""Numbers of a store that are counted at most every few seconds, because counting takes a call of the store."""

import time
from collections.abc import Callable

RECOUNT_SECONDS = 5.0


class Recounted:
    """A number that is counted again when it is asked for and its last count is RECOUNT_SECONDS old."""

    def __init__(self, count: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._count, self._clock = count, clock
        self._counted, self._number = -RECOUNT_SECONDS, 0

    def __call__(self) -> int:
        """Return the number."""
        if self._clock() - self._counted >= RECOUNT_SECONDS:
            self._number, self._counted = self._count(), self._clock()
        return self._number
