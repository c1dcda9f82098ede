"""The declared towers, and one shared instance of each."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, TypeAlias

from omnisearch.config import Settings
from omnisearch.errors import SettingsError, UsageError
from omnisearch.spaces.base import SpaceSpec, Tower
from omnisearch.spaces.declaration import TowerSpec, digest
from omnisearch.spaces.declared import mico, mini, modern, paper, studio
from omnisearch.spaces.placement import budget, check_names, memory, place, underneath
from omnisearch.types import Content, Floats, Modality, Role
from omnisearch.wording import byte_size

TOWERS: Mapping[str, TowerSpec] = {
    spec.name: spec for spec in (*mini.TOWERS, *paper.TOWERS, *modern.TOWERS, *mico.TOWERS, *studio.TOWERS)
}

# Name, device, precision, folder of the weights, fingerprint.
_Key: TypeAlias = tuple[str, str, str, Path, str]
_loaded: OrderedDict[_Key, Tower] = OrderedDict()  # least recently used first
_using = threading.Lock()  # held for moments: a loaded tower does not wait for one that is being read
_loading = threading.RLock()  # a tower may load another while it loads


class _Loader(Protocol):
    def load(self, settings: Settings, fingerprint: str) -> Tower: ...


def load_tower(name: str, settings: Settings) -> Tower:
    """Return the shared tower of that name for the settings' device and precision, loading it on first use.

    If `max_memory` would be exceeded, towers of the same device are unloaded first, in the order of least recent use;
    a tower that another thread still runs stays in memory until that thread is done.

    Raises:
        ModelMissingError: a weight file is not on this machine.
        WeightsError: a weight file does not fit.
        SettingsError: the tower alone needs more than `max_memory`.
    """
    check_names(settings, tuple(TOWERS))
    spec = TOWERS[name]
    placed = place(spec, settings)
    if tower := _use(name, placed):
        return tower
    with _loading:
        if tower := _use(name, placed):
            return tower
        _check_fit(spec, placed)
        if spec.over:
            load_tower(spec.over, underneath(placed))
        with _using:
            _make_room(spec, placed)
        module, _, member = spec.target.partition(":")
        loader: _Loader = getattr(import_module(module), member)
        loaded = loader.load(underneath(placed), tower_fingerprint(name, settings))
        with _using:
            _loaded[_key(name, placed)] = loaded
        return loaded


def _use(name: str, placed: Settings) -> Tower | None:
    """Return a tower if it is loaded with those that it runs over, which are then the most recently used ones."""
    below = underneath(placed)
    keys = [_key(part, place(TOWERS[part], below)) for part in stack(name)]
    with _using:
        if not all(key in _loaded for key in keys):
            return None
        for key in keys:
            _loaded.move_to_end(key)
        return _loaded[keys[-1]]


def _key(name: str, placed: Settings) -> _Key:
    return (name, placed.device, placed.precision, placed.weights_dir, tower_fingerprint(name, placed))


def stack(name: str) -> tuple[str, ...]:
    """Return the towers that a tower runs over, the lowest first, and itself: they are loaded together."""
    over = TOWERS[name].over
    return (*stack(over), name) if over else (name,)


def _check_fit(spec: TowerSpec, placed: Settings) -> None:
    wanted = sum(memory(TOWERS[name], placed) for name in stack(spec.name))
    if placed.max_memory is not None and wanted > placed.max_memory:
        raise SettingsError(
            f"setting max_memory = {byte_size(placed.max_memory)}: the tower {spec.name} alone takes "
            f"{byte_size(wanted)} on {placed.device} in {placed.precision}; allow more, or "
            f"set device or precision in [towers.{spec.name}] (see `omnisearch models plan`)"
        )


def _make_room(spec: TowerSpec, placed: Settings) -> None:
    """Unload towers of the device, and with each those that run over it, until the tower fits."""
    if placed.max_memory is None:
        return
    wanted = memory(spec, placed)
    taken = {
        key: memory(TOWERS[key[0]], placed.model_copy(update={"precision": key[2]}))
        for key in _loaded
        if key[1] == placed.device
    }
    for lowest in list(taken):
        if sum(taken.values()) + wanted <= placed.max_memory:
            break
        if taken.get(lowest) and lowest[0] not in stack(spec.name):
            for key in [key for key in taken if lowest[0] in stack(key[0])]:
                del _loaded[key], taken[key]


def tower_fingerprint(name: str, settings: Settings) -> str:
    """Return a string that identifies a tower's outputs: its weights, its preprocessing and its budget of tokens.

    Raises:
        SettingsError: the tower was not trained with the budget of the settings.
    """
    specs = [TOWERS[part] for part in stack(name)]
    budgets = [budget(spec, settings) for spec in specs if spec.tokens and budget(spec, settings) != spec.tokens[0]]
    own = TOWERS[name].fingerprint
    return digest(own, *(f"{tokens} tokens" for tokens in budgets)) if budgets else own


def prompted(name: str, texts: Sequence[Content], role: Role) -> Sequence[Content]:
    """Return texts as a text tower reads them on one side of a search; unchanged if it declares no prompts."""
    prompts = TOWERS[name].prompts if name in TOWERS else {}
    return [prompts[role].format(text=text) for text in texts] if role in prompts else texts


class TowerReader:
    """The base of spaces over shared towers: returns the tower of a modality."""

    def __init__(self, spec: SpaceSpec, settings: Settings) -> None:
        self.spec, self._settings = spec, settings

    def tower(self, modality: Modality) -> Tower:
        """Return the shared tower of a modality; it is loaded on first use, and no other tower is.

        Raises:
            ModelMissingError: a weight file is not on this machine.
            UsageError: the space does not read that modality.
        """
        if modality not in self.spec.towers:
            raise UsageError(f"the space {self.spec.name} reads {', '.join(self.spec.towers)}, not {modality}")
        return load_tower(self.spec.towers[modality], self._settings)


def unit(rows: Floats) -> Floats:
    """Scale rows to unit length; a row of zeros stays zero."""
    lengths = (rows.astype("float64") ** 2).sum(1, keepdims=True) ** 0.5
    result: Floats = (rows / lengths.clip(min=1e-30)).astype("float32")
    return result
