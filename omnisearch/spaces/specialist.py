"""A trained space: a tower with a head that speaks the language of the text tower."""

from functools import cached_property
from pathlib import Path
from typing import Self

import torch

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import files
from omnisearch.spaces.base import SpaceSpec
from omnisearch.spaces.head import Head
from omnisearch.spaces.towers import TOWERS, TowerReader, digest, unit
from omnisearch.spaces.weights import resolve, sha256_of
from omnisearch.types import Floats, Modality


class Specialist(TowerReader):
    """Text as the text tower gives it; the other modality through a head trained on its captions.

    The head is the one that ships with omnisearch, or another in the file `path`.
    """

    def __init__(self, spec: SpaceSpec, settings: Settings, path: Path | None = None) -> None:
        super().__init__(spec, settings)
        self._path = path

    def at(self, path: Path) -> Self:
        """Return the same space with the head that lies in another file."""
        return type(self)(self.spec, self._settings, path)

    @property
    def path(self) -> Path:
        """Where the head lies.

        Raises:
            ModelMissingError: the head is not in this installation.
        """
        return self._path or resolve(files.head(self.spec.name), self._settings)

    @property
    def fingerprint(self) -> str:
        """Names the towers and the head's file.

        Raises:
            ModelMissingError: the head is not in this installation.
        """
        towers = [TOWERS[name].fingerprint for name in self.spec.towers.values()]
        return digest(self.spec.name, *towers, sha256_of(self.path))

    def project(self, modality: Modality, features: Floats) -> Floats:
        """Map the tower's features (n, width) to embeddings (n, dim), float32 with unit rows.

        Raises:
            ModelMissingError: the head is not in this installation.
            WeightsError: the head does not fit the space.
        """
        if modality is Modality.TEXT:
            return unit(features)
        with torch.inference_mode():
            projected: Floats = self._head(torch.from_numpy(features)).numpy()
        return projected

    @cached_property
    def _head(self) -> Head:
        head = Head.load(self.path)
        widths = {TOWERS[name].width for modality, name in self.spec.towers.items() if modality is not Modality.TEXT}
        if {head.width} != widths or head.dim != self.spec.dim:
            raise WeightsError(
                f"{self.path} maps {head.width} to {head.dim} numbers; the space {self.spec.name} needs "
                f"{sorted(widths)} to {self.spec.dim}"
            )
        return head
