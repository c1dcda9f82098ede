"""A space with nothing on top: its towers were trained together and end in one metric."""

from omnisearch.spaces.declaration import digest
from omnisearch.spaces.towers import TOWERS, TowerReader, unit
from omnisearch.types import Floats, Modality


class Aligned(TowerReader):
    """What the towers give, at unit length."""

    @property
    def fingerprint(self) -> str:
        """Names the towers."""
        return digest(self.spec.name, *(TOWERS[name].fingerprint for name in self.spec.towers.values()))

    def project(self, modality: Modality, features: Floats) -> Floats:  # noqa: ARG002
        """Return the features (n, dim) as unit rows, float32."""
        return unit(features)
