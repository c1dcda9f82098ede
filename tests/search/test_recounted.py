"""A number of a store is counted again when its count is old, and seldomer if counting takes long."""

from collections.abc import Iterator
from itertools import count

from omnisearch.search.rank.recounted import MOST_COUNTING, RECOUNT_SECONDS, Recounted


class Clock:
    """A clock that a count moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def counted(clock: Clock, seconds: float) -> Recounted:
    """A number that grows by one with each count, which takes so many seconds."""
    numbers: Iterator[int] = count(1)

    def take() -> int:
        clock.now += seconds
        return next(numbers)

    return Recounted(take, clock)


def test_a_quick_count_is_old_after_a_fixed_time() -> None:
    clock = Clock()
    number = counted(clock, 0.001)
    assert number() == number() == 1
    clock.now += 0.99 * RECOUNT_SECONDS
    assert number() == 1
    clock.now += 0.01 * RECOUNT_SECONDS
    assert number() == 2


def test_a_slow_count_takes_a_small_share_of_the_time() -> None:
    clock = Clock()
    number = counted(clock, 1.0)
    assert number() == 1
    clock.now += 0.99 / MOST_COUNTING
    assert number() == 1
    clock.now += 0.01 / MOST_COUNTING
    assert number() == 2
