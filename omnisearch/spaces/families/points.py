"""The points tower: a point cloud as a row of evenly spread coloured points, the input of trained point networks."""

from collections.abc import Sequence

import numpy as np

from omnisearch.config import Settings
from omnisearch.types import Content, Floats, PointCloud

POINTS = 1024
# The colour of clouds without colours (Uni3D, Zhou et al. 2023).
GREY = 0.4


class Points:
    """Embeds point clouds as points in farthest-point order: float32 (n, POINTS * 6), x y z r g b of each in turn.

    A row depends on the set of points, not on their order, and its first k points are the farthest-point sample of
    size k, so a smaller sample is a prefix. Nothing is learned here.
    """

    name, width = "points", POINTS * 6

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> "Points":  # noqa: ARG003
        """Build it; there is nothing to load."""
        return cls(fingerprint)

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, width): one row per object."""
        result = np.zeros((len(contents), self.width), np.float32)
        for row, cloud in enumerate(contents):
            assert isinstance(cloud, PointCloud)
            result[row] = spread(cloud).ravel()
        return result


def spread(cloud: PointCloud) -> Floats:
    """Choose POINTS points of a cloud by farthest-point sampling: float32 (POINTS, 6), coordinates and colours.

    It starts with the point farthest from the mean (Eldar et al., "The farthest point strategy", 1997). If a cloud has
    fewer distinct points, they are repeated in the same order.
    """
    colors = np.full_like(cloud.points, GREY) if cloud.colors is None else cloud.colors
    points = np.hstack([cloud.points, colors]).astype(np.float32)
    # Sorted first, so that sums and ties do not depend on the order of the points in the file.
    points = points[np.lexsort(points.T)]
    place = np.ascontiguousarray(points[:, :3].T)  # (3, n)
    chosen = np.zeros(POINTS, np.intp)
    chosen[0] = _square(place - place.mean(1, keepdims=True)).argmax()
    nearest = np.full(len(points), np.inf, np.float32)  # squared distance to the nearest chosen point
    for count in range(1, POINTS):
        np.minimum(nearest, _square(place - place[:, chosen[count - 1], None]), out=nearest)
        chosen[count] = nearest.argmax()
        if nearest[chosen[count]] == 0:
            chosen = np.resize(chosen[:count], POINTS)
            break
    found: Floats = points[chosen]
    return found


def _square(offsets: Floats) -> Floats:
    """Squared lengths (n,) of offsets (3, n), which it overwrites."""
    np.square(offsets, out=offsets)
    total: Floats = offsets[0]
    total += offsets[1]
    total += offsets[2]
    return total
