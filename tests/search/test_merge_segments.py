"""Merging segments into moments."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.search.present.merge_segments import merge_segments
from omnisearch.types import Segment

# Starts and lengths on a grid of halves, which floats hold exactly.
spans = st.tuples(st.integers(0, 60), st.integers(1, 12), st.floats(-5, 5))
lists = st.lists(spans, max_size=12)


def segments(drawn: list[tuple[int, int, float]]) -> list[tuple[Segment, float]]:
    return [(Segment(i, s / 2, (s + n) / 2, "seconds"), v) for i, (s, n, v) in enumerate(drawn)]


def cells(found: list[tuple[Segment, float]]) -> np.ndarray:
    """Which half seconds are covered, the slow way."""
    covered = np.zeros(200, bool)
    for segment, _ in found:
        assert segment.start is not None
        assert segment.end is not None
        covered[int(segment.start * 2) : int(segment.end * 2)] = True
    return covered


@given(lists)
def test_the_same_time_is_covered_and_nothing_touches_any_more(drawn: list[tuple[int, int, float]]) -> None:
    found = merge_segments(segments(drawn))
    assert (cells(found) == cells(segments(drawn))).all()
    ends = sorted((s.start, s.end) for s, _ in found if s.start is not None and s.end is not None)
    assert all(end < start for (_, end), (start, _) in pairwise(ends))


@given(lists)
def test_each_moment_has_the_value_and_the_index_of_its_best_part(drawn: list[tuple[int, int, float]]) -> None:
    parts = segments(drawn)
    for moment, value in merge_segments(parts):
        assert moment.start is not None
        assert moment.end is not None
        inside = [(p, v) for p, v in parts if p.start is not None and moment.start <= p.start < moment.end]
        assert value == max(v for _, v in inside)
        assert (parts[moment.index][0], value) in inside


@given(lists, st.randoms(use_true_random=False))
def test_order_changes_nothing_and_the_best_is_first(drawn: list[tuple[int, int, float]], random: object) -> None:
    parts = segments([(s, n, v + i / 7) for i, (s, n, v) in enumerate(drawn)])
    mixed = list(parts)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert merge_segments(mixed) == merge_segments(parts)
    values = [v for _, v in merge_segments(parts)]
    assert values == sorted(values, reverse=True)


def test_a_merged_segment_has_the_name_of_its_first_part() -> None:
    parts = [(Segment(i, 10.0 * i, 10.0 * i + 12, "characters", f"page {i}"), float(i)) for i in range(1, 4)]
    assert merge_segments(parts) == [(Segment(3, 10.0, 42.0, "characters", "page 1"), 3.0)]


def test_a_whole_item_stands_for_itself() -> None:
    assert merge_segments([(Segment(), 0.4)]) == [(Segment(), 0.4)]
