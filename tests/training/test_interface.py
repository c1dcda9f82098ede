"""MiCo's objectives over tokens: BERT and the losses by their formulas in float64, and that each is learned."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from omnisearch.spaces.families import mico
from omnisearch.spaces.nn import torchvision_shim
from omnisearch_training.stages import loop
from omnisearch_training.stages.interface import Interface, InterfaceConfig, train_interface
from omnisearch_training.stages.losses import info_nce
from omnisearch_training.stages.matching import hard_negatives
from omnisearch_training.stages.objective import ObjectiveConfig
from omnisearch_training.stages.word_masks import IGNORED, mask_words
from tests.spaces.conftest import shaken

# Slow for the imports of transformers, and for training.
pytestmark = pytest.mark.slow
torchvision_shim.install()
pytest.importorskip("transformers")

VOCABULARY, MEDIA, HEADS = 180, 12, 2
TINY = InterfaceConfig(width=16, layers=2, heads=HEADS, dim=8, captioning=1.0)


@pytest.fixture
def interface() -> Interface:
    torch.manual_seed(0)
    made = shaken(Interface(TINY, MEDIA, VOCABULARY)).double()
    made.contrastive.warmth.data.fill_(np.log(0.2))  # type: ignore[union-attr]
    return made.eval()  # type: ignore[return-value]


def given(count: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    contexts = torch.randn(count, 4, MEDIA, generator=draw, dtype=torch.float64)
    ids = torch.randint(106, VOCABULARY, (count, 7), generator=draw)
    mask = (torch.arange(7) < torch.tensor([7, 3, 5, 2, 6])[:count, None]).long()
    return contexts, ids * mask, mask


class Formula:
    """BERT with cross-attention, written out: every layer attends to words, then to media, then has two matrices."""

    def __init__(self, interface: Interface) -> None:
        self.state = interface.state_dict()

    def linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self.state[f"{name}.weight"].T + self.state[f"{name}.bias"]

    def norm(self, x: Tensor, name: str) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        spread = (centred.square().mean(-1, keepdim=True) + 1e-12).sqrt()
        return centred / spread * self.state[f"{name}.weight"] + self.state[f"{name}.bias"]

    def gelu(self, x: Tensor) -> Tensor:
        return x * (1 + torch.erf(x / 2**0.5)) / 2

    def attend(self, x: Tensor, source: Tensor, allowed: Tensor, name: str) -> Tensor:
        q, k, v = (
            self.linear(each, f"{name}.self.{part}").view(*each.shape[:2], HEADS, -1).transpose(1, 2)
            for part, each in (("query", x), ("key", source), ("value", source))
        )
        odds = (q @ k.mT / q.shape[-1] ** 0.5).exp() * allowed[:, None]
        seen = ((odds / odds.sum(-1, keepdim=True)) @ v).transpose(1, 2).flatten(2)
        return self.norm(self.linear(seen, f"{name}.output.dense") + x, f"{name}.output.LayerNorm")

    def read(self, ids: Tensor, allowed: Tensor, contexts: Tensor | None) -> Tensor:
        parts = "bert.embeddings"
        x = self.state[f"{parts}.word_embeddings.weight"][ids]
        x = x + self.state[f"{parts}.position_embeddings.weight"][: ids.shape[1]]
        x = self.norm(x + self.state[f"{parts}.token_type_embeddings.weight"][0], f"{parts}.LayerNorm")
        if contexts is not None:
            contexts = self.norm(self.linear(contexts, "to_context.0"), "to_context.1")
        for layer in (f"bert.encoder.layer.{i}" for i in range(TINY.layers)):
            x = self.attend(x, x, allowed.double(), f"{layer}.attention")
            if contexts is not None:
                everything = torch.ones(len(x), x.shape[1], contexts.shape[1], dtype=torch.float64)
                x = self.attend(x, contexts, everything, f"{layer}.crossattention")
            hidden = self.gelu(self.linear(x, f"{layer}.intermediate.dense"))
            x = self.norm(self.linear(hidden, f"{layer}.output.dense") + x, f"{layer}.output.LayerNorm")
        return x

    def match(self, contexts: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        states = self.read(ids, mask[:, None].expand(-1, ids.shape[1], -1), contexts)[:, 0]
        return self.linear(self.norm(self.gelu(self.linear(states, "matcher.0")), "matcher.2"), "matcher.3")

    def words(self, contexts: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
        allowed = torch.tril(mask[:, None].expand(-1, ids.shape[1], -1))
        states = self.read(ids, allowed, contexts)
        states = self.norm(self.gelu(self.linear(states, "to_words.0")), "to_words.2")
        return states @ self.state["bert.embeddings.word_embeddings.weight"].T + self.state["word_bias"]

    def features(self, contexts: Tensor, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        media = contexts[:, 0] @ self.state["of_media.weight"].T
        text = self.read(ids, mask[:, None].expand(-1, ids.shape[1], -1), None)[:, 0] @ self.state["of_text.weight"].T
        return media / media.norm(dim=1, keepdim=True), text / text.norm(dim=1, keepdim=True)


def test_captions_are_read_in_both_directions_and_written_in_one(interface: Interface) -> None:
    contexts, ids, mask = given()
    formula = Formula(interface)
    both = mask[:, None].expand(-1, ids.shape[1], -1)
    for media in (None, contexts):
        for causal, allowed in ((False, both), (True, torch.tril(both))):
            found, wanted = interface.read(ids, mask, media, causal), formula.read(ids, allowed, media)
            torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)
    assert (interface.read(ids, mask) - interface.read(ids, mask, causal=True)).abs().max() > 1e-2
    assert (interface.read(ids, mask) - interface.read(ids, mask, contexts)).abs().max() > 1e-2
    torch.testing.assert_close(interface.match(contexts, ids, mask), formula.match(contexts, ids, mask))
    torch.testing.assert_close(interface.words(contexts, ids, mask), formula.words(contexts, ids, mask))


def test_a_word_does_not_know_those_after_it(interface: Interface) -> None:
    contexts, ids, mask = given()
    other = ids.clone()
    other[0, 4:] = 106
    assert not torch.equal(ids[0], other[0])
    before, after = interface.words(contexts, ids, mask), interface.words(contexts, other, mask)
    torch.testing.assert_close(after[0, :4], before[0, :4])
    assert (after[0, 4:] - before[0, 4:]).abs().max() > 1e-3
    moved = interface.words(contexts.flip(1), ids, mask)
    torch.testing.assert_close(moved, before), "media have no order of their own"


@pytest.mark.parametrize("part", ["contrastive", "matching", "captioning"])
def test_the_losses_are_their_formulas(part: str, interface: Interface) -> None:
    contexts, ids, mask = given()
    names, formula, tau = torch.tensor([0, 1, 1, 2, 3]), Formula(interface), 0.2
    weights: dict[str, Any] = {"matching": 0.3 * (part == "matching"), "captioning": 2.0 * (part == "captioning")}
    interface.config = TINY.model_copy(update=weights)
    found = interface(contexts, ids, mask, names, 11).item()
    media, text = formula.features(contexts, ids, mask)
    wanted = info_nce(media, text, tau, names, 0.1).item()
    generator = torch.Generator().manual_seed(11)
    if part == "matching":
        others = hard_negatives(text, media, tau, names, generator)
        other_texts = hard_negatives(media, text, tau, names, generator)
        total = 0.0
        for i in range(5):
            for m, t, label in ((i, i, 1), (int(others[i]), i, 0), (i, int(other_texts[i]), 0)):
                assert label == 1 or names[m] != names[t]
                odds = formula.match(contexts[m : m + 1], ids[t : t + 1], mask[t : t + 1])[0].exp()
                total -= float((odds[label] / odds.sum()).log()) / 15
        wanted += 0.3 * total
    if part == "captioning":
        inputs, labels = mask_words(ids, mask, 0.6, VOCABULARY, generator)
        odds = formula.words(contexts, inputs, mask).exp()
        told = [
            float((odds[i, t, labels[i, t]] / odds[i, t].sum()).log())
            for i in range(5)
            for t in range(7)
            if labels[i, t] != IGNORED
        ]
        wanted -= 2.0 * sum(told) / len(told)
    assert found == pytest.approx(wanted, rel=1e-9)


# ---- learning

ITEMS, CONCEPTS = 160, 20
SMALL = InterfaceConfig(
    width=32,
    layers=1,
    heads=2,
    dim=16,
    contrastive=ObjectiveConfig(temperature=0.05, learned_temperature=True, smoothing=0.1),
    matching=1.0,
    captioning=1.0,
    rate=3e-3,
    batch=40,
    steps=240,
)


def world(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Media whose tokens show a concept; its caption is two words that only this concept has together."""
    draw = np.random.default_rng(seed)
    shapes = np.random.default_rng(99).standard_normal((CONCEPTS, 3, MEDIA))
    concepts = np.arange(ITEMS) % CONCEPTS
    contexts = shapes[concepts] + 0.1 * draw.standard_normal((ITEMS, 3, MEDIA))
    words = np.stack([110 + concepts // 5, 130 + concepts % 5], axis=1)
    ids = np.concatenate([np.full((ITEMS, 1), 101), words, np.full((ITEMS, 1), 102)], axis=1).astype(np.int64)
    return contexts.astype(np.float32), ids, np.ones_like(ids), concepts


def trained(**changes: Any) -> tuple[Interface, list[float]]:
    seen: list[float] = []
    contexts, ids, mask, concepts = world(0)
    made = train_interface(
        contexts,
        ids,
        mask,
        VOCABULARY,
        SMALL.model_copy(update=changes),
        0,
        concepts,
        None,
        lambda *at: seen.append(at[2]),
    )
    return made, seen


def tensors(seed: int) -> list[Tensor]:
    return [torch.from_numpy(rows) for rows in world(seed)]


@torch.inference_mode()
def told(interface: Interface, media: Tensor) -> float:
    """The share of second words that are told right of new media, when they are masked."""
    _, ids, mask, _ = tensors(1)
    masked = ids.clone()
    masked[:, 1:3] = 103
    return float((interface.words(media, masked, mask).argmax(-1)[:, 1:3] == ids[:, 1:3]).float().mean())


@torch.inference_mode()
def separated(interface: Interface) -> float:
    """The share of new pairs that match better than the same media with the caption of a neighbouring concept."""
    media, ids, mask, _ = tensors(1)
    near = ids.clone()
    near[:, 2] = 130 + (ids[:, 2] - 129) % 5  # one word of the two is another
    odds = [interface.match(media, words, mask).diff(dim=1)[:, 0] for words in (ids, near)]
    return float((odds[0] > odds[1]).float().mean())


@torch.inference_mode()
def found(interface: Interface) -> float:
    """The share of new media whose nearest caption is of their concept."""
    media, ids, mask, concepts = tensors(1)
    left, right = interface.features(media, ids, mask)
    return float((concepts[(left @ right.T).argmax(1)] == concepts).float().mean())


def test_all_three_are_learned() -> None:
    interface, seen = trained()
    media = tensors(1)[0]
    assert np.mean(seen[-20:]) < 0.5 * np.mean(seen[:20])
    assert found(interface) > 0.6, "chance is 0.05"
    assert separated(interface) > 0.9
    assert told(interface, media) > 0.9
    assert told(interface, media.roll(1, 0)) < 0.6, "it tells what it is shown"


def test_each_is_cut_by_its_weight() -> None:
    interface, _ = trained(matching=0.0, captioning=0.0)
    assert found(interface) > 0.6, "chance is 0.05"
    assert separated(interface) < 0.75
    assert told(interface, tensors(1)[0]) < 0.3


def test_it_reads_the_tokens_of_an_image_network() -> None:
    """MiCo's own: the tokens of timm's network, the first of which stands for the picture."""
    torch.manual_seed(0)
    network = shaken(mico.trunk(embed_dim=64, depth=1, num_heads=4))
    with torch.inference_mode():
        contexts = network.forward_features(torch.randn(4, 3, 224, 224)).numpy()  # type: ignore[operator]
    assert contexts.shape == (4, 257, 64)
    _, ids, mask, _ = world(0)
    seen: list[float] = []
    short = SMALL.model_copy(update={"batch": 4, "steps": 12})
    train_interface(contexts, ids[:4], mask[:4], VOCABULARY, short, 0, None, None, lambda *at: seen.append(at[2]))
    assert np.isfinite(seen).all()
    assert seen[-1] < seen[0]


class KilledError(Exception):
    pass


def test_a_killed_training_ends_as_an_undisturbed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(loop, "EVERY", 3)
    contexts, ids, mask, concepts = world(0)
    config, place = SMALL.model_copy(update={"steps": 8}), tmp_path / "interface.safetensors"

    def kill(step: int, steps: int, loss: float) -> None:
        if step == 5:
            raise KilledError

    wanted = train_interface(contexts, ids, mask, VOCABULARY, config, 0, concepts).state_dict()
    with pytest.raises(KilledError):
        train_interface(contexts, ids, mask, VOCABULARY, config, 0, concepts, place, kill)
    resumed = train_interface(contexts, ids, mask, VOCABULARY, config, 0, concepts, place).state_dict()
    assert all(torch.equal(resumed[name], value) for name, value in wanted.items())
