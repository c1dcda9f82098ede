"""The towers that are declared, and the one instance of each that all spaces share."""

import threading
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.spaces.base import SpaceSpec, Tower
from omnisearch.spaces.declaration import TowerSpec
from omnisearch.spaces.declared import mini, paper
from omnisearch.types import Floats, Modality

TOWERS: Mapping[str, TowerSpec] = {spec.name: spec for spec in (*mini.TOWERS, *paper.TOWERS)}

_loaded: dict[tuple[str, str, Path], Tower] = {}
_lock = threading.RLock()  # a tower may load another while it loads


class _Loader(Protocol):
    def load(self, settings: Settings, fingerprint: str) -> Tower: ...


def load_tower(name: str, settings: Settings) -> Tower:
    """Return the shared tower of that name for the settings' device, loading it on first use.

    Raises:
        ModelMissingError: a weight file is not on this machine.
        WeightsError: a weight file does not fit.
    """
    key = (name, settings.device, settings.weights_dir)
    with _lock:
        if key not in _loaded:
            spec = TOWERS[name]
            module, _, member = spec.target.partition(":")
            loader: _Loader = getattr(import_module(module), member)
            _loaded[key] = loader.load(settings, spec.fingerprint)
        return _loaded[key]


class TowerReader:
    """The half that every space over shared towers has alike: finding the tower of a modality."""

    def __init__(self, spec: SpaceSpec, settings: Settings) -> None:
        self.spec, self._settings = spec, settings

    def tower(self, modality: Modality) -> Tower:
        """Return the shared tower of a modality, loading it on first use and no other.

        Raises:
            ModelMissingError: a weight file is not on this machine.
            UsageError: the space does not read that modality.
        """
        if modality not in self.spec.towers:
            raise UsageError(f"the space {self.spec.name} reads {', '.join(self.spec.towers)}, not {modality}")
        return load_tower(self.spec.towers[modality], self._settings)


def unit(rows: Floats) -> Floats:
    """Scale rows to unit length; a row of zeros stays one."""
    lengths = (rows.astype("float64") ** 2).sum(1, keepdims=True) ** 0.5
    result: Floats = (rows / lengths.clip(min=1e-30)).astype("float32")
    return result
