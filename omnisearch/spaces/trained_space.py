"""A trained space: a tower, and a trained network that maps its features into the text tower's metric."""

from functools import cached_property
from pathlib import Path
from typing import ClassVar, Self

import torch

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.base import SpaceSpec
from omnisearch.spaces.declaration import digest
from omnisearch.spaces.head import Head
from omnisearch.spaces.towers import TOWERS, TowerReader, unit
from omnisearch.spaces.trained_network import Network
from omnisearch.spaces.weights import weight_files
from omnisearch.spaces.weights.spec import resolve, sha256_of
from omnisearch.types import Floats, Modality


class Specialist(TowerReader):
    """A space whose network was trained on captions. Texts are embedded by the text tower and its text side, if any.

    The network is the one that ships with omnisearch, or that of the file `path`; a subclass defines its class.
    """

    network: ClassVar[type[Network]] = Head

    def __init__(self, spec: SpaceSpec, settings: Settings, path: Path | None = None) -> None:
        super().__init__(spec, settings)
        self._path = path

    def at(self, path: Path) -> Self:
        """Return the same space with the network of another file."""
        return type(self)(self.spec, self._settings, path)

    @property
    def path(self) -> Path:
        """The path of the network's file.

        Raises:
            ModelMissingError: the network is not in this installation.
        """
        return self._path or resolve(weight_files.head(self.spec.name), self._settings)

    @cached_property
    def fingerprint(self) -> str:
        """A string that identifies the towers and the network's file. It is asked for with every batch.

        Raises:
            ModelMissingError: the network is not in this installation.
        """
        towers = [TOWERS[name].fingerprint for name in self.spec.towers.values()]
        return digest(self.spec.name, *towers, sha256_of(self.path))

    def project(self, modality: Modality, features: Floats) -> Floats:
        """Map the tower's features (n, width) to embeddings (n, dim), float32 with unit rows.

        Raises:
            ModelMissingError: the network is not in this installation.
            WeightsError: the network does not fit the space.
        """
        reader = self._network.text if modality is Modality.TEXT else self._network
        if reader is None:
            return unit(features)
        with torch.inference_mode():
            projected: Floats = reader(torch.from_numpy(features)).numpy()
        return projected

    @cached_property
    def _network(self) -> Network:
        network = type(self).network.load(self.path)
        widths = {TOWERS[name].width for modality, name in self.spec.towers.items() if modality is not Modality.TEXT}
        if {network.width} != widths or network.dim != self.spec.dim:
            raise WeightsError(
                f"{self.path} maps {network.width} to {network.dim} numbers; the space {self.spec.name} needs "
                f"{sorted(widths)} to {self.spec.dim}"
            )
        return network
