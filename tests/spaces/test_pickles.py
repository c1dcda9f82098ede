"""Checkpoints that hold more than tensors give their tensors, and nothing else in them comes to life."""

import argparse
import collections
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.errors import WeightsError
from omnisearch.spaces.weights import pickles, tensors

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.count": torch.tensor(3), "b": torch.ones(2, dtype=torch.half)}


class Setting(dict):  # type: ignore[type-arg]
    """A container of the trainer's own, filled item by item."""


class Touch:
    """Makes a folder when it is unpickled, by any of the ways a pickle has."""

    def __init__(self, way: str) -> None:
        self.way = way

    def __reduce__(self) -> tuple[object, ...]:
        made = f"run-by-{self.way}"
        ways: dict[str, tuple[object, ...]] = {
            "call": (os.mkdir, (made,)),
            "items": (Setting, (), None, None, iter([("run", made)])),
            "eval": (eval, (f"__import__('os').mkdir({made!r})",)),
            "state": (argparse.Namespace, (), {"run": made}),
        }
        return ways[self.way]


def trainers_checkpoint() -> dict[str, object]:
    """Everything that trainers were seen to save beside a network."""
    named = {f"module.{name}": tensor for name, tensor in STATE.items()}
    return {
        "state_dict": collections.OrderedDict(named),
        "optimizer": {"param_groups": [{"lr": np.float64(1e-3), "betas": (0.9, 0.98)}], "state": {0: torch.zeros(2)}},
        "args": argparse.Namespace(lr=1e-3),
        "config": Setting(rate=32_000, layers=[1, 2]),
        "best": np.float32(0.5),
    }


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("zipped", [True, False])
def test_the_network_comes_out_of_what_a_trainer_saved(tmp_path: Path, protocol: int, zipped: bool) -> None:
    path = tmp_path / "trained.pt"
    torch.save(trainers_checkpoint(), path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    with pytest.raises((pickle.UnpicklingError, UserWarning)):
        torch.load(path, weights_only=True)
    found = tensors.read_pickle(path)
    assert set(found) == set(STATE), "without the prefix of parallel training"
    assert all(torch.equal(found[name], STATE[name]) and found[name].dtype == STATE[name].dtype for name in STATE)
    assert set(tensors.read(path)) == set(STATE)
    assert (tmp_path / "trained.safetensors").is_file()


@pytest.mark.parametrize("way", ["call", "eval", "items", "state"])
def test_nothing_runs_while_the_tensors_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": STATE, "extra": Touch(way)}, "hostile.pt", pickle_protocol=4)
    content = pickles.load(Path("hostile.pt"))
    assert type(content["extra"]) is pickles.Inert
    assert not vars(content["extra"])
    assert set(tensors.read_pickle(Path("hostile.pt"))) == set(STATE)
    assert [path.name for path in tmp_path.iterdir()] == ["hostile.pt"]


def test_an_object_in_place_of_a_tensor_is_refused(tmp_path: Path) -> None:
    torch.save({"model": {**STATE, "c": argparse.Namespace(x=1)}}, tmp_path / "odd.pt")
    with pytest.raises(WeightsError, match=r"odd\.pt is not a dictionary of tensors"):
        tensors.read_pickle(tmp_path / "odd.pt")


def test_a_program_is_refused(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "program.pt")
    with pytest.raises(WeightsError, match=r"program\.pt is a TorchScript program"):
        pickles.load(tmp_path / "program.pt")
