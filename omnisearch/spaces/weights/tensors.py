"""Read the tensors of weight files: safetensors directly, PyTorch pickles converted once without running their code."""

import json
import pickle
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy._core import multiarray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from omnisearch.durable import written_aside
from omnisearch.errors import WeightsError
from omnisearch.spaces.weights import pickles

# The keys under which trainers save a network's tensors.
_CONTAINERS = ("module", "model", "state_dict")
_PARALLEL = "module."  # prefix of every name if several processes trained the network
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
        WeightsError: the file is damaged, or holds other objects than tensors.
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
    """Return only the named tensors of a file; others are not read.

    Raises:
        WeightsError: the file is damaged or lacks one of them.
    """
    try:
        with safe_open(_safe(path), framework="pt") as file:
            return tuple(file.get_tensor(name) for name in names)
    except SafetensorError as error:
        raise WeightsError(f"{path}: {error}") from None


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a file, by name; reads no tensor.

    Raises:
        WeightsError: the file is damaged.
    """
    try:
        with safe_open(_safe(path), framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise WeightsError(f"{path} cannot be read as safetensors: {error}") from None


def write(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as aside:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, aside, metadata)


def _safe(path: Path) -> Path:
    """Return the path of a file's safetensors copy, written beside it on first use and when the file is newer."""
    if path.suffix == ".safetensors":
        return path
    converted = path.with_suffix(".safetensors")
    if not converted.is_file() or converted.stat().st_mtime_ns < path.stat().st_mtime_ns:
        state = read_pickle(path)
        write(state, converted, {"order": json.dumps(list(state))})  # safetensors sorts by name
    return converted


def read_pickle(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a .pth or .pt file without running its code; those of a zip archive are mapped, not copied.

    Raises:
        WeightsError: the file is damaged, or is not a dictionary of tensors.
    """
    content = _content(path)
    state = content[0] if isinstance(content, tuple) else content
    if isinstance(state, dict):
        state = next((state[name] for name in _CONTAINERS if isinstance(state.get(name), dict)), state)
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path} is not a dictionary of tensors")
    parallel = all(name.startswith(_PARALLEL) for name in state)
    return {name.removeprefix(_PARALLEL) if parallel else name: tensor for name, tensor in state.items()}


def _content(path: Path) -> Any:
    try:
        with torch.serialization.safe_globals(_NUMBERS), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # the other reader handles those
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except pickle.UnpicklingError:  # other objects than tensors, or a later protocol than torch's reader supports
        return pickles.load(path)
    except Exception as error:  # torch raises zip, runtime and key errors for damaged files
        raise WeightsError(f"{path} is damaged ({type(error).__name__})") from None


def fill(network: nn.Module, state: dict[str, Tensor], path: Path, assign: bool = False) -> None:
    """Load tensors into a network; their names must match exactly. `assign` takes them instead of copying them.

    Raises:
        WeightsError: a tensor is missing, unknown or of another shape.
    """
    try:
        network.load_state_dict(state, strict=True, assign=assign)
    except RuntimeError as error:
        raise WeightsError(f"{path} does not fit {type(network).__name__}: {error}") from None


class TensorPart(NamedTuple):
    """A tensor as stored in a file: slice `part` of `parts` equal slices of `name` along its first dimension."""

    name: str
    part: int = 0
    parts: int = 1


def adopt(
    network: nn.Module,
    path: Path,
    name_in_file: Callable[[str], str | TensorPart | None],
    dtype: torch.dtype,
    constants: Mapping[str, Callable[[Tensor], Tensor]] | None = None,
) -> None:
    """Load the tensors of a network that was built on the meta device; other tensors of the file are not read.

    `name_in_file` maps each name to its name in the file, or to None. Floating-point tensors become `dtype`.
    `constants` maps the ends of the names of buffers that no file contains to functions that compute them.

    Raises:
        WeightsError: the file is damaged, tensors are missing or of another shape, or it has more layers than the
            network; names each as in the file.
    """
    state: dict[str, Tensor] = {}
    wrong: list[str] = []
    read: list[str] = []
    try:
        with safe_open(_safe(path), framework="pt") as file:
            there = set(file.keys())
            for name, mould in network.state_dict().items():
                place = name_in_file(name)
                if place is None:
                    continue
                piece = TensorPart(place) if isinstance(place, str) else place
                read.append(piece.name)
                shape = tuple(file.get_slice(piece.name).get_shape()) if piece.name in there else None
                if shape != _whole(mould, piece):
                    found = "missing" if shape is None else shape
                    wrong.append(f"{piece.name} is {found}, not {_whole(mould, piece)}")
                elif not wrong:
                    tensor = file.get_tensor(piece.name)
                    tensor = tensor.chunk(piece.parts)[piece.part] if piece.parts > 1 else tensor
                    state[name] = tensor.to(dtype) if tensor.is_floating_point() else tensor
        wrong += _longer(read, there)
    except SafetensorError as error:
        raise WeightsError(f"{path} cannot be read as safetensors: {error}") from None
    if wrong:
        raise WeightsError(f"{path} does not fit {type(network).__name__}: {'; '.join(wrong)}")
    network.load_state_dict(state, strict=False, assign=True)
    _complete(network, dtype, constants or {})


def _longer(read: Iterable[str], there: Iterable[str]) -> list[str]:
    """Describe module lists that are longer in the file than in the network; the excess would be dropped silently."""
    ours, theirs = _lengths(read), _lengths(there)
    return [f"{name} has {theirs[name]} layers, not {count}" for name, count in ours.items() if theirs[name] > count]


def _lengths(names: Iterable[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name in names:
        for entry in re.finditer(r"\.(\d+)(?=\.)", name):
            place = name[: entry.start()]
            found[place] = max(found[place], int(entry[1]) + 1)
    return found


def _whole(mould: Tensor, piece: TensorPart) -> tuple[int, ...]:
    """Return the shape of the tensor that a piece is part of."""
    return (mould.shape[0] * piece.parts, *mould.shape[1:]) if mould.ndim else ()


def _complete(network: nn.Module, dtype: torch.dtype, constants: Mapping[str, Callable[[Tensor], Tensor]]) -> None:
    for name, buffer in list(network.named_buffers()):
        if buffer.is_meta:
            owner, _, own = name.rpartition(".")
            make = next(make for end, make in constants.items() if name.endswith(end))
            made = make(buffer)
            setattr(network.get_submodule(owner), own, made.to(dtype) if made.is_floating_point() else made)
