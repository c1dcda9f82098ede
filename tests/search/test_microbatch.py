"""Micro-batching: who is answered together, in which order, and what an error does."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from omnisearch.search.microbatch import MicroBatcher

PATIENCE_SECONDS = 60


class Doubling:
    """Doubles numbers; the first batch ends when `go` is set."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.began, self.go = threading.Event(), threading.Event()

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.began.set()
        assert self.go.wait(PATIENCE_SECONDS)
        if any(number < 0 for number in numbers):
            raise ValueError(f"{min(numbers)} is negative")
        return [2 * number for number in numbers]


def waiting(batcher: MicroBatcher[int, int], count: int) -> None:
    while len(batcher._waiting) < count:
        sleep(0.001)


def test_a_question_alone_is_answered_at_once() -> None:
    doubling = Doubling()
    doubling.go.set()
    batcher = MicroBatcher(doubling, 4)
    assert [batcher.ask(1), batcher.ask(2)] == [2, 4]
    assert doubling.batches == [[1], [2]]


def test_what_arrives_while_a_batch_runs_is_the_next_batch_in_order() -> None:
    doubling = Doubling()
    batcher = MicroBatcher(doubling, 3)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(batcher.ask, 0)]
        assert doubling.began.wait(PATIENCE_SECONDS)
        for number in range(1, 6):
            asked.append(pool.submit(batcher.ask, number))
            waiting(batcher, number)
        doubling.go.set()
        assert [one.result(PATIENCE_SECONDS) for one in asked] == [0, 2, 4, 6, 8, 10]
    assert doubling.batches == [[0], [1, 2, 3], [4, 5]]


def test_an_error_is_raised_for_its_batch_and_the_next_one_is_answered() -> None:
    doubling = Doubling()
    batcher = MicroBatcher(doubling, 2)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(batcher.ask, -1)
        assert doubling.began.wait(PATIENCE_SECONDS)
        asked = []
        for count, number in enumerate((-2, 3, 4), 1):
            asked.append(pool.submit(batcher.ask, number))
            waiting(batcher, count)
        doubling.go.set()
        for wrong in (first, *asked[:2]):
            with pytest.raises(ValueError, match="is negative"):
                wrong.result(PATIENCE_SECONDS)
        assert asked[2].result(PATIENCE_SECONDS) == 8
    assert batcher.ask(5) == 10


def test_many_threads_get_their_own_answers() -> None:
    doubling = Doubling()
    doubling.go.set()
    batcher = MicroBatcher(doubling, 5)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(batcher.ask, range(2000))) == [2 * number for number in range(2000)]
    assert sum(map(len, doubling.batches)) == 2000
    assert max(map(len, doubling.batches)) <= 5
