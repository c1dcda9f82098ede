"""The losses against their formulas, element by element in float64."""

import math

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from omnisearch_training.stages import losses
from omnisearch_training.stages.losses import decoupling, info_nce


def rows(seed: int, n: int = 6, dim: int = 5) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def plain(left: torch.Tensor, right: torch.Tensor, temperature: float, groups: torch.Tensor) -> torch.Tensor:
    """The loss with all its logits at once, and gradients by autograd."""
    logits = functional.normalize(left, dim=1) @ functional.normalize(right, dim=1).T / temperature
    same = ((groups[:, None] == groups) & (groups >= 0)).any(dim=2).fill_diagonal_(False)
    logits = logits.masked_fill(same, -torch.inf)
    return -(logits.log_softmax(1).diagonal().mean() + logits.log_softmax(0).diagonal().mean()) / 2


@pytest.mark.parametrize("groups", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 2, 2]])
def test_info_nce_is_its_formula(groups: list[int]) -> None:
    left, right, tau = rows(0), rows(1), 0.03
    total = 0.0
    for queries, keys in ((left, right), (right, left)):
        for i in range(6):
            kept = [j for j in range(6) if j == i or groups[i] != groups[j]]
            odds = [math.exp(cosine(queries[i], keys[j]) / tau) for j in kept]
            total -= math.log(math.exp(cosine(queries[i], keys[i]) / tau) / sum(odds)) / 6
    found = info_nce(left, right, tau, torch.tensor(groups))
    assert found.item() == pytest.approx(total / 2, rel=1e-12)


@pytest.mark.parametrize("block", [1, 5, 13, 64])
@pytest.mark.parametrize("grouped", [False, True])
def test_blocks_give_the_plain_loss_and_gradients(block: int, grouped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "BLOCK", block)
    left, right = rows(0, 13, 7).requires_grad_(), rows(1, 13, 7).requires_grad_()
    names = torch.arange(13) // 3 if grouped else torch.arange(13)
    groups = torch.stack([torch.full((13,), -1), names], dim=1)
    wanted = plain(left, right, 0.03, groups)
    found = info_nce(left, right, 0.03, groups)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0)
    gradients = torch.autograd.grad(wanted, (left, right))
    torch.testing.assert_close(torch.autograd.grad(found * 1, (left, right)), gradients, rtol=1e-9, atol=1e-12)


def test_agreeing_in_any_respect_is_no_negative() -> None:
    left, right = rows(0, 6, 4), rows(1, 6, 4)
    groups = torch.tensor([[0, 5], [0, 6], [1, 6], [2, 7], [-1, 8], [-1, 9]])
    logits = functional.normalize(left, dim=1) @ functional.normalize(right, dim=1).T / 0.1
    for i, j in ((0, 1), (1, 2)):
        logits[i, j] = logits[j, i] = -torch.inf
    wanted = -(logits.log_softmax(1).diagonal().mean() + logits.log_softmax(0).diagonal().mean()) / 2
    torch.testing.assert_close(info_nce(left, right, 0.1, groups), wanted)


class Largest(TorchDispatchMode):
    """Remembers how many elements the largest tensor had."""

    elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.elements = max(self.elements, out.numel())
        return out


def test_no_tensor_is_larger_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "BLOCK", 64)
    left, right = rows(0, 1024, 8).requires_grad_(), rows(1, 1024, 8).requires_grad_()
    with Largest() as seen:
        info_nce(left, right, 0.03, torch.arange(1024)).backward()
    assert seen.elements == 64 * 1024


def test_info_nce_ignores_length_and_joint_order() -> None:
    left, right, groups = rows(0), rows(1), torch.arange(6)
    turn = torch.tensor([3, 1, 5, 0, 2, 4])
    wanted = info_nce(left, right, 0.1, groups)
    torch.testing.assert_close(info_nce(3 * left, right / 7, 0.1, groups), wanted)
    torch.testing.assert_close(info_nce(left[turn], right[turn], 0.1, groups), wanted)
    torch.testing.assert_close(info_nce(right, left, 0.1, groups), wanted)


def test_info_nce_of_perfect_pairs_goes_to_zero() -> None:
    assert info_nce(torch.eye(6), torch.eye(6), 0.01, torch.arange(6)).item() < 1e-6


def test_decoupling_is_its_formula() -> None:
    scores = rows(2).sigmoid()
    labels = (rows(3) > 0).double()
    total = 0.0
    for i in range(6):
        for j in range(5):
            s, y = float(scores[i, j]), float(labels[i, j])
            total -= y * math.log(s) + (1 - y) * math.log(1 - s)
    assert decoupling(scores, labels).item() == pytest.approx(total / 6, rel=1e-12)
