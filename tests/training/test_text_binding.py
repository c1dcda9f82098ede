"""The text stage alone: spaces are added to a model whose other parts stay as they are."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.binding import checkpoint
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings, load_settings
from omnisearch.errors import UsageError
from omnisearch.spaces.base import SpaceSpec
from omnisearch.types import Floats, Modality
from omnisearch_training import text_binding
from omnisearch_training.datasets import Record, Split
from omnisearch_training.recipe import Recipe

TEXT, IMAGE = Modality.TEXT, Modality.IMAGE
DIM, WIDTH = 4, 6
PICTURES = {"image": [{"parts": {"hashed": 1}}]}
BOTH = [{"parts": {"hashed": 1}}, {"parts": {"multilingual": 1}}]


class Toy:
    """A space whose tower gives its embeddings."""

    fingerprint = "toy"

    def __init__(self, name: str) -> None:
        dim = DIM if name == "hashed" else WIDTH
        self.spec = SpaceSpec(name, dim, {TEXT: name, IMAGE: name}, frozenset(), "CC0", {})

    def project(self, modality: Modality, features: Floats) -> Floats:
        return features


class Given:
    """Features of texts: a direction for each word, which the other space sees through a fixed map."""

    def __init__(self, *_: object) -> None:
        pass

    def texts(self, texts: Sequence[str], tower: str) -> Floats:
        rows = np.array([np.random.default_rng(list(text.encode())).normal(size=DIM) for text in texts])
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        lens = np.random.default_rng(0).normal(size=(DIM, WIDTH))
        return (rows if tower == "hashed" else rows @ lens).astype(np.float32)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    config = {
        "name": "base",
        "licence": "CC0",
        "dim": DIM,
        "projectors": {"hashed": {"kind": "identity"}},
        "branches": {"text": BOTH[:1], **PICTURES},
        "routers": {part: {"kind": "fixed", "factors": [1]} for part in ("text", "image")},
        "centred": ["text"],
        "relevance": {"text": {"slope": 2.5}},
    }
    fusion = Fusion(ModelConfig.model_validate(config), {"hashed": DIM})
    fusion.means["text"].data.fill_(0.25)
    checkpoint.write(tmp_path / "base", fusion, {TEXT: np.ones((3, DIM), np.float32)})
    return tmp_path / "base"


def recipe(**changes: object) -> Recipe:
    model = {
        "name": "wider",
        "licence": "CC0",
        "dim": DIM,
        "projectors": {"hashed": {"kind": "identity"}, "multilingual": {"kind": "linear", "centred": ["text"]}},
        "branches": {"text": BOTH, **PICTURES},
        "routers": {"text": {"kind": "fixed", "factors": [1, 1]}, "image": {"kind": "fixed", "factors": [1]}},
        "centred": ["text"],
    }
    texts = {"anchor": "hashed", "spaces": ["multilingual"], "sentences": ["toys"], "ridge": 1e-6}
    return Recipe.model_validate({"pools": {}, "texts": texts, "model": model | changes})


@pytest.fixture(autouse=True)
def _toys(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_space(name: str, _: Settings) -> Toy:
        return Toy(name)

    words = [f"word {i}" for i in range(40)]
    records = [Record(word, word, Split.TRAIN, (word,), {}, "CC0") for word in words]
    monkeypatch.setattr(text_binding, "load_space", load_space)
    monkeypatch.setattr(text_binding, "Features", Given)
    monkeypatch.setattr(text_binding, "open_named", lambda _: records)
    monkeypatch.setattr(text_binding.provenance, "provenance", lambda *_: {})


def test_a_space_is_added_and_the_rest_stays(base: Path, tmp_path: Path) -> None:
    text_binding.bind_onto(recipe(), base, tmp_path / "out", load_settings(), tmp_path)
    found, before = checkpoint.read(tmp_path / "out"), checkpoint.read(base)
    assert found.config.name == "wider"
    assert found.config.relevance == before.config.relevance
    assert torch.equal(found.tensors["means.text"], before.tensors["means.text"])
    assert np.array_equal(found.background[TEXT], before.background[TEXT])
    fusion = checkpoint.build(found, {"hashed": DIM, "multilingual": WIDTH}, tmp_path)
    rows = {name: torch.from_numpy(Given().texts(["another word"], name)) for name in ("hashed", "multilingual")}
    own, other = fusion.branches(TEXT, rows)[0]
    torch.testing.assert_close(own, other, atol=1e-3, rtol=0)


def test_what_neither_the_model_nor_texts_have_is_named(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"lacks means\.image"):
        text_binding.bind_onto(recipe(centred=["text", "image"]), base, tmp_path / "out", load_settings(), tmp_path)
