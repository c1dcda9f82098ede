"""A space: pretrained towers that put some modalities into one metric.

A *tower* is a frozen network, shared by every space that reads it; a *space* may add a trained head or a table on top.
Two spaces over one tower cost one forward pass:

    contents --Tower.features--> (n, width) --Space.project--> (n, dim) unit rows
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from omnisearch.types import Content, Floats, Modality


class Tower(Protocol):
    """A frozen network. `name` is unique, `fingerprint` changes whenever its output changes."""

    name: str
    fingerprint: str
    width: int

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, width); row i depends on content i alone."""
        ...


@dataclass(frozen=True)
class SpaceSpec:
    """The properties of a space that are known without loading it.

    `towers` gives the tower name per modality the space reads; `dim` the width of its embeddings; `tags` the kinds
    of captions it was trained on (audio, vision, shape), the labels of the decoupling loss (OmniBind, eq. 6); `weights`
    the names of the weight files per modality (see `omnisearch.spaces.weights.spec`).
    """

    name: str
    dim: int
    towers: Mapping[Modality, str]
    tags: frozenset[str]
    licence: str
    weights: Mapping[Modality, tuple[str, ...]]
    summary: str = ""


class Space(Protocol):
    """The interface that every family of pretrained spaces implements, one file per family."""

    spec: SpaceSpec

    @property
    def fingerprint(self) -> str:
        """A string that changes whenever an embedding changes: the weights and the preprocessing. Loads nothing."""
        ...

    def tower(self, modality: Modality) -> Tower:
        """Return the tower for a modality; it is loaded on first use, and no other tower is.

        Raises:
            ModelMissingError: a weight file is not on this machine; names the file and the command that pulls it.
        """
        ...

    def project(self, modality: Modality, features: Floats) -> Floats:
        """Map the tower's features (n, width) to embeddings (n, dim), float32 with unit rows."""
        ...


def encode(space: Space, modality: Modality, contents: Sequence[Content]) -> Floats:
    """Return the embeddings of `contents` in one space: float32 (n, dim), unit rows."""
    return space.project(modality, space.tower(modality).features(contents))
