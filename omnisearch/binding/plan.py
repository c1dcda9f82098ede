"""The plan of a model: the towers of each modality, their devices and their memory, computed without weight files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from omnisearch.binding.config import PARTS, ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError
from omnisearch.spaces.placement import check_names, memory, place
from omnisearch.spaces.registry import SPACES
from omnisearch.spaces.towers import TOWERS
from omnisearch.types import Modality
from omnisearch.wording import byte_size


@dataclass(frozen=True)
class Step:
    """One tower that a modality needs, in the order of loading.

    `spaces` read its result, which is computed once for all of them. `size` is the size of its weights in bytes, `held`
    the bytes loaded on its device after it, and `dropped` the towers that were unloaded for it. A tower that alone
    needs more than the budget does not fit.
    """

    modality: Modality
    tower: str
    spaces: tuple[str, ...]
    device: str
    precision: str
    parameters: int
    size: int
    held: int
    dropped: tuple[str, ...]
    fits: bool


def plan(config: ModelConfig, settings: Settings) -> list[Step]:
    """Return the towers that `OmniBind.encode` loads for each modality, each starting with none loaded.

    Raises:
        ModelMissingError: the model names an unknown space.
        SettingsError: a setting of a tower is invalid.
    """
    check_names(settings, tuple(TOWERS))
    unknown = [space for space in config.projectors if space not in SPACES]
    if unknown:
        raise ModelMissingError(f"model {config.name} binds spaces that are not declared: {', '.join(unknown)}")
    return [step for part in PARTS if part in config.branches for step in _steps(config, part, settings)]


def _steps(config: ModelConfig, part: Modality, settings: Settings) -> Iterator[Step]:
    readers: dict[str, tuple[str, ...]] = {}
    for space in (*config.reads(part), *config.spaces(part)):  # the router's first
        tower = SPACES[space].towers[part]
        readers[tower] = tuple(dict.fromkeys((*readers.get(tower, ()), space)))
    held: dict[tuple[str, str], int] = {}  # (device, tower) -> bytes, in the order of loading
    for tower, spaces in readers.items():
        spec = TOWERS[tower]
        placed = place(spec, settings)
        size = memory(spec, placed)
        dropped = _make_room(held, placed, size)
        held[placed.device, tower] = size
        here = sum(taken for (device, _), taken in held.items() if device == placed.device)
        fits = placed.max_memory is None or size <= placed.max_memory
        yield Step(part, tower, spaces, placed.device, placed.precision, spec.parameters, size, here, dropped, fits)


def _make_room(held: dict[tuple[str, str], int], placed: Settings, wanted: int) -> tuple[str, ...]:
    """Unload towers of a device, the first loaded first, until `wanted` bytes fit, as loading a tower does."""
    dropped = []
    mine = [(key, size) for key, size in held.items() if key[0] == placed.device]
    left = sum(size for _, size in mine)
    for key, size in mine:
        if placed.max_memory is None or left + wanted <= placed.max_memory:
            break
        if size:
            dropped.append(key[1])
            left -= held.pop(key)
    return tuple(dropped)


def summary(steps: list[Step], settings: Settings) -> Iterator[str]:
    """Yield a line for each modality and device: the memory of all its towers, and whether the budget allows it."""
    found: dict[tuple[Modality, str], list[Step]] = {}
    for step in steps:
        found.setdefault((step.modality, step.device), []).append(step)
    for (modality, device), own in found.items():
        counted = "1 tower" if len(own) == 1 else f"{len(own)} towers"
        said = f"{modality}: {counted} on {device}, {byte_size(sum(step.size for step in own))}"
        if not all(step.fits for step in own):
            said += f"; {' '.join(step.tower for step in own if not step.fits)} alone takes more than max_memory"
        elif settings.max_memory is not None:
            dropped = any(step.dropped for step in own)
            said += "; more than max_memory, so each batch reloads towers" if dropped else "; stays loaded"
        yield said


def binding_size(config: ModelConfig) -> int:
    """Return the bytes of a model's projectors and routers, which run in fp32 on the CPU."""
    dims: Mapping[str, int] = {space: SPACES[space].dim for space in config.projectors}
    with torch.device("meta"):
        fusion = Fusion(config, dims)
    return sum(tensor.numel() * tensor.element_size() for tensor in fusion.state_dict().values())
