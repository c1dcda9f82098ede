"""Which items form groups of near-duplicates, by vectors of a few numbers."""

from collections.abc import Sequence

import numpy as np
import pytest

from omnisearch.stores.base import Payload, Point
from omnisearch.types import Modality, Segment
from omnisearch_indexer import near_groups
from omnisearch_indexer.near_groups import ItemVectors, group_near

ALIKE = 0.98
Angles = Sequence[float]


def at(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], np.float32)


def grouped(
    items: Sequence[Angles], texts: Sequence[Sequence[float | None]] | None = None, lost: Sequence[int] = ()
) -> dict[int, list[int]]:
    """Group items, best first, each with the angles of its segments and of the texts in them."""
    points = [
        Point(
            f"{n}-{k}",
            3 * at(angle),  # of any length
            Payload(path="p", item_id=str(n), modality=Modality.IMAGE, segment=Segment(k), segments=len(angles)),
            None if texts is None or (read := texts[n][k]) is None else at(read),
        )
        for n, angles in enumerate(items)
        for k, angle in enumerate(angles)
        if (n, k) != tuple(lost)
    ]
    points.sort(key=lambda point: hash(point.id) % 97)  # the store has them in an order of its own
    with ItemVectors(2) as vectors:
        new = [vectors.add(point) for point in points]
        assert sum(new) == len(vectors.ids)
        vectors.close_rows()
        best_first = sorted(range(len(vectors.ids)), key=lambda n: int(vectors.ids[n]))
        found = group_near(vectors, best_first, ALIKE)
        return {int(vectors.ids[n]): sorted(int(vectors.ids[m]) for m, _ in near) for n, near in found.items()}


def test_items_join_the_best_one_that_is_near() -> None:
    assert grouped([[0], [90], [5], [180], [95]]) == {0: [2], 1: [4]}
    assert grouped([[0], [40], [80]]) == {}


def test_a_slow_drift_is_no_group() -> None:
    # 11 degrees have a cosine of 0.98. The item at 12 degrees is near that at 6, which is not kept.
    assert grouped([[0], [6], [12], [18]]) == {0: [1], 2: [3]}


def test_an_item_joins_the_nearest_one_that_is_kept() -> None:
    assert grouped([[0], [15], [9]]) == {1: [2]}


def test_all_segments_must_be_near_in_order() -> None:
    assert grouped([[0, 50], [3, 52]]) == {0: [1]}
    assert grouped([[0, 50], [3, 90]]) == {}
    assert grouped([[0, 50], [50, 0]]) == {}  # whose means are equal
    assert grouped([[0, 50], [0]]) == {}


def test_items_with_other_texts_are_no_duplicates() -> None:
    assert grouped([[0], [1]], texts=[[10], [12]]) == {0: [1]}
    assert grouped([[0], [1]], texts=[[10], [60]]) == {}
    assert grouped([[0], [1]], texts=[[10], [None]]) == {}


def test_an_incomplete_item_is_left_out() -> None:
    assert grouped([[0, 50], [0], [1]], lost=(0, 1)) == {1: [2]}


@pytest.mark.parametrize("block", [1, 3, 1000])
def test_blocks_do_not_change_the_groups(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    angles = np.random.default_rng(0).uniform(0, 360, 120)
    monkeypatch.setattr(near_groups, "BLOCK", block)
    monkeypatch.setattr(near_groups, "CHUNK", 2 * block)
    kept: dict[int, list[int]] = {}
    for n, angle in enumerate(angles):
        cosines = {m: np.cos(np.radians(angles[m] - angle)) for m in kept}
        nearest = max(cosines, key=lambda m: cosines[m], default=None)
        if nearest is not None and cosines[nearest] >= ALIKE:
            kept[nearest].append(n)
        else:
            kept[n] = []
    assert grouped([[angle] for angle in angles]) == {n: others for n, others in kept.items() if others}
