"""ConSE equals its formula, with a classifier and class names made up for the test."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import class_words
from omnisearch.spaces.base import Space
from omnisearch.spaces.families import imagenet_classes
from omnisearch.spaces.registry import load_space
from omnisearch.spaces.weights import tensors, weight_files
from omnisearch.types import Modality

FORMULA_ATOL = 1e-5


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(weights_dir=tmp_path / "weights")


@pytest.fixture
def space(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Space:
    torch.manual_seed(0)
    made = load_space("photo", settings)
    for module in (imagenet_classes, class_words):  # the files made up here are smaller than the real ones
        monkeypatch.setattr(module, "resolve", lambda spec, settings: settings.weights_dir / Path(spec.name).name)
    path = settings.weights_dir / weight_files.EFFICIENTNET.name
    tensors.write(
        {"_fc.weight": torch.randn(1000, 1280), "_fc.bias": torch.randn(1000)}, path.with_suffix(".safetensors")
    )
    path.touch()
    meanings = settings.weights_dir / f"photo-classes-{made.fingerprint}.safetensors"
    tensors.write({"meanings": torch.randn(1000, 384)}, meanings)
    newer = path.stat().st_mtime_ns
    os.utime(path.with_suffix(".safetensors"), ns=(newer, newer))
    return made


@pytest.mark.parametrize("modality", [Modality.IMAGE, Modality.POINT_CLOUD])
def test_it_is_the_sum_of_the_likeliest_classes_by_their_shares(
    space: Space, settings: Settings, modality: Modality
) -> None:
    features = np.random.default_rng(0).normal(size=(3, 1280)).astype(np.float32) * 0.1
    weight, bias = (
        t.double().numpy()
        for t in tensors.read_some(settings.weights_dir / weight_files.EFFICIENTNET.name, ("_fc.weight", "_fc.bias"))
    )
    table = next(settings.weights_dir.glob("photo-classes-*"))
    meanings = tensors.read(table)["meanings"].double().numpy()
    for row, x in zip(space.project(modality, features), features, strict=True):
        logits = weight @ x + bias
        best = np.argsort(logits)[-imagenet_classes.TOP :]
        shares = np.exp(logits[best] / imagenet_classes.TEMPERATURE)
        expected = (shares / shares.sum()) @ meanings[best]
        np.testing.assert_allclose(row, expected / np.linalg.norm(expected), atol=FORMULA_ATOL)


def test_text_is_the_text_towers_row_at_unit_length(space: Space) -> None:
    rows = np.random.default_rng(0).normal(size=(2, 384)).astype(np.float32)
    expected = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(space.project(Modality.TEXT, rows), expected, atol=1e-6)


def test_a_list_of_names_of_another_length_is_refused(space: Space, settings: Settings) -> None:
    (settings.weights_dir / weight_files.IMAGENET_NAMES.name).write_text(json.dumps(["tench"] * 999))
    next(settings.weights_dir.glob("photo-classes-*")).unlink()
    with pytest.raises(WeightsError, match="not a list of 1000 class names"):
        space.project(Modality.IMAGE, np.ones((1, 1280), np.float32))
