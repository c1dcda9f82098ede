"""The sample of a collection: uniform over what is distinct, the same for everybody, and up to date."""

from collections.abc import Iterator

import numpy as np

from omnisearch.search.rank.background_sample import (
    OF_ONE_ITEM,
    READ,
    SAME_SCENE,
    SIZE,
    BackgroundSample,
)
from omnisearch.search.rank.recounted import RECOUNT_SECONDS
from omnisearch.stores.base import Filter, Payload, Point
from omnisearch.stores.ids import point_id
from omnisearch.types import Modality, Segment

DIM = 64


def direction(number: int) -> np.ndarray:
    """A unit vector of its own for each number."""
    row = np.random.default_rng(number).normal(size=DIM)
    return (row / np.linalg.norm(row)).astype(np.float32)


class Memory:
    """The two questions that a sample asks of a store; it gives points in order of id, as every store does."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.scrolls = self.given = 0

    def add(self, start: int, stop: int) -> None:
        for n in range(start, stop):
            self.put(f"{n:032x}", direction(n))

    def put(self, item: str, vector: np.ndarray, segment: Segment = Segment()) -> None:  # noqa: B008
        payload = Payload(item_id=item, modality=Modality.IMAGE, path="/x", segment=segment)
        self.points.append(Point(point_id(item, segment), vector, payload))

    def count(self, chosen: Filter) -> int:
        assert chosen.modalities == (Modality.IMAGE,)
        return len(self.points)

    def scroll(self, chosen: Filter, with_vectors: bool) -> Iterator[Point]:
        assert with_vectors
        self.scrolls += 1
        for point in sorted(self.points, key=lambda point: point.id):
            self.given += 1
            yield point


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def sample(memory: Memory, clock: Clock) -> BackgroundSample:
    return BackgroundSample(memory, Modality.IMAGE, DIM, clock)  # type: ignore[arg-type]


KNOWN = {direction(n).tobytes(): n for n in range(4 * SIZE)}


def numbers(rows: np.ndarray) -> set[int]:
    return {KNOWN[row.tobytes()] for row in rows}


def test_it_is_a_uniform_sample_whatever_the_order_of_arrival() -> None:
    memory = Memory()
    memory.add(0, 4 * SIZE)
    rows = sample(memory, Clock()).rows()
    assert rows.shape == (SIZE, DIM)
    # The mean of SIZE of the numbers below 4 SIZE: its standard error is 4 SIZE / sqrt(12 SIZE); five of them.
    assert abs(np.mean(list(numbers(rows))) - 2 * SIZE) < 5 * 4 * SIZE / np.sqrt(12 * SIZE)


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


def test_copies_and_frames_of_a_burst_count_once() -> None:
    """Most of the collection is one scene, and its frames are alike to each other, not to the rest."""
    memory = Memory()
    memory.add(0, 60)
    scene = direction(-1 % 2**32)
    for n in range(300):
        beside = direction(10_000 + n)
        beside -= (beside @ scene) * scene
        frame = np.sqrt(0.98) * scene + np.sqrt(0.02) * beside / np.linalg.norm(beside)
        memory.put(f"f{n}", frame.astype(np.float32))
    rows = sample(memory, Clock()).rows()
    likeness = rows @ rows.T - np.eye(len(rows))
    assert likeness.max() < SAME_SCENE
    assert len(rows) == 60 + 1


def test_a_long_item_is_a_small_part_of_it() -> None:
    memory = Memory()
    memory.add(0, 30)
    for n in range(400):
        memory.put("long", direction(5000 + n), Segment(n, n, n + 1, "seconds"))
    assert len(sample(memory, Clock()).rows()) == 30 + OF_ONE_ITEM


def test_no_more_is_read_than_needed_and_copies_cost_a_bounded_number_of_points() -> None:
    memory = Memory()
    memory.add(0, 2 * SIZE)
    sample(memory, Clock()).rows()
    assert memory.given == SIZE
    memory = Memory()
    for n in range(READ + 500):
        memory.put(f"c{n}", direction(1))
    assert len(sample(memory, Clock()).rows()) == 1
    assert memory.given == READ


def test_a_point_without_its_vector_is_left_out() -> None:
    store = Memory()
    store.add(0, 3)
    store.put("f" * 32, np.empty(0, np.float32))
    assert BackgroundSample(store, Modality.IMAGE, DIM).rows().shape == (3, DIM)  # type: ignore[arg-type]
