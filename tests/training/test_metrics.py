"""Ranks worked out by hand, chance against simulation, intervals against what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.types import Floats
from omnisearch_training.evaluate import metrics
from omnisearch_training.evaluate.metrics import KS, Ranking, chance, holders_of, recall


def rows(seed: int, n: int, dim: int = 16) -> Floats:
    drawn = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def ids(n: int) -> list[str]:
    return [f"item {i}" for i in range(n)]


def rank(queries: Floats, targets: Floats, query_groups: list[str], target_groups: list[str]) -> Ranking:
    """Rank by groups, every query having a right target."""
    holders = holders_of(target_groups)
    return metrics.rank(queries, targets, [holders[group] for group in query_groups], query_groups)


def ranked(ranks: list[int], groups: list[int] | None = None) -> Ranking:
    found = np.array(ranks)
    return Ranking(found, np.ones_like(found), np.arange(len(found)) if groups is None else np.array(groups), 100)


def test_ranks_by_hand() -> None:
    # One query along the first axis, so the scores of the targets are their first numbers.
    query = np.array([[1, 0]], np.float32)
    targets = np.array([[0.9, 0], [0.8, 0], [0.7, 0], [0.6, 0], [0.5, 0]], np.float32)
    cases = {
        ("x", "b", "c", "d", "e"): 1,
        ("a", "b", "x", "d", "e"): 3,
        ("a", "b", "x", "d", "x"): 3,  # the better of two right ones counts
        ("a", "x", "x", "x", "x"): 2,  # right ones do not stand in each other's way
        ("a", "b", "c", "d", "x"): 5,
    }
    for groups, expected in cases.items():
        assert rank(query, targets, ["x"], groups).ranks.tolist() == [expected]


def test_a_tie_counts_against_the_right_target() -> None:
    query = np.array([[1, 0]], np.float32)
    targets = np.array([[0.9, 0], [0.5, 1], [0.5, 2], [0.5, 3], [0.1, 0]], np.float32)
    assert rank(query, targets, ["x"], ["a", "x", "b", "c", "d"]).ranks.tolist() == [4]
    collapsed = np.ones((50, 4), np.float32)
    assert recall(collapsed, collapsed, ids(50), ids(50)).at[10] == 0


def test_a_perfect_model() -> None:
    items = rows(0, 40)
    found = recall(items, items, ids(40), ids(40))
    assert found.at == dict.fromkeys(KS, 100.0)
    assert found.interval == dict.fromkeys(KS, (100.0, 100.0))
    assert (found.mean_rank, found.median_rank) == (1.0, 1.0)


@given(st.integers(1, 19))
def test_a_shifted_model(shift: int) -> None:
    # Scores fall with the distance on a ring; the right target lies `shift` places ahead, with two at each distance.
    n = 40
    angles = 2 * np.pi * np.arange(n) / n
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float64)
    found = rank(ring, np.roll(ring, shift, axis=0), ids(n), ids(n))
    # Nearer are the place itself and both neighbours at every smaller distance; the mirror place is at an equal one.
    np.testing.assert_allclose(found.ranks, 2 * shift + 0.5, atol=0.5)


def test_a_model_that_knows_nothing_is_at_chance() -> None:
    groups = [f"group {i % 60}" for i in range(300)]
    found = recall(rows(1, 300), rows(2, 300), groups, groups)
    for k in KS:
        low, high = found.interval[k]
        assert low <= found.chance[k] <= high


@pytest.mark.parametrize(("right", "total", "k"), [(1, 10, 1), (3, 10, 5), (2, 7, 10), (6, 10, 5), (4, 50, 10)])
def test_chance_against_simulation(right: int, total: int, k: int) -> None:
    rng = np.random.default_rng(0)
    drawn = np.array([rng.permutation(total)[:k].min() < right for _ in range(20_000)])
    assert chance(np.array([right]), total, k)[0] == pytest.approx(drawn.mean(), abs=0.015)


def test_queries_without_a_right_target_are_left_out() -> None:
    items = rows(3, 4)
    found = recall(items, items[:2], ["a", "b", "c", "d"], ["a", "b"])
    assert (found.queries, found.targets, found.at[1]) == (2, 2, 100)


def test_ranks_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = [f"group {i % 11}" for i in range(50)]
    whole = rank(rows(4, 50), rows(5, 50), groups, groups)
    monkeypatch.setattr(metrics, "CELLS", 120)
    np.testing.assert_array_equal(rank(rows(4, 50), rows(5, 50), groups, groups).ranks, whole.ranks)


def test_the_interval_covers_a_known_proportion() -> None:
    rng = np.random.default_rng(7)
    share, covered = 0.3, 0
    for trial in range(100):
        low, high = ranked(np.where(rng.random(200) < share, 1, 50).tolist()).recall(trial).interval[1]
        covered += low <= 100 * share <= high
    assert 88 <= covered <= 100


def test_copies_of_a_query_make_no_interval_narrower() -> None:
    ranks = np.where(np.random.default_rng(8).random(100) < 0.4, 1, 50)
    once = ranked(ranks.tolist()).recall()
    copied = ranked(np.repeat(ranks, 6).tolist(), np.repeat(np.arange(100), 6).tolist()).recall()
    assert copied.at == pytest.approx(once.at)
    assert copied.interval[1] == pytest.approx(once.interval[1])
    low, high = ranked(np.repeat(ranks, 6).tolist()).recall().interval[1]
    assert high - low < 0.6 * (once.interval[1][1] - once.interval[1][0])


def test_the_gain_over_a_baseline_is_paired() -> None:
    rng = np.random.default_rng(9)
    base = np.where(rng.random(400) < 0.4, 1, 50)
    better = base.copy()
    better[:20] = 1
    gain, low, high = ranked(better.tolist()).gain(ranked(base.tolist()))[1]
    assert gain == pytest.approx(100 * (base[:20] == 50).sum() / 400)
    assert 0 < low < gain < high
    first, second = ranked(better.tolist()).recall(), ranked(base.tolist()).recall()
    assert first.interval[1][0] < second.interval[1][1]  # the single intervals overlap
    assert ranked(base.tolist()).gain(ranked(base.tolist()))[10] == (0, 0, 0)
