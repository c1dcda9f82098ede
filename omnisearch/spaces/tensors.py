"""The tensors of a weight file: safetensors as they are, PyTorch pickles converted once and without running them."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from omnisearch.errors import WeightsError

# Checkpoints saved beside a dictionary of counts hold numpy integers: plain numbers, named one by one.
_NUMBERS: list[Any] = [
    (multiarray.scalar, "numpy.core.multiarray.scalar"),  # its name before NumPy 2
    (multiarray.scalar, "numpy._core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("i8", "i4", "f8", "f4")),
]


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors or .pth file, on the CPU; those of a .pth in the order of their layers.

    Raises:
        WeightsError: the file is damaged, or holds something else than tensors.
    """
    try:
        safe = _safe(path)
        state = load_file(safe)
        with safe_open(safe, framework="pt") as file:
            order = json.loads((file.metadata() or {}).get("order", "null"))
        return {name: state[name] for name in order or state}
    except SafetensorError as error:
        raise WeightsError(f"{path} cannot be read as safetensors: {error}") from None


def read_some(path: Path, names: tuple[str, ...]) -> tuple[Tensor, ...]:
    """Return only the named tensors of a file, reading no others.

    Raises:
        WeightsError: the file is damaged or lacks one of them.
    """
    try:
        with safe_open(_safe(path), framework="pt") as file:
            return tuple(file.get_tensor(name) for name in names)
    except SafetensorError as error:
        raise WeightsError(f"{path}: {error}") from None


def write(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file so that it appears complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-", suffix=path.suffix)
    os.close(handle)
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, metadata)
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)


def _safe(path: Path) -> Path:
    """Return the safetensors form of a file, made beside it on first use and again when the file is newer."""
    if path.suffix == ".safetensors":
        return path
    converted = path.with_suffix(".safetensors")
    if not converted.is_file() or converted.stat().st_mtime_ns < path.stat().st_mtime_ns:
        state = _read_pickle(path)
        write(state, converted, {"order": json.dumps(list(state))})  # safetensors sorts by name
    return converted


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        with torch.serialization.safe_globals(_NUMBERS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises pickle, zip, runtime and key errors for damaged files
        raise WeightsError(f"{path} is damaged or holds more than tensors ({type(error).__name__})") from None
    state = content[0] if isinstance(content, tuple) else content
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path} holds something else than a dictionary of tensors")
    return state


def fill(network: nn.Module, state: dict[str, Tensor], path: Path) -> None:
    """Put tensors into a network, every one of them and no others.

    Raises:
        WeightsError: a tensor is missing, unknown or of another shape.
    """
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit {type(network).__name__}: {error}") from None
