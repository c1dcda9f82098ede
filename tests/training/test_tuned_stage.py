"""Kinds that were left out, asked of a stage that was trained: what is trained, and what is compared."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from omnisearch.config import load_settings
from omnisearch.spaces.families.efficientnet import SIDE
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality
from omnisearch_training.datasets import Record, Split
from omnisearch_training.evaluate import tuned_stage as module
from omnisearch_training.evaluate.kinds_report import kind_rows, kinds_markdown, mean_rows
from omnisearch_training.stages.heads import HeadConfig
from omnisearch_training.stages.last_stage import StageConfig, see
from omnisearch_training.stages.maps import maps_of
from omnisearch_training.stages.pool_embeddings import Items

DIM, CONCEPTS = 8, 40
NAMES = [f"{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(CONCEPTS)]
MEANINGS = unit(np.random.default_rng(0).normal(size=(CONCEPTS, DIM)).astype(np.float32))


class Half(nn.Module):
    """Features that show half of each map's channels; training may show the others."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = nn.Parameter(torch.tensor([1.0, 0.02]).repeat(DIM // 2))

    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean((2, 3)) * self.shown


def embed(texts: Sequence[str]) -> Floats:
    return MEANINGS[[NAMES.index(text) for text in texts]]


def trials(steps: int = 20) -> module.TunedStage:
    training = HeadConfig(hidden=0, ensemble=1, dropout=0, noise=0, batch=40, steps=steps)
    config = StageConfig(steps=steps, batch=40, rate=1e-2, keep=0.1)
    return module.TunedStage("eye", Half(), (torch.eye(DIM), torch.zeros(DIM)), training, config, unit, embed)


def kind(stage: nn.Module, name: str, split: Split = Split.TRAIN) -> Items:
    maps = np.tile(MEANINGS[:, :, None, None], (1, 1, 2, 2))
    records = tuple(Record(f"{name}/{n}", n, split, (n,), {Modality.IMAGE: Path("x")}, "") for n in NAMES)
    return Items(records, {"eye": see(stage, maps).numpy(), module.MAPS: maps})


@pytest.mark.slow
def test_class_words_alone_do_not_depend_on_captions_and_gains_are_over_the_same_without_training() -> None:
    stage = trials()
    items = {name: kind(stage.stage, name) for name in ("one", "two")}
    found = {name: stage.ask(items, name, 0) for name in items}
    assert {name: each.over for name, each in found["one"].items()} == {
        "head": None,
        "head, trained stage": "head",
        "class words": None,
        "class words, trained stage": "class words",
        "both": None,
        "both, trained stage": "both",
        "both, two stages": "both",
    }
    # The words of the stage as it is are those of its features, whatever was trained.
    plain = np.argmax(MEANINGS @ unit(items["one"].features["eye"]).T, axis=1)
    assert found["one"][module.WORDS].ranking.recall().at[1] == 100 * np.mean(plain == np.arange(CONCEPTS))
    ranks = {name: each.ranking.ranks for name, each in found["one"].items()}
    assert not np.array_equal(ranks[module.WORDS], ranks[module.TUNED_WORDS])
    means = mean_rows(found, Modality.IMAGE, 0)
    rows = [row for name in found for row in kind_rows(found[name], name, Modality.IMAGE, 0)]
    table = kinds_markdown({"means": means, "results": rows})
    assert "seed 0" in table
    assert "| head | head, trained stage (gain over `head`) |" in table
    assert [line.split(" | ")[0] for line in table.splitlines()[4:]] == ["| one", "| two", "| **mean of the kinds**"]


def test_what_is_left_to_train_on_is_trained_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, trained = trials(steps=2), []
    plain = module.train_head
    monkeypatch.setattr(module, "train_head", lambda *given: trained.append(given) or plain(*given))
    items = {name: kind(stage.stage, name, Split.TEST) for name in ("one", "two")}
    items |= {name: kind(stage.stage, name) for name in ("three", "four")}
    for seed in range(2):
        for name in items:
            stage.ask(items, name, seed)
    assert len(trained) == 2 * 3


def test_maps_are_computed_once_and_follow_their_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    records = []
    for number in range(3):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (40, 30), (80 * number, 0, 0)).save(path)
        records.append(Record(str(number), "", Split.TRAIN, ("red",), {Modality.IMAGE: path}, "CC0-1.0"))
    seen: list[int] = []

    def below(pixels: Tensor) -> Tensor:
        seen.append(len(pixels))
        return pixels[:, :, : SIDE // 2, :9]

    settings = load_settings(workers=1)
    maps = maps_of(records, below, settings, tmp_path / "maps")  # type: ignore[arg-type]
    assert maps.shape == (3, 3, SIDE // 2, 9)
    np.testing.assert_allclose(maps[:, 0, 0, 0], (np.array([0, 80, 160]) - 127) / 128, atol=1e-3)
    again = maps_of(records, below, settings, tmp_path / "maps")  # type: ignore[arg-type]
    np.testing.assert_array_equal(again, maps)
    assert seen == [3]
    maps_of(records[:2], below, settings, tmp_path / "maps")  # type: ignore[arg-type]
    assert seen == [3, 2]
