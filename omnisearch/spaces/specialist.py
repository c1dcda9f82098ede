"""A trained space: a tower with a head that speaks the language of the text tower."""

from functools import cached_property

import torch

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import files
from omnisearch.spaces.base import SpaceSpec
from omnisearch.spaces.head import Head
from omnisearch.spaces.towers import TOWERS, TowerReader, digest, unit
from omnisearch.spaces.weights import WeightSpec, identity, resolve
from omnisearch.types import Floats, Modality


class Specialist(TowerReader):
    """Text as the text tower gives it; the other modality through a head trained on its captions."""

    def __init__(self, spec: SpaceSpec, settings: Settings) -> None:
        super().__init__(spec, settings)
        self._weights: WeightSpec = files.head(spec.name)

    @property
    def fingerprint(self) -> str:
        """Names the towers and the head's file.

        Raises:
            ModelMissingError: the head is not in this installation.
        """
        towers = [TOWERS[name].fingerprint for name in self.spec.towers.values()]
        return digest(self.spec.name, *towers, identity(self._weights, self._settings))

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
        path = resolve(self._weights, self._settings)
        head = Head.load(path)
        widths = {TOWERS[name].width for modality, name in self.spec.towers.items() if modality is not Modality.TEXT}
        if {head.width} != widths or head.dim != self.spec.dim:
            raise WeightsError(
                f"{path} maps {head.width} to {head.dim} numbers; the space {self.spec.name} needs "
                f"{sorted(widths)} to {self.spec.dim}"
            )
        return head
