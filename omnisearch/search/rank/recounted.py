"""Numbers of a store that are counted at most every few seconds, because counting takes a call of the store."""

import time
from collections.abc import Callable

RECOUNT_SECONDS = 5.0
# Of the time. An engine reads all points for some counts: a million take up to a second.
MOST_COUNTING = 0.01


class Recounted:
    """A number that is counted again when it is asked for and its last count is old.

    A count is old after RECOUNT_SECONDS, or later if counting takes more than MOST_COUNTING of this time.
    """

    def __init__(self, count: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._count, self._clock = count, clock
        self._old_at, self._number = float("-inf"), 0

    def __call__(self) -> int:
        """Return the number."""
        begun = self._clock()
        if begun >= self._old_at:
            self._number, counted = self._count(), self._clock()
            self._old_at = counted + max(RECOUNT_SECONDS, (counted - begun) / MOST_COUNTING)
        return self._number
