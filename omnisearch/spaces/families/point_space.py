"""The shape space: objects by their points alone, whether they have faces, colours and pictures or not."""

from omnisearch.spaces.nn.shape import ShapeNet
from omnisearch.spaces.trained_space import Specialist


class PointSpace(Specialist):
    """A specialist whose network sees neighbourhoods of points instead of one row of features."""

    network = ShapeNet
