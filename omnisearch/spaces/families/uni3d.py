"""The Uni3D towers: coloured point clouds in the metric of EVA02-CLIP-E+, by a transformer over patches of points.

Source: Zhou et al., "Uni3D: Exploring Unified 3D Representation at Scale" (ICLR 2024). Its texts and images are those
of EVA02-CLIP-E+. Three checkpoints of the giant network, the best on Objaverse-LVIS, ModelNet40 and ScanObjectNN, and
one of the base network.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from omnisearch.config import Settings
from omnisearch.spaces.device import choose, dtype
from omnisearch.spaces.families.points import GREY
from omnisearch.spaces.nn.fps_order import farthest
from omnisearch.spaces.nn.uni3d import CENTRES, WIDTH, PointEncoder, build, build_base
from omnisearch.spaces.weights import modern_files, paper_files, tensors
from omnisearch.spaces.weights.spec import WeightSpec, resolve
from omnisearch.types import Content, Floats, PointCloud

POINTS = 10_000
BATCH = 4


class Uni3D:
    """Embeds point clouds: float32 (n, 1024), not normalised."""

    width = WIDTH

    def __init__(self, name: str, network: PointEncoder, device: torch.device, fingerprint: str) -> None:
        self.name, self.fingerprint = name, fingerprint
        self._network, self._device = network.eval().to(device), device

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, 1024): one row per object."""
        result = np.zeros((len(contents), self.width), np.float32)
        for start in range(0, len(contents), BATCH):
            points = np.stack([prepare(cloud) for cloud in contents[start : start + BATCH]])
            centres = np.stack([cloud[farthest(cloud[:, :3], CENTRES), :3] for cloud in points])
            result[start : start + BATCH] = self._embed(torch.from_numpy(points), torch.from_numpy(centres))
        return result

    @torch.inference_mode()
    def _embed(self, points: Tensor, centres: Tensor) -> Floats:
        embedded: Floats = self._network(points.to(self._device), centres.to(self._device)).float().cpu().numpy()
        return embedded


@dataclass(frozen=True)
class Checkpoint:
    """One of the trained networks, in the file of that name, of the size `base` or `giant`."""

    name: str
    file: WeightSpec
    base: bool = False

    def load(self, settings: Settings, fingerprint: str) -> Uni3D:
        """Read the network from this machine.

        Raises:
            ModelMissingError: the weight file is not here.
            WeightsError: it does not fit the network.
        """
        path = resolve(self.file, settings)
        with torch.device("meta"):
            network = build_base() if self.base else build()
        # The file also holds a temperature, and the image layers of its trunk, which are not read.
        tensors.adopt(
            network, path, "point_encoder.{}".format, dtype(settings), {"k_bias": lambda b: torch.zeros(b.shape)}
        )
        return Uni3D(self.name, network, choose(settings), fingerprint)


UNI3D_LVIS = Checkpoint("uni3d_lvis", paper_files.UNI3D_LVIS)
UNI3D_MNET = Checkpoint("uni3d_mnet", paper_files.UNI3D_MNET)
UNI3D_SCAN = Checkpoint("uni3d_scan", paper_files.UNI3D_SCAN)
UNI3D_B = Checkpoint("uni3d_b", modern_files.UNI3D_B, base=True)


def prepare(cloud: Content) -> Floats:
    """Return float32 (POINTS, 6): coordinates centred on their mean in the unit ball, y up, and colours in [0, 1].

    If there are more points, a fixed random sample is used; fewer are repeated in turn. Without colours all are grey.
    """
    assert isinstance(cloud, PointCloud)
    colors = np.full_like(cloud.points, GREY) if cloud.colors is None else cloud.colors
    points = np.hstack([cloud.points, colors]).astype(np.float32)
    if len(points) > POINTS:
        points = points[np.random.default_rng(0).choice(len(points), POINTS, replace=False)]
    points = np.resize(points, (POINTS, 6))
    points[:, :3] -= points[:, :3].mean(0, dtype=np.float64)
    radius = np.sqrt(np.square(points[:, :3]).sum(1).max())
    points[:, :3] /= radius if radius > 1e-6 else 1
    return points
