"""Sounds in the words of AudioSet's classes: ConSE by its formula, and the table that the names are read from."""

from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.base import Space
from omnisearch.spaces.families import audioset_classes
from omnisearch.spaces.registry import load_space
from omnisearch.spaces.weights import tensors, weight_files
from omnisearch.types import Modality

TABLE = "index,mid,display_name\n"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(weights_dir=tmp_path)


@pytest.fixture
def space(settings: Settings) -> Space:
    torch.manual_seed(0)
    made = load_space("event", settings)
    meanings = {"meanings": torch.randn(521, 384)}
    tensors.write(meanings, settings.weights_dir / f"event-classes-{made.fingerprint}.safetensors")
    return made


def test_it_is_the_sum_of_the_likeliest_events_by_their_shares(space: Space, settings: Settings) -> None:
    features = np.random.default_rng(0).uniform(size=(3, 1545)).astype(np.float32)
    features[0, 1024:1030] = 0, 1, 0, 1, 1, 0  # as certain as a float can be
    meanings = tensors.read(next(settings.weights_dir.glob("event-classes-*")))["meanings"].double().numpy()
    for row, x in zip(space.project(Modality.AUDIO, features), features, strict=True):
        likely = x[1024:].astype(np.float64).clip(1e-6, 1 - 1e-6)
        best = np.argsort(likely)[-audioset_classes.TOP :]
        shares = np.sqrt(likely[best] / (1 - likely[best]))  # odds at temperature 2
        expected = (shares / shares.sum()) @ meanings[best]
        np.testing.assert_allclose(row, expected / np.linalg.norm(expected), atol=1e-5)


def test_names_with_commas_are_read_whole(settings: Settings) -> None:
    path = settings.weights_dir / "names.csv"
    path.write_text(TABLE + '0,/m/1,"Child speech, kid speaking"\n1,/m/2,Bark\n', encoding="utf-8")
    made = audioset_classes.Event(load_space("event", settings).spec, settings)
    assert made.read_names(path) == ["Child speech, kid speaking", "Bark"]


def test_a_table_of_another_length_is_refused(space: Space, settings: Settings) -> None:
    path = settings.weights_dir / weight_files.AUDIOSET_NAMES.name
    path.write_text((TABLE + "0,/m/1,Bark\n").ljust(weight_files.AUDIOSET_NAMES.size or 0), encoding="utf-8")
    next(settings.weights_dir.glob("event-classes-*")).unlink()
    with pytest.raises(WeightsError, match="not a list of 521 class names"):
        space.project(Modality.AUDIO, np.zeros((1, 1545), np.float32))
