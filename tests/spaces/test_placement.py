"""Where towers run and what they take: device and precision of each, and a budget that is kept."""

import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from omnisearch.config import Settings, load_settings
from omnisearch.errors import SettingsError
from omnisearch.spaces import towers
from omnisearch.spaces.device import dtype
from omnisearch.spaces.placement import memory, place
from omnisearch.spaces.towers import TowerSpec, load_tower
from omnisearch.types import Content, Floats

BIG = TowerSpec("big", 1, (), "omnisearch.spaces.towers:Loader", parameters=100, half="bf16")
SMALL = TowerSpec("small", 1, (), "omnisearch.spaces.towers:Loader", parameters=30)


class Held:
    """A tower that can be watched going away."""

    width = 1

    def __init__(self, name: str, fingerprint: str) -> None:
        self.name, self.fingerprint = name, fingerprint

    def features(self, contents: Sequence[Content]) -> Floats:
        return np.ones((len(contents), 1), np.float32)


class Loader:
    """Makes towers and remembers those that still live."""

    def __init__(self, specs: Sequence[TowerSpec]) -> None:
        self.names = {spec.fingerprint: spec.name for spec in specs}
        self.made: list[tuple[str, Settings]] = []
        self.alive: weakref.WeakSet[Held] = weakref.WeakSet()

    def load(self, settings: Settings, fingerprint: str) -> Held:
        tower = Held(self.names[fingerprint], fingerprint)
        self.made.append((tower.name, settings))
        self.alive.add(tower)
        return tower

    def held(self) -> set[str]:
        return {tower.name for tower in self.alive}


def declare(monkeypatch: pytest.MonkeyPatch, *specs: TowerSpec) -> Loader:
    loader = Loader(specs)
    monkeypatch.setattr(towers, "Loader", loader, raising=False)
    monkeypatch.setattr(towers, "TOWERS", {spec.name: spec for spec in specs})
    monkeypatch.setattr(towers, "_loaded", OrderedDict())
    return loader


@pytest.mark.parametrize(
    ("given", "device", "precision", "wanted"),
    [
        ({"device": "cpu"}, "cpu", "fp32", 400),
        ({"device": "cuda"}, "cuda", "bf16", 200),
        ({"device": "cuda", "precision": "fp16"}, "cuda", "bf16", 200),
        ({"device": "cpu", "precision": "bf16"}, "cpu", "bf16", 200),
        ({"device": "cuda", "towers": {"big": {"device": "cpu"}}}, "cpu", "fp32", 400),
        ({"device": "cuda", "towers": {"big": {"precision": "fp32"}}}, "cuda", "fp32", 400),
    ],
)
def test_a_tower_is_placed_by_its_own_settings_then_by_those_of_all(
    given: dict[str, Any], device: str, precision: str, wanted: int
) -> None:
    placed = place(BIG, load_settings(**given))
    assert (placed.device, placed.precision, memory(BIG, placed)) == (device, precision, wanted)


def test_a_tower_that_bears_no_half_precision_stays_in_fp32() -> None:
    placed = place(SMALL, load_settings(device="cuda", precision="bf16"))
    assert (placed.precision, memory(SMALL, placed)) == ("fp32", 120)
    with pytest.raises(SettingsError, match=r"towers\.small\.precision = 'bf16'"):
        place(SMALL, load_settings(towers={"small": {"precision": "bf16"}}))


def test_only_a_tower_that_was_made_for_fp16_runs_in_it() -> None:
    with pytest.raises(SettingsError, match=r"towers\.big\.precision = 'fp16': on cpu this tower runs in fp32, bf16"):
        place(BIG, load_settings(device="cpu", towers={"big": {"precision": "fp16"}}))
    placed = place(replace(BIG, half="fp16"), load_settings(device="cuda", precision="fp16"))
    assert placed.precision == "fp16"


def test_the_type_of_weights_follows_the_precision() -> None:
    assert dtype(load_settings()) is torch.float32
    assert dtype(place(BIG, load_settings(device="cuda"))) is torch.bfloat16
    assert dtype(load_settings(precision="fp16")) is torch.float16


def test_loaders_see_a_device_and_a_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = declare(monkeypatch, BIG)
    load_tower("big", load_settings(device="auto", towers={"big": {"device": "cpu"}}))
    assert [(s.device, s.precision) for _, s in loader.made] == [("cpu", "fp32")]


def test_settings_for_a_tower_that_is_not_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, BIG)
    with pytest.raises(SettingsError, match=r"towers\.bigg: there is no such tower; did you mean 'big'"):
        load_tower("big", load_settings(towers={"bigg": {"device": "cpu"}}))


