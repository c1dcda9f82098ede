"""A head is what its formula says, is the same after a file, and makes a space of a tower."""

from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.config import Settings, load_settings
from omnisearch.errors import ModelMissingError, WeightsError
from omnisearch.spaces.head import Head
from omnisearch.spaces.registry import SPACES, load_space
from omnisearch.spaces.text_side import TextSide
from omnisearch.spaces.towers import TOWERS
from omnisearch.spaces.weights import tensors
from omnisearch.types import Modality

TRAINED = [
    name
    for name, spec in SPACES.items()
    if any(file.endswith("-head.safetensors") for group in spec.weights.values() for file in group) and name != "shape"
]  # the shape space has a network of its own kind: test_shape.py


def make_head(width: int = 20, dim: int = 8, hidden: int = 12, heads: int = 3) -> Head:
    torch.manual_seed(0)
    head = Head(width, dim, hidden, heads, dropout=0.5)
    head.standardise(torch.randn(50, width) * 3 + 1)
    return head.eval()


@pytest.mark.parametrize("hidden", [0, 12])
def test_saved_and_loaded_it_is_the_same(tmp_path: Path, hidden: int) -> None:
    head, features = make_head(hidden=hidden), torch.randn(5, 20)
    head.save(tmp_path / "h.safetensors", {"trained_on": "nothing"})
    loaded = Head.load(tmp_path / "h.safetensors")
    assert not loaded.training
    torch.testing.assert_close(loaded(features), head(features), rtol=0, atol=0)


def test_it_is_its_formula_in_float64() -> None:
    head = make_head()
    x = np.random.default_rng(0).normal(size=(7, 20))
    first, second = (weight.detach().double().numpy() for weight in head.weights)
    with torch.no_grad():
        for bias in head.biases:
            bias.copy_(torch.randn_like(bias))
    one, two = (bias.detach().double().numpy() for bias in head.biases)
    z = (x - head.mean.double().numpy()) / head.std.double().numpy()
    total = np.zeros((7, 8))
    for h in range(3):
        inner = torch.nn.functional.gelu(torch.from_numpy(z @ first[h] + one[h])).numpy()
        y = inner @ second[h] + two[h]
        total += y / np.linalg.norm(y, axis=1, keepdims=True)
    expected = total / np.linalg.norm(total, axis=1, keepdims=True)
    np.testing.assert_allclose(head(torch.from_numpy(x).float()).detach().numpy(), expected, atol=1e-5)


def test_equal_heads_are_equal_files(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_head().save(tmp_path / name, dict.fromkeys("abcdefgh", "noted"))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def make_text_side(head: Head) -> TextSide:
    assert head.text is not None
    return head.text


def test_a_text_side_is_the_text_tower_until_it_is_trained(tmp_path: Path) -> None:
    head, texts = Head(20, 8, text_hidden=5, text_dropout=0.5), torch.randn(6, 8)
    side = make_text_side(head)
    torch.testing.assert_close(side.train()(texts), torch.nn.functional.normalize(texts, dim=-1))
    for parameter in side.parameters():
        torch.nn.init.normal_(parameter)
    head.eval().save(tmp_path / "h.safetensors")
    loaded = make_text_side(Head.load(tmp_path / "h.safetensors"))(texts)
    torch.testing.assert_close(loaded, side(texts), rtol=0, atol=0)
    # Its formula, in float64.
    a, b, c, d = (p.detach().double() for p in (side.inner.weight, side.inner.bias, side.outer.weight, side.outer.bias))
    moved = texts.double() + torch.nn.functional.gelu(texts.double() @ a.T + b) @ c.T + d
    torch.testing.assert_close(loaded, (moved / moved.norm(dim=1, keepdim=True)).float())


def test_dropout_acts_in_training_alone() -> None:
    head, features = make_head(), torch.randn(5, 20)
    torch.testing.assert_close(head(features), head(features))
    assert not torch.allclose(head.train()(features), head.eval()(features))


def test_a_file_that_is_no_head_is_refused(tmp_path: Path) -> None:
    tensors.write({"a": torch.zeros(1)}, tmp_path / "h.safetensors")
    with pytest.raises(WeightsError, match=r"h\.safetensors is of format None, not"):
        Head.load(tmp_path / "h.safetensors")


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("omnisearch.spaces.weights.spec.PACKAGE", tmp_path)
    return tmp_path / "spaces" / "heads"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(weights_dir=tmp_path / "weights")


def test_there_are_trained_spaces() -> None:
    assert {"drawing", "sound", "object"} <= set(TRAINED)


@pytest.mark.parametrize("name", TRAINED)
def test_a_trained_space_projects_through_its_head(name: str, package: Path, settings: Settings) -> None:
    space = load_space(name, settings)
    other = next(modality for modality in space.spec.towers if modality is not Modality.TEXT)
    width = TOWERS[space.spec.towers[other]].width
    features = np.random.default_rng(0).normal(size=(4, width)).astype(np.float32)
    with pytest.raises(ModelMissingError, match=f"{name}-head"):
        space.project(other, features)
    with pytest.raises(ModelMissingError, match=f"{name}-head"):
        _ = space.fingerprint
    head = make_head(width, 384)
    head.save(package / f"{name}.safetensors")
    rows = space.project(other, features)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, head(torch.from_numpy(features)).detach().numpy(), atol=1e-6)
    before = space.fingerprint
    make_head(width, 384, hidden=5).save(package / f"{name}.safetensors")
    assert load_space(name, settings).fingerprint != before
    assert space.fingerprint == before  # it is that of the network in memory, and does not read the file again


def test_a_head_of_another_width_is_refused(package: Path, settings: Settings) -> None:
    make_head(width=7, dim=384).save(package / "sound.safetensors")
    with pytest.raises(WeightsError, match="maps 7 to 384 numbers; the space sound needs"):
        load_space("sound", settings).project(Modality.AUDIO, np.zeros((1, 512), np.float32))


def test_a_space_reads_texts_as_the_text_tower_unless_it_has_a_text_side(package: Path, settings: Settings) -> None:
    texts = np.random.default_rng(0).normal(size=(3, 384)).astype(np.float32)
    make_head(512, 384).save(package / "sound.safetensors")
    lengths = np.linalg.norm(texts, axis=1, keepdims=True)
    np.testing.assert_allclose(load_space("sound", settings).project(Modality.TEXT, texts), texts / lengths, atol=1e-6)
    head = Head(512, 384, text_hidden=4).eval()
    torch.nn.init.normal_(make_text_side(head).outer.weight)
    head.save(package / "sound.safetensors")
    rows = load_space("sound", settings).project(Modality.TEXT, texts)
    with torch.inference_mode():
        np.testing.assert_allclose(rows, make_text_side(head)(torch.from_numpy(texts)), atol=1e-6)
    assert np.abs(rows - texts / lengths).max() > 0.01
