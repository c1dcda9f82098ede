"""The losses against their formulas, element by element in float64."""

import math

import pytest
import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from omnisearch_training.stages import losses
from omnisearch_training.stages.losses import decoupling, distillation, info_nce


def rows(seed: int, n: int = 6, dim: int = 5) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(a @ b / (a.norm() * b.norm()))


def plain(
    left: torch.Tensor,
    right: torch.Tensor,
    temperature: float | torch.Tensor,
    groups: torch.Tensor,
    smoothing: float = 0.0,
) -> torch.Tensor:
    """The loss with all its logits at once, and gradients by autograd."""
    logits = functional.normalize(left, dim=1) @ functional.normalize(right, dim=1).T / temperature
    same = ((groups[:, None] == groups) & (groups >= 0)).any(dim=2).fill_diagonal_(False)
    logits = logits.masked_fill(same, -torch.inf)
    total = torch.zeros((), dtype=logits.dtype)
    for each in (logits, logits.T):
        told = each.log_softmax(1)
        shared = told.masked_fill(same, 0).sum(1) / (~same).sum(1)
        total = total - ((1 - smoothing) * told.diagonal() + smoothing * shared).mean() / 2
    return total


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


@pytest.mark.parametrize("groups", [[0, 1, 2, 3, 4, 5], [0, 0, 1, 2, 2, 2], [0, 0, 0, 0, 0, 0]])
def test_smoothed_targets_are_their_formula(groups: list[int]) -> None:
    """Each target is 0.9 on the pair, and a share of 0.1 on the pair and on each of its negatives."""
    left, right, tau = rows(0), rows(1), 0.07
    total = 0.0
    for queries, keys in ((left, right), (right, left)):
        for i in range(6):
            kept = [j for j in range(6) if j == i or groups[i] != groups[j]]
            odds = {j: math.exp(cosine(queries[i], keys[j]) / tau) for j in kept}
            for j in kept:
                target = 0.9 * (i == j) + 0.1 / len(kept)
                total -= target * math.log(odds[j] / sum(odds.values())) / 6
    found = info_nce(left, right, tau, torch.tensor(groups), 0.1)
    assert found.item() == pytest.approx(total / 2, rel=1e-12)


def test_smoothing_is_torchs_where_all_others_are_negatives() -> None:
    left, right = functional.normalize(rows(0), dim=1), functional.normalize(rows(1), dim=1)
    logits, own = left @ right.T / 0.07, torch.arange(6)
    wanted = sum(functional.cross_entropy(each, own, label_smoothing=0.1) for each in (logits, logits.T)) / 2
    torch.testing.assert_close(info_nce(left, right, 0.07, own, 0.1), wanted)


@pytest.mark.parametrize("block", [1, 5, 13, 64])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_blocks_give_the_plain_loss_and_gradients(
    block: int, grouped: bool, smoothing: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "BLOCK", block)
    left, right = rows(0, 13, 7).requires_grad_(), rows(1, 13, 7).requires_grad_()
    temperature = torch.tensor(0.03, dtype=torch.float64, requires_grad=True)
    names = torch.arange(13) // 3 if grouped else torch.arange(13)
    groups = torch.stack([torch.full((13,), -1), names], dim=1)
    wanted = plain(left, right, temperature, groups, smoothing)
    found = info_nce(left, right, temperature, groups, smoothing)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=0)
    assert info_nce(left, right, 0.03, groups, smoothing).item() == pytest.approx(wanted.item(), rel=1e-12)
    learned = (left, right, temperature)
    gradients = torch.autograd.grad(wanted, learned)
    torch.testing.assert_close(torch.autograd.grad(found * 1, learned), gradients, rtol=1e-9, atol=1e-12)


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


def test_distillation_is_its_formula() -> None:
    student, teacher, tau = rows(0).requires_grad_(), rows(1).requires_grad_(), 2.0
    total = 0.0
    for found, wanted in zip(student.tolist(), teacher.tolist(), strict=True):
        q, p = ([math.exp(each / tau) for each in logits] for logits in (found, wanted))
        total += sum(a / sum(p) * math.log((a / sum(p)) / (b / sum(q))) for a, b in zip(p, q, strict=True)) / 6
    loss = distillation(student, teacher, tau)
    assert loss.item() == pytest.approx(tau**2 * total, rel=1e-12)
    assert distillation(teacher, teacher, tau).item() == pytest.approx(0, abs=1e-15)
    loss.backward()  # type: ignore[no-untyped-call]
    # By hand: the gradient by a student's logit is tau (q - p), averaged over the rows.
    expected = tau * ((student / tau).softmax(1) - (teacher / tau).softmax(1)) / 6
    torch.testing.assert_close(student.grad, expected.detach(), rtol=1e-12, atol=1e-14)
    assert teacher.grad is None
