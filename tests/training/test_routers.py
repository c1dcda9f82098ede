"""Routing: the losses, what stands still, and a branch of noise that the routers must find."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from omnisearch.binding.config import FixedConfig, ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.errors import CheckpointError, UsageError
from omnisearch.types import Modality
from omnisearch_training.stages import loop
from omnisearch_training.stages.losses import info_nce
from omnisearch_training.stages.objective import MatchConfig, Objective, ObjectiveConfig
from omnisearch_training.stages.pseudo_pairs import Pairs
from omnisearch_training.stages.routers import (
    RouteConfig,
    alignment_loss,
    source_labels,
    text_scores,
    train_routers,
    with_routers,
)

TEXT, IMAGE, AUDIO = Modality.TEXT, Modality.IMAGE, Modality.AUDIO
N, DIM = 240, 8
# Two spaces that lie in the shared one: `ears` hears and reads captions of sounds, `eyes` sees and reads captions
# of pictures; what they make of the other's captions is noise.
DOCUMENT: dict[str, Any] = {
    "name": "planted",
    "licence": "none",
    "dim": DIM,
    "projectors": {"ears": {"kind": "identity"}, "eyes": {"kind": "identity"}},
    "branches": {
        "text": [{"parts": {"ears": 1}, "tags": ["audio"]}, {"parts": {"eyes": 1}, "tags": ["vision"]}],
        "image": [{"parts": {"eyes": 1}}],
        "audio": [{"parts": {"ears": 1}}],
    },
    "routers": {
        "text": {"kind": "learned", "inputs": ["ears", "eyes"], "hidden": [16, 8], "scale": 10},
        "image": {"kind": "fixed", "factors": [1]},
        "audio": {"kind": "fixed", "factors": [1]},
    },
}
CONFIG = RouteConfig(batch=120, epochs=20, rate=1e-2)
World = tuple[Fusion, dict[tuple[str, Modality], np.ndarray], Pairs]


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _uniform(fusion: Fusion) -> dict[Modality, FixedConfig]:
    """The baseline in which every branch of a modality counts alike."""
    return {part: FixedConfig(factors=(1.0,) * len(branches)) for part, branches in fusion.config.branches.items()}


MICO = {"learned_temperature": True, "smoothing": 0.1, "matching": MatchConfig(hidden=8)}


@pytest.fixture
def world() -> World:
    """Text i is about thing i. The first half are captions of sounds, the rest of pictures, told apart by a mark."""
    draw = np.random.default_rng(0)
    things, heard = unit(draw.standard_normal((N, DIM))), np.arange(N)[:, None] < N // 2
    mark = np.where(heard, 1, -1) * np.eye(DIM)[0]
    noise = [unit(draw.standard_normal((N, DIM)) + 2 * mark) for _ in range(2)]
    embeddings = {
        ("ears", TEXT): unit(np.where(heard, things, noise[0])),
        ("eyes", TEXT): unit(np.where(heard, noise[1], things)),
        ("ears", AUDIO): things,
        ("eyes", IMAGE): things,
    }
    modalities, ids = (TEXT, IMAGE, AUDIO), np.arange(N, dtype=np.int32)[:, None]
    sources = np.where(heard, 0, 1).astype(np.int32)
    scores = dict.fromkeys(modalities, np.ones((N, 1), np.float32))
    pairs = Pairs(
        modalities, np.zeros(N, np.int32), dict.fromkeys(modalities, ids), scores, sources, ("audio", "vision"), {}
    )
    return Fusion(ModelConfig.model_validate(DOCUMENT), {"ears": DIM, "eyes": DIM}).eval(), embeddings, pairs


def texts(world: World) -> dict[str, torch.Tensor]:
    return {space: torch.from_numpy(world[1][space, TEXT]) for space in ("ears", "eyes")}


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_alignment_is_infonce_over_all_pairs_of_modalities(reduction: str) -> None:
    draw = torch.Generator().manual_seed(0)
    fused = {m: torch.randn(7, 5, generator=draw, dtype=torch.float64) for m in (TEXT, IMAGE, AUDIO)}
    names = torch.tensor([0, 0, 1, 2, 3, 4, 5])
    found = alignment_loss(fused, dict.fromkeys(fused, names), Objective(ObjectiveConfig(), 4), reduction)  # type: ignore[arg-type]
    terms = [info_nce(fused[a], fused[b], 0.03, names) for a, b in combinations(fused, 2)]
    assert len(terms) == 3
    torch.testing.assert_close(found, sum(terms) / (3 if reduction == "mean" else 1))


def test_labels_are_the_branches_tags(world: World) -> None:
    config = world[0].config
    assert source_labels(config, ("vision", "audio")).tolist() == [[0, 1], [1, 0]]
    with pytest.raises(UsageError, match="3d"):
        source_labels(config, ("vision", "3d"))


def test_a_branch_of_noise_counts_less(world: World) -> None:
    fusion, embeddings, pairs = world
    routed = train_routers(fusion, embeddings, pairs, CONFIG.model_copy(update={"decoupling": 0.0}), 0)
    factors = routed.factors(TEXT, texts(world)).detach()
    assert factors[: N // 2, 1].mean() < 0.2
    assert factors[N // 2 :, 0].mean() < 0.2


@pytest.mark.slow
def test_the_decoupling_loss_separates_kinds_of_captions(world: World) -> None:
    fusion, embeddings, pairs = world
    labels = torch.eye(2).repeat_interleave(N // 2, dim=0)
    apart = {}
    for weight in (0.0, 3.0):
        config = CONFIG.model_copy(update={"decoupling": weight, "epochs": 80, "rate": 3e-2})
        routed = train_routers(fusion, embeddings, pairs, config, 0)
        scores = text_scores(routed, texts(world)).detach()
        apart[weight] = float(scores[labels == 1].mean() - scores[labels == 0].mean())
    assert apart[3.0] > 0.7
    assert apart[0.0] < 0.6 * apart[3.0]


@pytest.mark.parametrize("options", [{}, MICO])
def test_only_routers_learn(options: dict[str, object], world: World) -> None:
    _, embeddings, pairs = world
    document = DOCUMENT | {
        "projectors": {"ears": {"kind": "mlp", "heads": 2, "hidden": 9}, "eyes": {"kind": "identity"}},
        "centred": ["text"],
    }
    fusion = Fusion(ModelConfig.model_validate(document), {"ears": DIM, "eyes": DIM})
    before = {name: value.clone() for name, value in fusion.state_dict().items()}
    routed = train_routers(fusion, embeddings, pairs, CONFIG.model_copy(update={"epochs": 2, **options}), 0)
    assert all(torch.equal(fusion.state_dict()[name], value) for name, value in before.items())
    after = routed.state_dict()
    moved = {name for name, value in before.items() if not torch.equal(after[name], value)}
    assert moved
    assert all(name.startswith("routers.text.") for name in moved)
    assert not routed.training


def test_baselines_have_the_router_s_interface(world: World) -> None:
    fusion = world[0]
    uniform = with_routers(fusion, _uniform(fusion))
    torch.testing.assert_close(uniform.factors(TEXT, texts(world)), torch.full((N, 2), 0.5))
    by_hand = with_routers(fusion, {TEXT: FixedConfig(factors=(3, 1))})
    mixed = torch.nn.functional.normalize(0.75 * texts(world)["ears"] + 0.25 * texts(world)["eyes"], dim=1)
    torch.testing.assert_close(by_hand(TEXT, texts(world)), mixed)
    assert by_hand.routers["image"] is fusion.routers["image"]


def test_what_cannot_be_routed(world: World) -> None:
    fusion, embeddings, pairs = world
    with pytest.raises(UsageError, match="no learned router"):
        train_routers(with_routers(fusion, _uniform(fusion)), embeddings, pairs, CONFIG, 0)
    blind = Pairs(pairs.modalities, pairs.start, pairs.ids, pairs.scores, None, (), {})
    with pytest.raises(UsageError, match="text_sources"):
        train_routers(fusion, embeddings, blind, CONFIG, 0)


def test_mico_s_options_change_the_routers(world: World) -> None:
    fusion, embeddings, pairs = world
    short = CONFIG.model_copy(update={"epochs": 1})
    routed = [train_routers(fusion, embeddings, pairs, short.model_copy(update={k: v}), 0) for k, v in MICO.items()]
    factors = [each.factors(TEXT, texts(world)).detach().numpy().tobytes() for each in (*routed, fusion)]
    assert len(set(factors)) == len(MICO) + 1


class KilledError(Exception):
    pass


def test_a_killed_run_ends_as_an_undisturbed_one(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "EVERY", 3)
    fusion, embeddings, pairs = world
    checkpoint = tmp_path / "routers.safetensors"

    def report(step: int, steps: int, loss: float) -> None:
        if step == 11:
            raise KilledError

    config = CONFIG.model_copy(update={"epochs": 10})
    wanted = train_routers(fusion, embeddings, pairs, config, 4).state_dict()
    with pytest.raises(KilledError):
        train_routers(fusion, embeddings, pairs, config, 4, None, checkpoint, report)
    found = train_routers(fusion, embeddings, pairs, config, 4, None, checkpoint).state_dict()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())
    with pytest.raises(CheckpointError, match="another recipe"):
        train_routers(fusion, embeddings, pairs, CONFIG, 4, None, checkpoint)
