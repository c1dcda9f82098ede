"""The view tower: the image tower applied to renderings of an object from all sides."""

from collections.abc import Sequence

import numpy as np

from omnisearch.config import Settings
from omnisearch.spaces.base import Tower
from omnisearch.spaces.towers import load_tower
from omnisearch.types import Content, Floats, PointCloud


class ViewTower:
    """Embeds point clouds as the mean of the image features of their views: float32 (n, width of the image tower).

    A classifier's logits are affine in the features, so those of the mean are the mean of the views' logits.
    """

    name = "views"

    def __init__(self, eye: Tower, fingerprint: str) -> None:
        self._eye, self.width, self.fingerprint = eye, eye.width, fingerprint

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> "ViewTower":
        """Load or reuse the shared image tower.

        Raises:
            ModelMissingError: the image tower's weight file is not here.
        """
        return cls(load_tower("efficientnet", settings), fingerprint)

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, width): one row per object, the mean over its views."""
        result = np.zeros((len(contents), self.width), np.float32)
        for row, cloud in enumerate(contents):
            assert isinstance(cloud, PointCloud)
            result[row] = self._eye.features(list(cloud.views)).mean(0)
        return result
