"""A space without a head: its towers were trained together and share one metric."""

from omnisearch.spaces.declaration import digest
from omnisearch.spaces.towers import TowerReader, tower_fingerprint, unit
from omnisearch.types import Floats, Modality


class JointSpace(TowerReader):
    """Normalises the outputs of the towers to unit length."""

    @property
    def fingerprint(self) -> str:
        """A string that identifies the towers."""
        return digest(self.spec.name, *(tower_fingerprint(name, self._settings) for name in self.spec.towers.values()))

    def project(self, modality: Modality, features: Floats) -> Floats:  # noqa: ARG002
        """Return the features (n, dim) as unit rows, float32."""
        return unit(features)
