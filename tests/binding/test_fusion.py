"""The fusion against its formulas, written out in float64."""

import json

import numpy as np
import pytest
import torch

from omnisearch.binding.config import BranchConfig, ModelConfig
from omnisearch.binding.folded_projectors import FoldedProjectors
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.projector import Projector
from omnisearch.binding.router import Router
from omnisearch.types import Modality

DIMS = {"sound": 5, "sight": 6, "anchor": 4}
CONFIG = {
    "name": "small",
    "licence": "none",
    "dim": 4,
    "projectors": {
        "sound": {"kind": "mlp", "heads": 3, "hidden": 8},
        "sight": {"kind": "mlp", "heads": 2, "hidden": 7},
        "anchor": {"kind": "identity"},
    },
    "branches": {
        "text": [
            {"parts": {"sound": 1}},
            {"parts": {"sight": 1}, "normalise": True},
            {"parts": {"sight": 0.1, "anchor": 0.9}, "normalise": True},
        ],
        "audio": [{"parts": {"sound": 1}}],
    },
    "routers": {
        "text": {"kind": "learned", "inputs": ["sound", "sight"], "hidden": [9, 5], "scale": 10},
        "audio": {"kind": "fixed", "factors": [2]},
    },
    "centred": ["audio"],
}


def shaken(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Give every parameter and running statistic a random value, so that no term of a formula vanishes."""
    generator = torch.Generator().manual_seed(seed)
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            noise = torch.randn(value.shape, generator=generator)
            value.copy_(noise.abs() + 0.5 if name.endswith("running_var") else noise)
    return module.eval()


@pytest.fixture
def fusion() -> Fusion:
    built = shaken(Fusion(ModelConfig.model_validate(CONFIG), DIMS))
    assert isinstance(built, Fusion)
    return built


def inputs(n: int, seed: int = 1) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rows = {name: torch.randn(n, dim, generator=generator) for name, dim in DIMS.items()}
    return {name: value / value.norm(dim=1, keepdim=True) for name, value in rows.items()}


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def norm64(layer: torch.nn.BatchNorm1d, x: np.ndarray) -> np.ndarray:
    state = {k: v.double().numpy() for k, v in layer.state_dict().items()}
    return (x - state["running_mean"]) / np.sqrt(state["running_var"] + layer.eps) * state["weight"] + state["bias"]


def projector64(p: Projector, x: np.ndarray) -> np.ndarray:
    """One head after the other: Linear, batch norm, ReLU, Linear, batch norm, unit length; then the mean."""
    w, b = p.inner.weight.detach().double().numpy(), p.inner.bias.detach().double().numpy()
    hidden = np.maximum(norm64(p.inner_norm, x @ w.T + b), 0)
    out = [
        hidden[:, h * p.hidden : (h + 1) * p.hidden] @ p.outer[h].detach().double().numpy().T
        + p.outer_bias[h].detach().double().numpy()
        for h in range(p.heads)
    ]
    normed = norm64(p.outer_norm, np.concatenate(out, axis=1)).reshape(len(x), p.heads, p.dim_out)
    return unit(normed).mean(axis=1)


def router64(r: Router, x: np.ndarray) -> np.ndarray:
    for layer in r.layers:
        if isinstance(layer, torch.nn.Linear):
            x = x @ layer.weight.detach().double().numpy().T + layer.bias.detach().double().numpy()
        elif isinstance(layer, torch.nn.BatchNorm1d):
            x = norm64(layer, x)
        else:
            x = np.maximum(x, 0) if isinstance(layer, torch.nn.ReLU) else np.tanh(x)
    e = np.exp(r.scale / (1 + np.exp(-x)))
    return e / e.sum(axis=1, keepdims=True)


def test_text_is_the_paper_s_weighted_sum(fusion: Fusion) -> None:
    spaces = inputs(6)
    x = {name: value.double().numpy() for name, value in spaces.items()}
    sound, sight = (projector64(fusion.projectors[s], x[s]) for s in ("sound", "sight"))  # type: ignore[arg-type]
    branches = np.stack([sound, unit(sight), unit(0.1 * sight + 0.9 * x["anchor"])], axis=1)
    factors = router64(fusion.routers["text"], np.concatenate([x["sound"], x["sight"]], axis=1))  # type: ignore[arg-type]
    wanted = unit((factors[..., None] * branches).sum(axis=1))
    np.testing.assert_allclose(fusion(Modality.TEXT, spaces).detach().numpy(), wanted, atol=2e-6)
    np.testing.assert_allclose(fusion.factors(Modality.TEXT, spaces).detach().numpy(), factors, atol=2e-6)


def test_a_centred_modality_has_its_mean_removed(fusion: Fusion) -> None:
    spaces = inputs(6)
    sound = projector64(fusion.projectors["sound"], spaces["sound"].double().numpy())  # type: ignore[arg-type]
    wanted = unit(unit(sound) - fusion.means["audio"].detach().double().numpy())
    np.testing.assert_allclose(fusion(Modality.AUDIO, spaces).detach().numpy(), wanted, atol=2e-6)


def test_folding_changes_nothing(fusion: Fusion) -> None:
    spaces = inputs(6)
    before = [fusion(m, spaces).detach().numpy() for m in (Modality.TEXT, Modality.AUDIO)]
    after = [fusion.fold()(m, spaces).detach().numpy() for m in (Modality.TEXT, Modality.AUDIO)]
    np.testing.assert_allclose(after, before, atol=1e-5)


@pytest.mark.parametrize("given", ["abcd", "b", "ac", "bd", "acd", ""])
def test_a_bank_projects_what_it_is_given_as_each_projector_would(given: str) -> None:
    projectors = {name: shaken(Projector(5, 8, 4, heads=3), seed) for seed, name in enumerate("abcd")}
    generator = torch.Generator().manual_seed(9)
    x = {name: torch.randn(6, 5, generator=generator) for name in given}
    found = FoldedProjectors(projectors)({**x, "stranger": torch.zeros(6, 2)})  # type: ignore[arg-type]
    assert set(found) == set(given)
    for name in given:
        torch.testing.assert_close(found[name], projectors[name](x[name]), atol=1e-5, rtol=0)


def test_what_was_run_for_no_input_is_not_projected() -> None:
    projectors = {name: shaken(Projector(5, 8, 4, heads=3), seed) for seed, name in enumerate("abc")}
    x = {"a": inputs(6)["sound"], "b": torch.zeros(6, 5), "c": inputs(6, 2)["sound"]}
    x["c"][2:] = 0  # run for some
    found = FoldedProjectors(projectors)(x)  # type: ignore[arg-type]
    assert not found["b"].any()
    for name in "ac":
        torch.testing.assert_close(found[name], projectors[name](x[name]), atol=1e-5, rtol=0)


def test_projectors_of_other_shapes_are_in_banks_of_their_own() -> None:
    projectors = {
        name: {"kind": "mlp", "heads": heads, "hidden": 8} for name, heads in {"a": 2, "b": 3, "c": 2}.items()
    }
    branches = [{"parts": {name: 1}} for name in projectors]
    parts = {
        "projectors": projectors,
        "branches": {"text": branches},
        "routers": {"text": {"kind": "fixed", "factors": [1, 1, 1]}},
        "centred": [],
    }
    built = shaken(Fusion(ModelConfig.model_validate(CONFIG | parts), {"a": 5, "b": 5, "c": 5}))
    x = {name: inputs(6, seed)["sound"] for seed, name in enumerate(projectors)}
    before = built(Modality.TEXT, x).detach()
    assert isinstance(built, Fusion)
    assert sorted(bank.spaces for bank in built.fold().banks) == [("a", "c"), ("b",)]
    torch.testing.assert_close(built(Modality.TEXT, x), before, atol=1e-5, rtol=0)


def test_stacked_projectors_are_the_mean_of_each() -> None:
    singles = [shaken(Projector(5, 8, 4, heads=1), seed) for seed in range(3)]
    x = inputs(7)["sound"]
    mean = torch.stack([single(x) for single in singles]).mean(dim=0)
    torch.testing.assert_close(Projector.stack(singles)(x), mean)  # type: ignore[arg-type]


def test_a_disagreeing_mixture_is_shorter_than_one() -> None:
    x = inputs(7)["sound"]
    many = shaken(Projector(5, 8, 4, heads=7))(x).norm(dim=1)
    one = shaken(Projector(5, 8, 4, heads=1))(x).norm(dim=1)
    torch.testing.assert_close(one, torch.ones(7))
    assert (many < 1).all()


@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_factors_sum_to_one_and_their_ratio_is_bounded(scale: float) -> None:
    router = shaken(Router(5, (9, 5), 6, scale))
    factors = router(inputs(50)["sound"])
    torch.testing.assert_close(factors.sum(dim=1), torch.ones(50))
    assert (factors.amax(dim=1) / factors.amin(dim=1) <= np.exp(scale) * 1.0001).all()


def test_equal_configurations_make_equal_files() -> None:
    branch = BranchConfig(parts={"a": 1.0}, tags=frozenset({"vision", "audio", "shape"}))
    assert json.loads(branch.model_dump_json())["tags"] == ["audio", "shape", "vision"]
    assert BranchConfig.model_validate_json(branch.model_dump_json()) == branch
