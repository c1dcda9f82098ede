"""Declarations of towers and spaces, readable without importing their networks."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from omnisearch.spaces.weights.spec import WeightSpec
from omnisearch.types import Modality, Role


@dataclass(frozen=True)
class TowerSpec:
    """A declared tower. `target` is `module:name`, imported on first use, whose `load` builds the tower.

    `version` is raised whenever a change of the preprocessing changes the output. `parameters` is the size of its own
    network; `half` is its half precision on a graphics card, None if it runs in fp32 only; with fp16, it also runs in
    bf16. `linear` are the weights among its parameters that are in 8 bits if it runs in int8, 0 if it does not.
    `prompts` are the sentences around a text that the network was trained with, by role, with `{text}` in its place.
    `tokens` are the budgets per image that the network was trained with, the default first. `over` is the tower that
    this one runs over, on the same device: both are loaded together. `side` is the shorter side of the pictures that an
    image tower reads, in pixels; 0 if it reads all of a larger picture.
    """

    name: str
    width: int
    weights: tuple[WeightSpec, ...]
    target: str
    version: int = 1
    parameters: int = 0
    half: Literal["bf16", "fp16"] | None = None
    linear: int = 0
    prompts: Mapping[Role, str] = field(default_factory=dict)
    tokens: tuple[int, ...] = ()
    over: str | None = None
    side: int = 0

    @property
    def fingerprint(self) -> str:
        """A string that identifies the weights and the preprocessing, with the prompts."""
        prompts = (f"{role}: {self.prompts[role]}" for role in sorted(self.prompts))
        return digest(self.name, str(self.version), *(weights.identity for weights in self.weights), *prompts)


@dataclass(frozen=True)
class Declared:
    """A declared space. `target` is its class, `module:Class`; `extra` the files it reads besides those of its towers.

    `extra` is read for every modality except text.
    """

    name: str
    dim: int
    towers: Mapping[Modality, str]
    tags: frozenset[str]
    licence: str
    summary: str
    target: str = "omnisearch.spaces.joint_space:JointSpace"
    extra: tuple[WeightSpec, ...] = ()


def digest(*parts: str) -> str:
    """Return a short hash that identifies a list of strings."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
