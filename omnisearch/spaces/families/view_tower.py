"""View towers: an image tower applied to renderings of an object from all sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from omnisearch.config import Settings
from omnisearch.spaces.base import Tower
from omnisearch.spaces.towers import load_tower, unit
from omnisearch.types import Content, Floats, PointCloud


class ViewTower:
    """Embeds point clouds as the mean of the image features of their views: float32 (n, width of the image tower).

    A classifier's logits are affine in the features, so those of the mean are the mean of the views' logits. With
    `directions`, the features are scaled to unit length first, so that every view counts the same.
    """

    def __init__(self, name: str, eye: Tower, fingerprint: str, directions: bool = False) -> None:
        self.name, self.width, self.fingerprint = name, eye.width, fingerprint
        self._eye, self._directions = eye, directions

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, width): one row per object, the mean over its views."""
        result = np.zeros((len(contents), self.width), np.float32)
        for row, cloud in enumerate(contents):
            assert isinstance(cloud, PointCloud)
            seen = self._eye.features(list(cloud.views))
            result[row] = (unit(seen) if self._directions else seen).mean(0)
        return result


@dataclass(frozen=True)
class ViewLoader:
    """Makes the view tower `name` over the image tower `eye`; `TowerSpec.target` names an instance of it."""

    name: str
    eye: str
    directions: bool = False

    def load(self, settings: Settings, fingerprint: str) -> ViewTower:
        """Load or reuse the shared image tower.

        Raises:
            ModelMissingError: the image tower's weight file is not here.
        """
        return ViewTower(self.name, load_tower(self.eye, settings), fingerprint, self.directions)


VIEWS = ViewLoader("views", "efficientnet")
EMBEDDING_GEMMA_VIEWS = ViewLoader("embedding_gemma_views", "embedding_gemma_image", directions=True)
