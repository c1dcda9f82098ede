"""Binding by texts: a planted map that is found, means that are subtracted, and a router that decides."""

from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.binding.config import BranchConfig, IdentityConfig, LearnedConfig, LinearConfig, MlpConfig, ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.errors import UsageError
from omnisearch.types import Floats, Modality
from omnisearch_training.datasets import Record, Split
from omnisearch_training.stages.projectors import BindConfig
from omnisearch_training.stages.texts import (
    TextRouteConfig,
    TextsConfig,
    bind_space,
    centre_space,
    read_sentences,
    text_labels,
    train_text_router,
)

TEXT, AUDIO = Modality.TEXT, Modality.AUDIO
DIM, WIDTH, N = 6, 9, 120
CONFIG = TextsConfig(anchor="anchor", spaces=("other",), ridge=1e-6)


def unit(rows: np.ndarray) -> Floats:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def make_fusion(kind: LinearConfig | MlpConfig | IdentityConfig, inputs: tuple[str, ...] = ("anchor",)) -> Fusion:
    both = (BranchConfig(parts={"anchor": 1}), BranchConfig(parts={"other": 1}))
    config = ModelConfig(
        name="toy",
        licence="CC0",
        dim=DIM,
        projectors={"anchor": IdentityConfig(), "other": kind},
        branches={TEXT: both, AUDIO: both[1:]},
        routers={
            TEXT: LearnedConfig(inputs=inputs, hidden=(16, 8), scale=200),
            AUDIO: LearnedConfig(inputs=("other",)),
        },
    )
    return Fusion(config, {"anchor": DIM, "other": WIDTH}).eval()


def planted(seed: int = 0) -> tuple[Floats, Floats]:
    """Return unit things (N, DIM), and the same as another space sees them (N, WIDTH)."""
    draw = np.random.default_rng(seed)
    things, lens = unit(draw.standard_normal((N, DIM))), draw.standard_normal((DIM, WIDTH))
    return things, (things @ lens + 0.5).astype(np.float32)


def record(name: str, *others: str, split: Split = Split.TRAIN) -> Record:
    return Record(f"{name}/{others}", name, split, (name, *others), {}, "CC0")


def test_ridge_finds_a_planted_map() -> None:
    things, rows = planted()
    fusion = make_fusion(LinearConfig())
    bind_space(fusion, "other", rows[:90], things[:90], np.arange(90), CONFIG, 0)
    with torch.inference_mode():
        found = fusion.projectors["other"](torch.from_numpy(rows[90:])).numpy()
    np.testing.assert_allclose(found, things[90:], atol=1e-3)


def test_a_modality_with_a_gap_is_projected_less_its_own_mean() -> None:
    things, rows = planted()
    fusion = make_fusion(LinearConfig(centred=(TEXT, AUDIO)))
    bind_space(fusion, "other", rows, things, np.arange(N), CONFIG, 0)
    gap = 5 * np.random.default_rng(1).standard_normal(WIDTH).astype(np.float32)
    sounds = rows + gap  # the same things, all moved by the gap
    centre_space(fusion, "other", AUDIO, sounds)
    with torch.inference_mode():
        texts = fusion.branches(TEXT, {"anchor": torch.from_numpy(things), "other": torch.from_numpy(rows)})[:, 1]
        heard = fusion.branches(AUDIO, {"other": torch.from_numpy(sounds)})[:, 0]
        raw = fusion.projectors["other"](torch.from_numpy(sounds))
    np.testing.assert_allclose(texts, things, atol=1e-3)
    np.testing.assert_allclose(heard, things, atol=1e-3)
    assert (raw.numpy() * things).sum(axis=1).mean() < 0.9


def test_a_skipped_row_stays_zero() -> None:
    fusion = make_fusion(LinearConfig(centred=(TEXT,)))
    fusion.origins["other:text"].data.fill_(1)
    kept = fusion._centred("other", TEXT, torch.tensor([[0.0] * WIDTH, [2.0] * WIDTH]))
    assert kept.tolist() == [[0.0] * WIDTH, [1.0] * WIDTH]


def test_other_projectors_are_trained_on_the_same_sentences() -> None:
    things, rows = planted()
    training = BindConfig(heads=("mix",), hidden=32, batch=60, epochs=30, rate=1e-2)
    fusion = make_fusion(MlpConfig(heads=1, hidden=32, centred=(TEXT,)))
    before = fusion.projectors["other"](torch.from_numpy(rows)).detach().numpy()
    bind_space(fusion, "other", rows, things, np.arange(N), CONFIG.model_copy(update={"training": training}), 0)
    with torch.inference_mode():
        after = fusion.branches(TEXT, {"anchor": torch.from_numpy(things), "other": torch.from_numpy(rows)})[:, 1]
    right = [(each @ things.T).argmax(axis=1) == np.arange(N) for each in (before, after.numpy())]
    assert right[0].mean() < 0.1 < 0.3 < right[1].mean()


def test_a_space_without_a_projector_cannot_be_bound() -> None:
    things, _ = planted()
    with pytest.raises(UsageError, match="other"):
        bind_space(make_fusion(IdentityConfig()), "other", things, things, np.arange(N), CONFIG, 0)


def test_a_text_router_trusts_the_space_that_understands_a_text(tmp_path: Path) -> None:
    """The anchor reads half of the texts, and the others, which it sees in its first half of dimensions, as noise."""
    things, rows = planted()
    fusion = make_fusion(LinearConfig())
    bind_space(fusion, "other", rows, things, np.arange(N), CONFIG, 0)
    own = np.arange(N) % 2 == 0
    noise = np.zeros_like(things)
    noise[:, 0] = 1
    anchor = np.where(own[:, None], things, noise)
    labels = text_labels(fusion, "anchor", own)
    assert labels[:2].tolist() == [[1, 0], [0, 1]]
    config = TextRouteConfig(batch=40, epochs=12, rate=2e-2)
    spaces = {"anchor": anchor, "other": rows}
    train_text_router(fusion, spaces, things, np.arange(N), labels, config, 0, tmp_path / "router.safetensors")
    with torch.inference_mode():
        factors = fusion.routed(TEXT, {name: torch.from_numpy(each) for name, each in spaces.items()}).numpy()
    assert (factors[own, 0] > 0.999).mean() > 0.95
    assert (factors[~own, 1] > 0.999).mean() > 0.95


def test_sentences_are_those_of_the_split() -> None:
    records = {
        "plain": [record("dog", "dog: an animal"), record("cat", split=Split.TEST)],
        "names": [record("dog"), record("dog", "Hund"), record("cat", "Katze", split=Split.TEST)],
    }
    config = TextsConfig(anchor="a", spaces=("b",), sentences=("plain",), translations=("names",))
    found = read_sentences(config, records, 0)
    assert set(zip(found.texts, found.meanings, strict=True)) == {
        ("dog", "dog"), ("dog: an animal", "dog: an animal"), ("Hund", "dog"),
    }  # fmt: skip
    assert set(np.array(found.texts)[~found.untranslated]) == {"Hund"}
    names = read_sentences(config.model_copy(update={"most": 0}), records, 0)
    assert "dog: an animal" not in names.texts
    with pytest.raises(UsageError, match="plain"):
        read_sentences(config, {"plain": [], "names": []}, 0)
