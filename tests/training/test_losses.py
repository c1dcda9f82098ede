"""The losses against their formulas, element by element in float64."""

import math

import pytest
import torch

from omnisearch_training.losses import decoupling, info_nce


def rows(seed: int, n: int = 6, dim: int = 5) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


@pytest.mark.parametrize("groups", [None, [0, 0, 1, 2, 2, 2]])
def test_info_nce_is_its_formula(groups: list[int] | None) -> None:
    left, right, tau = rows(0), rows(1), 0.03
    total = 0.0
    for queries, keys in ((left, right), (right, left)):
        for i in range(6):
            kept = [j for j in range(6) if j == i or groups is None or groups[i] != groups[j]]
            odds = [math.exp(cosine(queries[i], keys[j]) / tau) for j in kept]
            total -= math.log(math.exp(cosine(queries[i], keys[i]) / tau) / sum(odds)) / 6
    found = info_nce(left, right, tau, None if groups is None else torch.tensor(groups))
    assert found.item() == pytest.approx(total / 2, rel=1e-12)


def test_info_nce_ignores_length_and_joint_order() -> None:
    left, right = rows(0), rows(1)
    turn = torch.tensor([3, 1, 5, 0, 2, 4])
    wanted = info_nce(left, right, 0.1)
    torch.testing.assert_close(info_nce(3 * left, right / 7, 0.1), wanted)
    torch.testing.assert_close(info_nce(left[turn], right[turn], 0.1), wanted)
    torch.testing.assert_close(info_nce(right, left, 0.1), wanted)


def test_info_nce_of_perfect_pairs_goes_to_zero() -> None:
    assert info_nce(torch.eye(6), torch.eye(6), 0.01).item() < 1e-6


def test_decoupling_is_its_formula() -> None:
    scores = rows(2).sigmoid()
    labels = (rows(3) > 0).double()
    total = 0.0
    for i in range(6):
        for j in range(5):
            s, y = float(scores[i, j]), float(labels[i, j])
            total -= y * math.log(s) + (1 - y) * math.log(1 - s)
    assert decoupling(scores, labels).item() == pytest.approx(total / 6, rel=1e-12)
