"""Tensors come out of files as they went in, and nothing in a file runs."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from omnisearch.errors import WeightsError
from omnisearch.spaces.weights import tensors

STATE = {"z.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2), "m.count": torch.tensor(3)}


class Hostile:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, ("run-by-a-pickle",))


def test_a_pth_file_is_read_in_its_own_order_and_converted_once(tmp_path: Path) -> None:
    path = tmp_path / "toy.pth"
    torch.save((STATE, {"counts": (np.int64(3), 7)}), path)  # the shape of aiSFX's checkpoint
    first = tensors.read(path)
    assert list(first) == list(STATE)
    assert all(torch.equal(first[name], STATE[name]) for name in STATE)
    stamp = (tmp_path / "toy.safetensors").stat().st_mtime_ns
    assert list(tensors.read(path)) == list(STATE)
    assert (tmp_path / "toy.safetensors").stat().st_mtime_ns == stamp
    assert torch.equal(tensors.read_some(path, ("a.bias",))[0], STATE["a.bias"])


def test_a_newer_pth_file_is_converted_again(tmp_path: Path) -> None:
    path = tmp_path / "toy.pth"
    torch.save(STATE, path)
    tensors.read(path)
    torch.save({"only": torch.zeros(1)}, path)
    newer = (tmp_path / "toy.safetensors").stat().st_mtime_ns + 1_000_000
    os.utime(path, ns=(newer, newer))
    assert list(tensors.read(path)) == ["only"]


def test_a_pickle_that_would_run_code_is_refused_and_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Hostile()}, tmp_path / "hostile.pth")
    with pytest.raises(WeightsError, match=r"hostile\.pth"):
        tensors.read(tmp_path / "hostile.pth")
    assert not (tmp_path / "run-by-a-pickle").exists()


@pytest.mark.parametrize("name", ["broken.pth", "broken.safetensors"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not weights at all")
    with pytest.raises(WeightsError, match=name):
        tensors.read(tmp_path / name)


def test_a_file_without_the_wanted_tensor_is_named(tmp_path: Path) -> None:
    tensors.write(STATE, tmp_path / "toy.safetensors")
    with pytest.raises(WeightsError, match=r"toy\.safetensors"):
        tensors.read_some(tmp_path / "toy.safetensors", ("absent",))


def test_filling_takes_every_tensor_or_none(tmp_path: Path) -> None:
    state = nn.Linear(2, 2).state_dict()
    tensors.fill(nn.Linear(2, 2), state, tmp_path / "good")
    with pytest.raises(WeightsError, match="short"):
        tensors.fill(nn.Linear(2, 2), {"weight": state["weight"]}, tmp_path / "short")


def test_tensors_are_found_in_what_a_trainer_saves_around_them(tmp_path: Path) -> None:
    torch.save({"module": STATE, "global_steps": 7, "ds_config": {"lr": 1e-3}}, tmp_path / "toy.pt")
    assert set(tensors.read(tmp_path / "toy.pt")) == set(STATE)


class Shifted(nn.Module):
    """A network with a buffer that it does not save."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(2, 3), nn.BatchNorm1d(3)
        self.register_buffer("shift", torch.ones(3), persistent=False)


def make_meta() -> Shifted:
    with torch.device("meta"):
        return Shifted()


def test_a_network_without_memory_takes_its_tensors_by_the_names_of_the_file(tmp_path: Path) -> None:
    source = Shifted().half()
    named = {f"trunk.{name}": tensor for name, tensor in source.state_dict().items()}
    torch.save({**named, "other.weight": torch.zeros(5)}, tmp_path / "toy.pt")
    network = make_meta()
    constants = {"shift": lambda empty: torch.full(empty.shape, 7.0)}
    tensors.adopt(network, tmp_path / "toy.pt", "trunk.{}".format, torch.float32, constants)
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == (torch.float32 if tensor.is_floating_point() else torch.int64)
        torch.testing.assert_close(tensor, source.state_dict()[name], check_dtype=False)
    assert torch.equal(network.shift, torch.full((3,), 7.0)), "left without values it would be whatever memory holds"


def test_every_tensor_that_is_missing_or_misshapen_is_named(tmp_path: Path) -> None:
    state = Shifted().state_dict()
    del state["linear.bias"], state["norm.running_mean"]
    state["linear.weight"] = torch.zeros(3, 4)
    torch.save(state, tmp_path / "toy.pt")
    with pytest.raises(WeightsError) as caught:
        tensors.adopt(make_meta(), tmp_path / "toy.pt", str, torch.float32)
    parts = ("toy.pt", "linear.weight is (3, 4), not (3, 2)", "linear.bias is missing", "norm.running_mean is missing")
    assert [part for part in parts if part not in str(caught.value)] == []
