"""Import the published models `base.pt`, `large.pt` and `full.pt`: check every tensor, and write a model folder.

Their state dict, with 7 heads for each space in the order of `Official.projected`, and 7 for ImageBind:

    projs.{7 * space + head}.Head2.mlps.{layer}...     Linear - BatchNorm - ReLU - Linear - BatchNorm
    ib_projs.{head}.Head2.mlps.{layer}...
    {A,V,P,T}_enc_router.router.{layer}...             Linear - BatchNorm - ReLU - Linear - BatchNorm - Tanh - Linear
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from omnisearch.binding import checkpoint
from omnisearch.binding.config import ModelConfig
from omnisearch.binding.folder_names import CONFIG
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.official import HEADS, IMAGEBIND, OFFICIAL, WIDTHS, Official
from omnisearch.errors import CheckpointError, UsageError
from omnisearch.spaces.weights.tensors import read_pickle

_LETTERS = {"audio": "A", "image": "V", "point_cloud": "P", "text": "T"}
# Names of a projector's tensors: {ours: those of the released head}.
_NORM = tuple(nn.BatchNorm1d(1).state_dict())
_HEAD = {"inner.weight": "0.weight", "inner.bias": "0.bias", "outer": "3.weight", "outer_bias": "3.bias"}
_HEAD |= {
    f"{ours}.{each}": f"{theirs}.{each}" for ours, theirs in (("inner_norm", 1), ("outer_norm", 4)) for each in _NORM
}


@dataclass(frozen=True)
class Imported:
    """The result of an import: the model, and the tensors that were left out because no published model has them."""

    config: ModelConfig
    extra: tuple[str, ...]


def import_file(path: Path, folder: Path) -> Imported:
    """Read a released file and write its model's folder.

    Raises:
        WeightsError: the file is damaged, or holds other objects than tensors.
        CheckpointError: tensors are missing or of another shape; names each.
        UsageError: the folder already holds a model.
    """
    if (folder / CONFIG).exists():
        raise UsageError(f"{folder} already holds a model; name another folder, or remove that one")
    state = read_pickle(path)
    official = recognise(state, path)
    checkpoint.write(folder, convert(state, official))
    return Imported(official.config, tuple(sorted(set(state) - set(layout(official)))))


def recognise(state: Mapping[str, Tensor], path: Path) -> Official:
    """Identify the published model of a state dict by its names and shapes.

    Raises:
        CheckpointError: it is none of them; names the nearest, and every tensor that is missing or of another shape.
    """
    wrong = {official.name: _wrong(state, layout(official)) for official in OFFICIAL.values()}
    nearest = min(OFFICIAL.values(), key=lambda official: len(wrong[official.name]))
    if len(wrong[nearest.name]) == len(layout(nearest)):
        raise CheckpointError(f"{path}: none of its {len(state)} tensors is one of {', '.join(OFFICIAL)}")
    if wrong[nearest.name]:
        raise CheckpointError(f"{path} is nearest to {nearest.name}, but {'; '.join(wrong[nearest.name])}")
    return nearest


def layout(official: Official) -> dict[str, torch.Size]:
    """The name and shape of every tensor in a model's file."""
    found = {}
    for name, ours in _empty(official).state_dict().items():
        theirs = _sources(official, name)
        shape = ours.shape if len(theirs) == 1 or not ours.ndim else ours.chunk(HEADS)[0].squeeze(0).shape
        found.update(dict.fromkeys(theirs, shape))
    return found


def convert(state: Mapping[str, Tensor], official: Official) -> Fusion:
    """Convert the tensors of a file that was recognised as `official` to a fusion."""
    fusion = _empty(official)
    tensors = {}
    for name, ours in fusion.state_dict().items():
        parts = [state[each] for each in _sources(official, name)]
        joined = torch.cat(parts).view(ours.shape) if ours.ndim else parts[0].clone()
        tensors[name] = joined.to(ours.dtype)
    fusion.load_state_dict(tensors, assign=True)
    return fusion.eval()


def _empty(official: Official) -> Fusion:
    with torch.device("meta"):
        return Fusion(official.config, WIDTHS)


def _sources(official: Official, name: str) -> tuple[str, ...]:
    """The tensors of the file that are stacked into one of ours, in order."""
    group, owner, rest = name.split(".", 2)
    if group == "routers":
        return (f"{_LETTERS[owner]}_enc_router.router.{rest.removeprefix('layers.')}",)
    first = 0 if owner == IMAGEBIND else HEADS * official.projected.index(owner)
    heads = "ib_projs" if owner == IMAGEBIND else "projs"
    return tuple(f"{heads}.{first + head}.Head2.mlps.{_HEAD[rest]}" for head in range(HEADS))


def _wrong(state: Mapping[str, Tensor], wanted: Mapping[str, torch.Size]) -> list[str]:
    missing = [f"{name} is missing" for name in wanted if name not in state]
    return missing + [
        f"{name} is {tuple(state[name].shape)} instead of {tuple(shape)}"
        for name, shape in wanted.items()
        if name in state and state[name].shape != shape
    ]
