"""Tensors come out of files as they went in, and nothing in a file runs."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from omnisearch.errors import WeightsError
from omnisearch.spaces import tensors

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
