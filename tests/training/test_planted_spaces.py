"""Planted spaces: specialists are what they are said to be, and trained routers find them."""

import numpy as np
import pytest
import torch

from omnisearch_training.evaluate.centroid_router import CentroidRouter
from omnisearch_training.evaluate.metrics import Ranking, best_of, recall
from omnisearch_training.evaluate.planted_spaces import (
    BIND,
    GENERALIST,
    IMAGE,
    KINDS,
    ROUTE,
    TEXT,
    PlantedResult,
    compare_planted,
    plant,
    space_names,
)


def test_a_specialist_sees_one_kind() -> None:
    items = plant(20, 0, 1)
    assert list(dict.fromkeys(name for name, _ in items.embeddings)) == list(space_names())
    for kind in range(KINDS):
        own = np.flatnonzero(items.kinds == kind)
        names = [str(i) for i in own]
        seen = {
            name: recall(items.embeddings[name, TEXT][own], items.embeddings[name, IMAGE][own], names, names).at[1]
            for name in space_names()
        }
        specialist = seen.pop(space_names()[kind + 1])
        generalist = seen.pop(GENERALIST)
        assert specialist > generalist > max(seen.values())


def test_samples_share_spaces_and_no_concept() -> None:
    first, second = plant(5, 3, 0), plant(5, 3, 1)
    again, other = plant(5, 3, 0), plant(5, 4, 0)
    for key, rows in first.embeddings.items():
        np.testing.assert_array_equal(rows, again.embeddings[key])
        assert not np.array_equal(rows, second.embeddings[key])
        assert not np.array_equal(rows, other.embeddings[key])


def test_the_oracle_takes_the_best_rank_of_each_query() -> None:
    one, two = (Ranking(np.array(ranks), np.ones(3, int), np.arange(3), 9) for ranks in ([1, 5, 9], [4, 2, 9]))
    assert best_of([one, two]).ranks.tolist() == [1, 2, 9]


def test_the_nearest_centroid_decides() -> None:
    items = plant(30, 0, 0)
    rows = items.embeddings[GENERALIST, TEXT]
    branch = [kind % 3 for kind in range(KINDS)]
    router = CentroidRouter(rows, items.kinds, branch, 4)
    factors = router(torch.from_numpy(rows))
    torch.testing.assert_close(factors.sum(dim=1), torch.ones(len(rows)))
    assert (factors[:, 3] == 0).all()  # no kind belongs to the last branch
    assert (factors.argmax(dim=1).numpy() == np.array(branch)[items.kinds]).mean() > 0.9


@pytest.mark.slow
def test_routers_gain_with_every_specialist_and_equal_factors_do_not() -> None:
    few, many = compare_planted((2, KINDS + 1), seed=0)
    for result in (few, many):
        assert gain(result)[1] > 10  # the low end of the interval
        assert result.oracle.recall().at[1] >= result.routed.recall().at[1]
    assert many.routed.recall().at[1] > few.routed.recall().at[1] + 10
    assert many.mean.recall().at[1] < few.mean.recall().at[1]


@pytest.mark.slow
def test_routers_that_are_not_trained_gain_nothing() -> None:
    cut = ROUTE.model_copy(update={"rate": 1e-9, "epochs": 1})
    brief = BIND.model_copy(update={"epochs": 2})
    (result,) = compare_planted((4,), seed=0, per_kind=40, bind=brief, route=cut)
    assert gain(result)[2] < 10


def gain(result: PlantedResult) -> tuple[float, float, float]:
    """Return the recall@1 of trained routers minus that of equal factors, and its 95 % interval."""
    return result.routed.gain(result.mean)[1]
