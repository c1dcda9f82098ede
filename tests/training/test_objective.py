"""The objective of paired rows: what its options add, that they learn, and that nothing changes without them."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional

from omnisearch_training.stages.loop import fit
from omnisearch_training.stages.losses import info_nce
from omnisearch_training.stages.matching import matching_loss
from omnisearch_training.stages.objective import COLDEST, MatchConfig, Objective, ObjectiveConfig, learner
from omnisearch_training.stages.projectors import BindConfig
from omnisearch_training.stages.routers import RouteConfig

MICO = ObjectiveConfig(
    temperature=0.07, learned_temperature=True, smoothing=0.1, matching=MatchConfig(weight=0.1, hidden=16)
)
N, DIM = 64, 12


def pairs(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Things seen by two spaces; the second sees them through a map of its own."""
    draw = torch.Generator().manual_seed(seed)
    turn = torch.linalg.qr(torch.randn(DIM, DIM, generator=torch.Generator().manual_seed(99)))[0]
    things = torch.randn(N, DIM, generator=draw)
    return functional.normalize(things, dim=1), functional.normalize(
        things @ turn + 0.2 * torch.randn(N, DIM, generator=draw), dim=1
    )


def test_without_options_it_is_info_nce_and_has_nothing_to_train() -> None:
    left, right = pairs(0)
    plain = Objective(ObjectiveConfig(), DIM)
    assert torch.equal(plain(left, right, torch.arange(N), 0), info_nce(left, right, 0.03, torch.arange(N)))
    assert not list(plain.parameters())
    module = torch.nn.Linear(1, 1)
    assert learner(module, plain) is module
    for config in (BindConfig(), RouteConfig()):
        assert ObjectiveConfig(**{name: getattr(config, name) for name in ObjectiveConfig.model_fields}) == (
            ObjectiveConfig()
        )


def test_with_mico_s_options_it_is_the_sum_of_its_formulas() -> None:
    left, right = pairs(0)
    torch.manual_seed(0)
    objective = Objective(MICO, DIM)
    found = objective(3 * left, right / 2, torch.arange(N), 5)
    head = objective.matcher
    assert head is not None
    given = left, right, 0.07, torch.arange(N), torch.Generator().manual_seed(5)
    matched = matching_loss(lambda i, j: head(left[i], right[j]), *given)
    wanted = info_nce(left, right, 0.07, torch.arange(N), 0.1) + 0.1 * matched
    torch.testing.assert_close(found, wanted)
    assert not torch.equal(found, objective(left, right, torch.arange(N), 6)), "other negatives"


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValidationError, match="smoothing"):
        BindConfig(smoothing=1.0)
    with pytest.raises(ValidationError, match="weight"):
        BindConfig.model_validate({"matching": {"weight": 0}})


@pytest.fixture(scope="module")
def trained() -> tuple[torch.nn.Linear, Objective, list[float]]:
    """A linear map from one space to the other, trained by MiCo's objective; and the losses."""
    torch.manual_seed(0)
    module, objective, seen = torch.nn.Linear(DIM, DIM, bias=False), Objective(MICO, DIM), []
    module.weight.data = torch.linalg.qr(torch.randn(DIM, DIM))[0]

    def loss(step: int) -> torch.Tensor:
        left, right = pairs(step)
        return objective(module(left), right, torch.arange(N), step)

    fit(learner(module, objective), loss, 150, 1e-2, "test", None, lambda step, steps, value: seen.append(value))
    return module, objective, seen


def test_it_learns(trained: tuple[torch.nn.Linear, Objective, list[float]]) -> None:
    module, _, seen = trained
    assert np.mean(seen[-20:]) < 0.6 * np.mean(seen[:20])
    left, right = pairs(10_000)
    hits = ((module(left) @ right.T).argmax(1) == torch.arange(N)).float().mean()
    assert hits > 0.9, "pairs that it was not trained on are nearest"


def test_matching_separates_new_pairs_from_hard_negatives(
    trained: tuple[torch.nn.Linear, Objective, list[float]],
) -> None:
    module, objective, _ = trained
    left, right = pairs(10_001)
    assert objective.matcher is not None
    with torch.no_grad():
        found = functional.normalize(module(left), dim=1)
        near = (found @ right.T).fill_diagonal_(-1).argmax(1)  # the hardest negative of each
        odds = [objective.matcher(found, other).diff(dim=1)[:, 0] for other in (right, right[near])]
    right_first = (odds[0] > odds[1]).float().mean()
    assert right_first > 0.9
    assert (odds[0] > 0).float().mean() > 0.7
    assert (odds[1] < 0).float().mean() > 0.7


def test_the_temperature_falls_where_pairs_are_easy_and_rises_where_there_are_none() -> None:
    (left, _), (unrelated, _) = pairs(0), pairs(1)
    config = ObjectiveConfig(temperature=0.07, learned_temperature=True)
    found = {}
    for name, other in (("same", left), ("unrelated", unrelated)):
        objective = Objective(config, DIM)
        fit(objective, lambda step, o=objective, r=other: o(left, r, torch.arange(N), 0), 60, 0.1, "test")
        found[name] = torch.as_tensor(objective.temperature).item()
    assert COLDEST <= found["same"] < 0.05
    assert found["unrelated"] > 0.2
