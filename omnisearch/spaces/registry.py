"""The registry of spaces by name; the files of `declared/` declare them."""

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.spaces.base import Space, SpaceSpec
from omnisearch.spaces.declaration import Declared
from omnisearch.spaces.declared import mico, mini, modern, paper, studio
from omnisearch.spaces.towers import TOWERS
from omnisearch.spaces.weights.spec import WeightSpec
from omnisearch.types import Modality
from omnisearch.wording import did_you_mean

_DECLARED: Mapping[str, Declared] = {
    declared.name: declared for declared in (*mini.SPACES, *paper.SPACES, *modern.SPACES, *mico.SPACES, *studio.SPACES)
}
FILES: Mapping[str, WeightSpec] = {
    spec.name: spec
    for spec in (
        *(weights for tower in TOWERS.values() for weights in tower.weights),
        *(weights for declared in _DECLARED.values() for weights in declared.extra),
    )
}


def _spec(declared: Declared) -> SpaceSpec:
    weights = {}
    for modality, tower in declared.towers.items():
        extra = declared.extra if modality is not Modality.TEXT else ()
        weights[modality] = tuple(spec.name for spec in (*TOWERS[tower].weights, *extra))
    return SpaceSpec(
        declared.name, declared.dim, declared.towers, declared.tags, declared.licence, weights, declared.summary
    )


SPACES: Mapping[str, SpaceSpec] = {name: _spec(declared) for name, declared in _DECLARED.items()}


class _Maker(Protocol):
    def __call__(self, spec: SpaceSpec, settings: Settings) -> Space: ...


def load_space(name: str, settings: Settings) -> Space:
    """Return a declared space. No weights are read until a tower or a projection is used.

    Raises:
        UsageError: no space has that name; suggests the nearest.
    """
    if name not in SPACES:
        raise UsageError(f"no space is called {name!r}{did_you_mean(name, SPACES)} (there are {', '.join(SPACES)})")
    module, _, member = _DECLARED[name].target.partition(":")
    make: _Maker = getattr(import_module(module), member)
    return make(SPACES[name], settings)


def readers(file: str) -> tuple[str, ...]:
    """Return the spaces that read a weight file."""
    return tuple(name for name in SPACES if file in {spec.name for spec in files_of((name,))})


def files_of(names: tuple[str, ...]) -> tuple[WeightSpec, ...]:
    """Return the weight files that these spaces read, each once."""
    wanted = {weights: None for name in names for group in SPACES[name].weights.values() for weights in group}
    return tuple(FILES[weights] for weights in wanted)
