"""The plan of a model: the towers of each modality, their devices and their memory, computed without weight files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch

from omnisearch.binding.config import PARTS, ModelConfig
from omnisearch.binding.cut_rows import chosen_dim
from omnisearch.binding.fusion import Fusion
from omnisearch.config import Settings
from omnisearch.errors import ModelMissingError
from omnisearch.spaces.placement import check_names, memory, place, underneath
from omnisearch.spaces.registry import SPACES
from omnisearch.spaces.towers import TOWERS, stack
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
        SettingsError: a setting of a tower is invalid, or the model's vectors cannot be cut to the setting `dim`.
    """
    chosen_dim(config, settings)
    check_names(settings, tuple(TOWERS))
    unknown = [space for space in config.projectors if space not in SPACES]
    if unknown:
        raise ModelMissingError(f"model {config.name} binds spaces that are not declared: {', '.join(unknown)}")
    return [step for part in PARTS if part in config.branches for step in _steps(config, part, settings)]


def _steps(config: ModelConfig, part: Modality, settings: Settings) -> Iterator[Step]:
    readers: dict[tuple[str, str], tuple[str, ...]] = {}  # (device, tower) -> spaces, in the order of loading
    loads: dict[tuple[str, str], Settings] = {}
    for space in (*config.reads(part), *config.spaces(part)):  # the router's first
        for tower, placed in _placed(SPACES[space].towers[part], settings):
            key = (placed.device, tower)
            readers[key], loads[key] = tuple(dict.fromkeys((*readers.get(key, ()), space))), placed
    held: dict[tuple[str, str], int] = {}  # (device, tower) -> bytes, the longest unused first
    for (device, tower), placed in loads.items():
        size = memory(TOWERS[tower], placed)
        for below in stack(tower)[:-1]:
            held[device, below] = held.pop((device, below), 0)
        dropped = _make_room(held, placed, size)
        held[device, tower] = size
        here = sum(taken for (where, _), taken in held.items() if where == device)
        whole = sum(memory(TOWERS[name], placed) for name in stack(tower))
        fits = placed.max_memory is None or whole <= placed.max_memory
        parameters, spaces = TOWERS[tower].parameters, readers[device, tower]
        yield Step(part, tower, spaces, device, placed.precision, parameters, size, here, dropped, fits)


def _placed(tower: str, settings: Settings) -> list[tuple[str, Settings]]:
    """Return the towers that a tower runs over and itself, in the order of loading, with their placed settings."""
    below = underneath(place(TOWERS[tower], settings))
    return [(name, place(TOWERS[name], below)) for name in stack(tower)]


def _make_room(held: dict[tuple[str, str], int], placed: Settings, wanted: int) -> tuple[str, ...]:
    """Unload towers of a device, the longest unused first, until `wanted` bytes fit, as loading a tower does."""
    dropped: list[str] = []
    for lowest, size in [(name, size) for (device, name), size in held.items() if device == placed.device]:
        left = sum(taken for (device, _), taken in held.items() if device == placed.device)
        if placed.max_memory is None or left + wanted <= placed.max_memory:
            break
        if size and lowest not in dropped:
            over = [name for device, name in held if device == placed.device and lowest in stack(name)]
            dropped += over
            for name in over:
                del held[placed.device, name]
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
    towers = {(step.device, step.tower): step.size for step in steps}
    for device in dict.fromkeys(device for device, _ in towers):
        whole = sum(taken for (where, _), taken in towers.items() if where == device)
        said = f"all modalities: {byte_size(whole)} on {device}"
        if settings.max_memory is not None:
            fits = whole <= settings.max_memory
            said += "; stays loaded" if fits else "; more than max_memory, so a change of modality reloads towers"
        yield said


def binding_size(config: ModelConfig) -> int:
    """Return the bytes of a model's projectors and routers, which run in fp32 on the CPU."""
    dims: Mapping[str, int] = {space: SPACES[space].dim for space in config.projectors}
    with torch.device("meta"):
        fusion = Fusion(config, dims)
    return sum(tensor.numel() * tensor.element_size() for tensor in fusion.state_dict().values())
