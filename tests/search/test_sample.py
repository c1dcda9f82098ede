"""The sample of a collection: uniform, the same for everybody, and up to date."""

from collections.abc import Iterator

import numpy as np

from omnisearch.search.sample import RECOUNT_SECONDS, SIZE, Sample
from omnisearch.stores.base import Filter, Payload, Point
from omnisearch.stores.ids import point_id
from omnisearch.types import Modality, Segment

DIM = 8


class Memory:
    """The two questions that a sample asks of a store; it gives points in order of id, as every store does."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.scrolls = 0

    def add(self, start: int, stop: int) -> None:
        for n in range(start, stop):
            payload = Payload(f"{n:032x}", Modality.IMAGE, "/x")
            self.points.append(Point(point_id(payload.item_id, Segment()), np.full(DIM, n, np.float32), payload))

    def count(self, chosen: Filter) -> int:
        assert chosen.modalities == (Modality.IMAGE,)
        return len(self.points)

    def scroll(self, chosen: Filter, with_vectors: bool) -> Iterator[Point]:
        assert with_vectors
        self.scrolls += 1
        yield from sorted(self.points, key=lambda point: point.id)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def sample(memory: Memory, clock: Clock) -> Sample:
    return Sample(memory, Modality.IMAGE, DIM, clock)  # type: ignore[arg-type]


def numbers(rows: np.ndarray) -> set[float]:
    return set(rows[:, 0].tolist())


def test_it_is_a_uniform_sample_whatever_the_order_of_arrival() -> None:
    memory = Memory()
    memory.add(0, 4 * SIZE)
    rows = sample(memory, Clock()).rows()
    assert rows.shape == (SIZE, DIM)
    # The mean of SIZE of the numbers below 4 SIZE: its standard error is 4 SIZE / sqrt(12 SIZE); five of them.
    assert abs(rows[:, 0].mean() - 2 * SIZE) < 5 * 4 * SIZE / np.sqrt(12 * SIZE)


def test_a_running_process_and_a_new_one_have_the_same() -> None:
    memory, clock = Memory(), Clock()
    memory.add(0, SIZE)
    running = sample(memory, clock)
    assert numbers(running.rows()) == set(range(SIZE))
    memory.add(SIZE, 3 * SIZE)
    clock.now += RECOUNT_SECONDS
    assert numbers(running.rows()) == numbers(sample(memory, clock).rows()) != set(range(SIZE))


def test_a_collection_that_stays_is_read_once() -> None:
    memory, clock = Memory(), Clock()
    memory.add(0, 20)
    asked = sample(memory, clock)
    for _ in range(3):
        asked.rows()
        clock.now += RECOUNT_SECONDS
    assert memory.scrolls == 1


def test_an_empty_collection_gives_no_rows_and_one_that_was_emptied_too() -> None:
    memory, clock = Memory(), Clock()
    asked = sample(memory, clock)
    assert asked.rows().shape == (0, DIM)
    memory.add(0, 3)
    clock.now += RECOUNT_SECONDS
    assert asked.rows().shape == (3, DIM)
    memory.points.clear()
    clock.now += RECOUNT_SECONDS
    assert asked.rows().shape == (0, DIM)
