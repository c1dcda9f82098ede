"""What a tower and a space are declared to be, known without importing either."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from omnisearch.spaces.weights.spec import WeightSpec
from omnisearch.types import Modality


@dataclass(frozen=True)
class TowerSpec:
    """What a tower is, known without importing it: `target` is `module:name`, whose `load` builds it.

    `version` is raised whenever the preprocessing changes the output. `parameters` is the size of its network, and
    `half` the precision that it bears on a graphics card; None if it runs in fp32 only.
    """

    name: str
    width: int
    weights: tuple[WeightSpec, ...]
    target: str
    version: int = 1
    parameters: int = 0
    half: Literal["bf16", "fp16"] | None = None

    @property
    def fingerprint(self) -> str:
        """Names the weights and the preprocessing."""
        return digest(self.name, str(self.version), *(weights.identity for weights in self.weights))


@dataclass(frozen=True)
class Declared:
    """A space to be registered. `target` is its class, `module:Class`; `extra` the files it reads besides its towers'.

    `extra` is read for every modality but text.
    """

    name: str
    dim: int
    towers: Mapping[Modality, str]
    tags: frozenset[str]
    licence: str
    summary: str
    target: str = "omnisearch.spaces.joint_space:Aligned"
    extra: tuple[WeightSpec, ...] = ()


def digest(*parts: str) -> str:
    """Return a short name for a list of strings that no other list has."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
