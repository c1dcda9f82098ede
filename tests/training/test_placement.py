"""Places and metrics worked out by hand, against brute force, and against ranx on random rankings with ties."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.types import Floats
from omnisearch_training.evaluate import metrics
from omnisearch_training.evaluate.placement import Placement, place

# One query along the first axis, so the scores of the targets are their first numbers.
QUERY = np.array([[1, 0]], np.float32)


def placed(scores: list[float], right: set[int]) -> Placement:
    return place(QUERY, np.array([[score, 0] for score in scores], np.float32), [right])


def test_places_by_hand() -> None:
    found = placed([0.9, 0.8, 0.7, 0.6, 0.5], {1, 3})
    assert found.places[0].tolist() == [2, 4]
    assert found.recall(1).tolist() == [0]
    assert found.recall(2).tolist() == [0.5]
    assert found.recall(4).tolist() == [1]
    assert found.reciprocal_rank.tolist() == [1 / 2]
    assert found.average_precision.tolist() == [(1 / 2 + 2 / 4) / 2]
    gained, best = 1 / np.log2(3) + 1 / np.log2(5), 1 + 1 / np.log2(3)
    assert found.ndcg(10)[0] == pytest.approx(gained / best)
    assert found.ndcg(2)[0] == pytest.approx(1 / np.log2(3) / best)
    assert found.ndcg(1)[0] == 0


def test_a_tie_counts_against_the_right_targets() -> None:
    assert placed([0.5, 0.5, 0.5, 0.9], {0, 2}).places[0].tolist() == [3, 4]
    assert placed([0.5] * 40, set(range(20))).places[0].tolist() == list(range(21, 41))  # sorted, not compared


def test_the_best_order_has_the_best_figures() -> None:
    found = placed([0.9, 0.8, 0.1], {0, 1})
    for figure in (found.ndcg(10), found.ndcg(1), found.reciprocal_rank, found.average_precision, found.recall(2)):
        assert figure.tolist() == [1]


Drawn = tuple[Floats, Floats, list[set[int]]]


def drawn(seed: int, queries: int, targets: int, levels: int = 4) -> Drawn:
    """Scores of a few levels, so that many are tied, and one right target or more for each query."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (queries, targets)).astype(np.float32)
    most = min(targets, 24)  # some queries have more than FEW
    right = [set(rng.choice(targets, rng.integers(1, most + 1), replace=False).tolist()) for _ in range(queries)]
    return np.eye(queries, dtype=np.float32), scores.T.copy(), right


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 40))
def test_places_are_those_of_a_sorted_list(seed: int, queries: int, targets: int) -> None:
    asked, offered, right = drawn(seed, queries, targets)
    scores = asked @ offered.T
    for i, places in enumerate(place(asked, offered, right).places):
        # By falling score; of equal scores the wrong ones first.
        order = sorted(range(targets), key=lambda j, i=i: (-scores[i, j], j in right[i]))
        assert places.tolist() == [at for at, j in enumerate(order, 1) if j in right[i]]


def test_first_places_are_the_ranks_of_the_other_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, offered, right = drawn(1, 30, 50)
    groups = [str(i // 3) for i in range(30)]
    whole = place(asked, offered, right, groups)
    expected = metrics.rank(asked, offered, right, groups)
    np.testing.assert_array_equal(whole.ranking.ranks, expected.ranks)
    assert whole.ranking.recall() == expected.recall()
    monkeypatch.setattr(metrics, "CELLS", 120)  # two queries at a time
    for left, found in zip(whole.places, place(asked, offered, right, groups).places, strict=True):
        np.testing.assert_array_equal(left, found)


@pytest.mark.slow
@pytest.mark.timeout(1800)  # ranx is compiled for a minute of processor time, the first time
@pytest.mark.parametrize("levels", [3, 1_000_000])
def test_metrics_agree_with_ranx(levels: int) -> None:
    from ranx import Qrels, Run, evaluate

    asked, offered, right = drawn(7, 60, 80, levels)
    found = place(asked, offered, right)
    scores = asked @ offered.T
    qrels = {str(i): {str(j): 1 for j in own} for i, own in enumerate(right)}
    run: dict[str, dict[str, float]] = {}
    for i, own in enumerate(right):
        # ranx leaves the order of ties open: give it ours, in which the wrong ones come first.
        order = sorted(range(80), key=lambda j, i=i, own=own: (-scores[i, j], j in own))
        run[str(i)] = {str(j): float(80 - at) for at, j in enumerate(order)}
    wanted = ["recall@5", "recall@20", "hit_rate@1", "hit_rate@5", "ndcg@10", "ndcg@80", "mrr", "map"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numba's, about integers
        expected = evaluate(Qrels(qrels), Run(run), wanted)
    ranks = found.ranking.ranks
    ours = {
        "recall@5": found.recall(5).mean(),
        "recall@20": found.recall(20).mean(),
        "hit_rate@1": (ranks <= 1).mean(),
        "hit_rate@5": (ranks <= 5).mean(),
        "ndcg@10": found.ndcg(10).mean(),
        "ndcg@80": found.ndcg(80).mean(),
        "mrr": found.reciprocal_rank.mean(),
        "map": found.average_precision.mean(),
    }
    assert ours == pytest.approx({name: float(value) for name, value in expected.items()})
