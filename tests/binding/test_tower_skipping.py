"""Skipping: towers that an input's factors can do without do not run, and nothing else changes."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from omnisearch.binding import checkpoint, tower_skipping
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.model import OmniBind
from omnisearch.binding.router import Router
from omnisearch.config import Settings, load_settings
from omnisearch.spaces.base import SpaceSpec
from omnisearch.types import Content, Floats, Modality, Role
from tests.binding.test_fusion import shaken

TEXT = Modality.TEXT
SPACES = ("first", "second", "third", "twin", "fourth")  # third and twin read one tower
TOWERS = {"first": "a", "second": "b", "third": "c", "twin": "c", "fourth": "d"}
CONFIG = {
    "name": "small",
    "licence": "none",
    "dim": 4,
    "projectors": {name: {"kind": "mlp", "heads": 2, "hidden": 8} for name in SPACES},
    "branches": {
        "text": [
            {"parts": {"first": 1}},
            {"parts": {"second": 1}},
            {"parts": {"third": 1}},
            {"parts": {"twin": 1}, "normalise": True},
            {"parts": {"fourth": 0.9, "second": 0.1}, "normalise": True},
        ],
    },
    "routers": {"text": {"kind": "learned", "inputs": ["first"], "hidden": [9, 5], "scale": 10}},
    "centred": ["text"],
}
WORDS = [f"{a} {b}" for a in ("red", "a loud", "round") for b in ("dog", "bell", "chair", "river")]


class Seeing:
    """A tower whose row is a fixed random function of the text; `seen` is what it was given."""

    width, fingerprint = 6, "seeing"

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[str] = []

    def features(self, contents: Sequence[Content]) -> Floats:
        self.seen += [str(content) for content in contents]
        return np.array([self.row(str(content)) for content in contents], np.float32)

    def row(self, text: str) -> Floats:
        seed = [ord(letter) for letter in f"{self.name} {text}"]
        return np.random.default_rng(seed).normal(size=self.width)


class Toy:
    """A space over one of the towers."""

    def __init__(self, name: str, tower: Seeing) -> None:
        self.spec = SpaceSpec(name, 5, {TEXT: tower.name}, frozenset(), "none", {})
        self.fingerprint = name
        self._tower = tower
        self._map = np.random.default_rng(len(name)).normal(size=(6, 5))

    def tower(self, modality: Modality) -> Seeing:
        return self._tower

    def project(self, modality: Modality, features: Floats) -> Floats:
        rows = features @ self._map
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class World:
    """The model, the towers under it, and how many inputs each of them has seen."""

    def __init__(self, folder: Path, config: dict[str, object]) -> None:
        self.folder = folder
        self.towers = {name: Seeing(name) for name in dict.fromkeys(TOWERS.values())}
        fusion = shaken(Fusion(ModelConfig.model_validate(config), dict.fromkeys(SPACES, 5)))
        assert isinstance(fusion, Fusion)
        if isinstance(router := fusion.routers[TEXT], Router):  # inputs shall differ in what they need
            state = router.state_dict()
            for name in ("layers.0.bias", "layers.1.bias", "layers.1.running_mean", "layers.6.bias"):
                state[name].zero_()
            for name in ("layers.3.bias", "layers.4.bias", "layers.4.running_mean"):
                state[name].zero_()
            state["layers.0.weight"].mul_(5)
        checkpoint.write(folder, fusion)

    def space(self, name: str, settings: Settings) -> Toy:
        return Toy(name, self.towers[TOWERS[name]])

    def model(self, share: float = 1.0) -> OmniBind:
        return OmniBind.load(str(self.folder), load_settings(share=share), self.space)

    def counts(self) -> dict[str, int]:
        found = {name: len(tower.seen) for name, tower in self.towers.items()}
        for tower in self.towers.values():
            tower.seen.clear()
        return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "model", CONFIG)


def fused_by_hand(model: OmniBind, embeddings: dict[tuple[str, Modality], Floats], kept: list[set[str]]) -> Floats:
    """The sum of the parts that `decompose` names, of the kept branches alone, from whole embeddings."""
    parts = model.decompose(TEXT, embeddings)
    names = [branch.name for branch in model.config.branches[TEXT]]
    whole = np.stack([parts[f"text:{name}"] for name in names])  # (branches, n, dim), each of one length per input
    keep = np.array([[name in some for some in kept] for name in names])
    fused = (whole * keep[..., None]).sum(axis=0)
    fused /= np.linalg.norm(fused, axis=1, keepdims=True)
    mean = model._fusion.means[TEXT].numpy()
    fused -= mean
    return fused / np.linalg.norm(fused, axis=1, keepdims=True)


def test_the_whole_share_is_the_exact_embedding_bit_by_bit(world: World) -> None:
    exact = world.model()
    whole = exact.encode_spaces(TEXT, WORDS, Role.QUERY)
    assert world.counts() == dict.fromkeys("abcd", len(WORDS))
    asked = exact.encode_spaces(TEXT, WORDS, Role.QUERY, 1.0)
    assert all(np.array_equal(whole[key], asked[key]) for key in whole)
    assert np.array_equal(exact.encode(TEXT, WORDS, Role.QUERY), exact.bind(TEXT, whole))
    for (space, _), rows in whole.items():  # each space alone, through nothing of ours
        toy = world.space(space, load_settings())
        np.testing.assert_allclose(rows, toy.project(TEXT, toy.tower(TEXT).features(WORDS)), atol=1e-6)


def test_a_smaller_share_never_runs_more(world: World) -> None:
    done: list[Floats] = []
    for share in (0.2, 0.5, 0.8, 0.9, 0.99, 0.9999, 1.0):
        model = world.model(share)
        model.encode(TEXT, WORDS, Role.QUERY)
        seen = {name: set(tower.seen) for name, tower in world.towers.items()}
        assert world.counts()["a"] == len(WORDS), "the router reads it"
        done.append(np.array([[text in seen[name] for text in WORDS] for name in "abcd"]))
    assert all((later | ~earlier).all() for earlier, later in itertools.pairwise(done))
    assert done[0].mean() < done[3].mean() <= done[-1].mean() == 1


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
def test_the_towers_with_the_largest_factors_run_until_the_share_is_reached(world: World, share: float) -> None:
    model = world.model()
    skipped = model.encode_spaces(TEXT, WORDS, Role.QUERY, share)
    for n, factors in enumerate(
        np.stack(list(model.factors(TEXT, model.encode_spaces(TEXT, WORDS, Role.QUERY)).values()), axis=1)
    ):
        free, second, third, twin, fourth = map(float, factors)
        carried = {frozenset("b"): second, frozenset("c"): third + twin, frozenset("bd"): fourth}
        wanted, mass = {"a"}, free
        for group in sorted(carried, key=lambda g: -carried[g]):
            if mass < share:
                wanted |= group
                mass += carried[group]
        assert mass >= share - 1e-6
        assert {TOWERS[space] for (space, _), rows in skipped.items() if rows[n].any()} == wanted


def test_skipping_is_the_sum_of_the_kept_branches(world: World) -> None:
    model = world.model(0.8)
    skipped = model.encode_spaces(TEXT, WORDS, Role.QUERY, 0.8)
    spaces = [{space for (space, _), rows in skipped.items() if rows[n].any()} for n in range(len(WORDS))]
    kept = [{branch.name for branch in model.config.branches[TEXT] if set(branch.parts) <= ran} for ran in spaces]
    assert len({frozenset(some) for some in kept}) > 1, "inputs differ in what they need"
    wanted = fused_by_hand(model, model.encode_spaces(TEXT, WORDS, Role.QUERY), kept)
    np.testing.assert_allclose(model.encode(TEXT, WORDS, Role.QUERY), wanted, atol=1e-5)
    np.testing.assert_allclose(sum(model.factors(TEXT, skipped).values()), 1, atol=1e-6)
    np.testing.assert_allclose(sum(model.decompose(TEXT, skipped).values()), model.bind(TEXT, skipped), atol=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_rows_do_not_depend_on_batch_or_order(world: World, share: float) -> None:
    model = world.model(share)
    together = model.encode(TEXT, WORDS, Role.QUERY)
    np.testing.assert_allclose(together, [model.encode(TEXT, [word], Role.QUERY)[0] for word in WORDS], atol=1e-6)
    np.testing.assert_allclose(together[::-1], model.encode(TEXT, WORDS[::-1], Role.QUERY), atol=1e-6)
    assert model.encode(TEXT, [], Role.QUERY).shape == (0, 4)


def test_spaces_of_a_shared_tower_come_together(world: World) -> None:
    skipped = world.model().encode_spaces(TEXT, WORDS, Role.QUERY, 0.6)
    assert (skipped["third", TEXT].any(axis=1) == skipped["twin", TEXT].any(axis=1)).all()
    seen = world.towers["c"].seen
    assert len(seen) == len(set(seen)), "one pass for both"


def test_skipping_whole_embeddings_is_what_skipping_towers_gives(world: World) -> None:
    model = world.model()
    whole = model.encode_spaces(TEXT, WORDS, Role.QUERY)
    for share in (0.4, 0.9, 1.0):
        asked, simulated = model.encode_spaces(TEXT, WORDS, Role.QUERY, share), model.skip(TEXT, whole, share)
        assert set(asked) == set(simulated)
        for key in asked:
            np.testing.assert_allclose(asked[key], simulated[key], atol=1e-6)


def test_work_weighs_each_tower_once_by_its_parameters(world: World) -> None:
    model = world.model()
    towers = model.towers(TEXT)
    whole = model.encode_spaces(TEXT, WORDS, Role.QUERY)
    assert (tower_skipping.work(whole, TEXT, towers, {}) == 1).all()
    only = {key: rows if key[0] in ("third", "twin") else np.zeros_like(rows) for key, rows in whole.items()}
    found = tower_skipping.work(only, TEXT, towers, {"a": 10, "b": 20, "c": 30, "d": 40})
    np.testing.assert_allclose(found, 0.3, atol=1e-6)


def test_factors_set_by_hand_are_known_before_anything_runs(tmp_path: Path) -> None:
    routers = {"text": {"kind": "fixed", "factors": [5, 1, 2, 2, 0]}}
    world = World(tmp_path / "model", CONFIG | {"routers": routers})
    world.model(0.85).encode(TEXT, WORDS, Role.QUERY)
    assert world.counts() == {"a": len(WORDS), "b": 0, "c": len(WORDS), "d": 0}
    world.model(0.45).encode(TEXT, WORDS, Role.QUERY)
    assert world.counts() == {"a": len(WORDS), "b": 0, "c": 0, "d": 0}


def test_a_tower_whose_factor_is_zero_runs_for_an_index_alone(tmp_path: Path) -> None:
    decided = {"text": {"kind": "learned", "inputs": ["first"], "hidden": [9, 5], "scale": 1e5}}
    world = World(tmp_path / "decided", {**CONFIG, "routers": decided})
    model = world.model()
    whole = model.encode_spaces(TEXT, WORDS, Role.DOCUMENT)
    assert world.counts() == dict.fromkeys("abcd", len(WORDS))
    assert np.array_equal(model.encode(TEXT, WORDS, Role.QUERY), model.bind(TEXT, whole))
    ran = world.counts()
    assert ran["a"] == len(WORDS), "the router reads it"
    assert ran["b"] + ran["c"] + ran["d"] < 3 * len(WORDS)