def test_a_tower_larger_than_the_budget_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = declare(monkeypatch, BIG)
    with pytest.raises(SettingsError, match=r"max_memory = 399.*big alone takes 400.*cpu in fp32"):
        load_tower("big", load_settings(device="cpu", max_memory=399))
    assert loader.made == []
    load_tower("big", load_settings(device="cpu", max_memory=400))


def test_the_longest_unused_towers_go_when_room_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [replace(SMALL, name=name) for name in "abcd"]  # 120 bytes each
    loader = declare(monkeypatch, *specs)
    settings = load_settings(device="cpu", max_memory=370)
    for name in "abc":
        load_tower(name, settings)
    assert loader.held() == {"a", "b", "c"}
    load_tower("a", settings)
    load_tower("d", settings)
    assert loader.held() == {"a", "c", "d"}, "b was used longest ago"
    load_tower("b", settings)
    assert loader.held() == {"a", "b", "d"}
    assert [name for name, _ in loader.made] == ["a", "b", "c", "d", "b"]


def test_towers_of_another_device_and_without_a_budget_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [replace(SMALL, name=name) for name in "abc"]
    loader = declare(monkeypatch, *specs)
    load_tower("a", load_settings(device="cuda", max_memory=150))
    load_tower("b", load_settings(device="cpu", max_memory=150))
    assert loader.held() == {"a", "b"}
    load_tower("c", load_settings(device="cpu"))
    assert loader.held() == {"a", "b", "c"}


def test_a_tower_is_loaded_with_those_that_it_runs_over(monkeypatch: pytest.MonkeyPatch) -> None:
    over = [replace(SMALL, name="eye", over="base"), replace(SMALL, name="ear", over="base")]
    loader = declare(monkeypatch, replace(SMALL, name="base"), *over)
    settings = load_settings(device="cpu", towers={"base": {"device": "cuda"}})
    load_tower("eye", settings)
    load_tower("ear", settings)
    assert [(name, placed.device) for name, placed in loader.made] == [("base", "cpu"), ("eye", "cpu"), ("ear", "cpu")]


def test_towers_go_with_the_one_that_they_run_over(monkeypatch: pytest.MonkeyPatch) -> None:
    over = [replace(SMALL, name="eye", over="base"), replace(SMALL, name="ear", over="base")]
    loader = declare(monkeypatch, replace(SMALL, name="base"), *over, replace(SMALL, name="other"))
    settings = load_settings(device="cpu", max_memory=300)
    load_tower("eye", settings)
    load_tower("ear", settings)
    assert loader.held() == {"base", "ear"}, "the eye was used longest ago; the ear needs the base"
    load_tower("other", settings)
    assert loader.held() == {"other"}


def test_a_stack_of_towers_larger_than_the_budget_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = declare(monkeypatch, replace(SMALL, name="base"), replace(SMALL, name="eye", over="base"))
    with pytest.raises(SettingsError, match="eye alone takes 240"):
        load_tower("eye", load_settings(device="cpu", max_memory=239))
    assert loader.made == []


def test_a_loaded_tower_does_not_wait_for_one_that_is_being_read(monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, replace(SMALL, name="text"), replace(SMALL, name="image"))
    settings = load_settings(device="cpu")
    load_tower("text", settings)
    reads, may_end = threading.Event(), threading.Event()

    def slow(settings: Settings, fingerprint: str) -> Held:
        reads.set()
        may_end.wait(30)
        return Held("image", fingerprint)

    monkeypatch.setattr(towers.Loader, "load", slow)  # type: ignore[attr-defined]
    thread = threading.Thread(target=load_tower, args=("image", settings))
    thread.start()
    assert reads.wait(30)
    found: list[str] = []
    other = threading.Thread(target=lambda: found.append(load_tower("text", settings).name))
    other.start()
    other.join(30)
    waited = list(found)
    may_end.set()
    thread.join()
    other.join()
    assert waited == ["text"]


def test_many_threads_never_keep_more_than_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [replace(SMALL, name=name) for name in "abcdef"]
    loader = declare(monkeypatch, *specs)
    settings = load_settings(device="cpu", max_memory=250)
    wrong: list[str] = []

    def use(seed: int) -> None:
        for n in np.random.default_rng(seed).integers(0, 6, 50):
            name = "abcdef"[n]
            if load_tower(name, settings).name != name:
                wrong.append(name)

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(loader.held()) == len(towers._loaded) == 2
