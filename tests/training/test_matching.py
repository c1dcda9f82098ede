"""Matching on embeddings: its head and loss by their formulas in float64, and how negatives are drawn."""

import math

import pytest
import torch
from torch.nn import functional

from omnisearch_training.stages import losses
from omnisearch_training.stages.matching import NONE, Matcher, hard_negatives, matching_loss

N, DIM, TAU = 7, 5, 0.3
GROUPS = torch.tensor([0, 0, 1, 2, 3, 4, -1])


def rows(seed: int) -> torch.Tensor:
    made = torch.randn(N, DIM, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return functional.normalize(made, dim=1)


def matcher() -> Matcher:
    torch.manual_seed(0)
    return Matcher(DIM, 8).double()


def drawn(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_head_is_its_formula() -> None:
    head, x, y = matcher(), rows(0), rows(1)
    torch.nn.init.normal_(head.norm.weight)
    state = {name: tensor.tolist() for name, tensor in head.state_dict().items()}
    for i in range(N):
        a, b = x[i].tolist(), y[i].tolist()
        pairs = list(zip(a, b, strict=True))
        given = [*a, *b, *(p * q for p, q in pairs), *(abs(p - q) for p, q in pairs)]
        hidden = []
        for weights, bias in zip(state["first.weight"], state["first.bias"], strict=True):
            z = sum(w * g for w, g in zip(weights, given, strict=True)) + bias
            hidden.append(z * (1 + math.erf(z / 2**0.5)) / 2)
        mean = sum(hidden) / len(hidden)
        spread = (sum((h - mean) ** 2 for h in hidden) / len(hidden) + 1e-5) ** 0.5
        normed = [
            (h - mean) / spread * w + b
            for h, w, b in zip(hidden, state["norm.weight"], state["norm.bias"], strict=True)
        ]
        for k in range(2):
            wanted = sum(w * h for w, h in zip(state["last.weight"][k], normed, strict=True)) + state["last.bias"][k]
            assert head(x[i], y[i])[k].item() == pytest.approx(wanted, rel=1e-9)


def test_the_loss_is_its_formula() -> None:
    head, left, right = matcher(), rows(0), rows(1)
    found = matching_loss(lambda i, j: head(left[i], right[j]), left, right, TAU, GROUPS, drawn())
    generator = drawn()
    for_right = hard_negatives(right, left, TAU, GROUPS, generator).tolist()
    for_left = hard_negatives(left, right, TAU, GROUPS, generator).tolist()
    shown = [(i, i, 1) for i in range(N)]
    shown += [(for_right[i], i, 0) for i in range(N)] + [(i, for_left[i], 0) for i in range(N)]
    total = 0.0
    for i, j, label in shown:
        logits = head(left[i], right[j]).tolist()
        total -= math.log(math.exp(logits[label]) / sum(math.exp(z) for z in logits))
    assert found.item() == pytest.approx(total / (3 * N), rel=1e-9)


@pytest.mark.parametrize("block", [2, 64])
def test_negatives_are_drawn_by_softmax_and_a_floor(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "BLOCK", block)
    queries, keys, generator, draws = rows(0), rows(1), drawn(), 800
    counts = torch.zeros(N, N)
    for _ in range(draws):
        counts[torch.arange(N), hard_negatives(queries, keys, TAU, GROUPS, generator)] += 1
    for i in range(N):
        others = [j for j in range(N) if j == i or GROUPS[j] != GROUPS[i]]
        odds = {j: math.exp(float(queries[i] @ keys[j]) / TAU) for j in others}
        chances = {j: odds[j] / sum(odds.values()) + 1e-4 for j in others if j != i}
        for j in range(N):
            wanted = chances.get(j, 0) / sum(chances.values())
            assert abs(counts[i, j] / draws - wanted) <= 5 * (wanted * (1 - wanted) / draws) ** 0.5


def test_the_floor_leaves_no_negative_out() -> None:
    """At a temperature at which every softmax is one-hot on the pair, negatives are drawn uniformly."""
    keys, generator = torch.eye(4), drawn()
    counts = torch.zeros(4)
    for _ in range(1000):
        counts[hard_negatives(keys, keys, 1e-3, torch.arange(4), generator)[0]] += 1
    assert counts[0] == 0
    assert (counts[1:] - 1000 / 3).abs().max() < 5 * (1000 * 2 / 9) ** 0.5


def test_where_all_others_are_of_the_same_concept_there_is_no_negative() -> None:
    left, right, head = rows(0), rows(1), matcher()
    same = torch.zeros(N, dtype=torch.long)
    assert (hard_negatives(left, right, TAU, same, drawn()) == NONE).all()
    wanted = functional.cross_entropy(head(left, right), torch.ones(N, dtype=torch.long))
    found = matching_loss(lambda i, j: head(left[i], right[j]), left, right, TAU, same, drawn())
    torch.testing.assert_close(found, wanted)
    alone = torch.tensor([0, 0, 0, 0, 0, 0, 1])
    negatives = hard_negatives(left, right, TAU, alone, drawn())
    assert (negatives[:6] == 6).all()
    assert 0 <= negatives[6] < 6
