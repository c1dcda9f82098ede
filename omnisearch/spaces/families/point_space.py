"""The shape space: 3D objects by their points alone, with or without faces, colours and pictures."""

from omnisearch.spaces.nn.point_network import ShapeNet
from omnisearch.spaces.trained_space import Specialist


class PointSpace(Specialist):
    """A specialist whose network reads neighbourhoods of points instead of one row of features."""

    network = ShapeNet
