"""The network of the shape space, which maps evenly spread coloured points into the text tower's metric."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.spaces.families.points import POINTS
from omnisearch.spaces.trained_network import Network

NEAR = 16  # neighbours
# Clouds per batch. It affects only memory and, through the cache, speed.
BLOCK = 16


class Neighbourhoods(nn.Module):
    """An edge convolution: from n points to the first m of them, each with the features of its k nearest neighbours.

    The message from neighbour j to point i is linear in f_j and p_j - p_i; the maximum over j is taken (DGCNN, Wang
    et al. 2019). Since it is linear, it is computed once per point, not once per edge (Mesorasi, Feng et al. 2020).
    """

    def __init__(self, inputs: int, outputs: int, centres: int, near: int) -> None:
        super().__init__()
        self.centres, self.near = centres, near
        self.heard = nn.Linear(inputs, outputs)
        self.place = nn.Linear(3, outputs, bias=False)
        self.own = nn.Linear(inputs, outputs)
        self.inner = nn.Sequential(nn.LayerNorm(outputs), nn.GELU(), nn.Linear(outputs, outputs))
        self.norm = nn.LayerNorm(outputs)

    def forward(self, places: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map places (b, n, 3) and features (b, n, inputs) to (b, m, 3) and (b, m, outputs)."""
        centres = places[:, : self.centres]
        nearest = torch.cdist(centres, places).topk(self.near, largest=False, sorted=False).indices  # (b, m, k)
        # m points on a surface in the unit ball are about m ** -0.5 apart: scale offsets to the size of features.
        scale = self.centres**0.5 / 2
        heard = self.heard(features) + self.place(scale * places)  # (b, n, outputs)
        offset = torch.arange(len(places), device=places.device)[:, None, None] * places.shape[1]
        loudest = functional.embedding_bag((nearest + offset).flatten(0, 1), heard.flatten(0, 1), mode="max")
        x = (
            loudest.view(*nearest.shape[:2], heard.shape[-1])
            - self.place(scale * centres)
            + self.own(features[:, : self.centres])
        )
        return centres, functional.gelu(self.norm(x + self.inner(x)))


class ShapeNet(Network):
    """Maps rows of the points tower to embeddings: (n, POINTS * 6) -> (n, dim), unit rows.

    Each stage has fewer points with wider neighbourhoods; the maximum and the mean over the last stage represent the
    object. The first `points` of a row are used, in farthest-point order, and so are the centres of each stage.
    """

    format = "omnisearch-shape-1"

    def __init__(self, dim: int, points: int, channels: Sequence[int], dropout: float = 0.0) -> None:
        super().__init__()
        self.width, self.dim, self.points, self.channels, self.dropout = POINTS * 6, dim, points, channels, dropout
        self.stages = nn.ModuleList()
        inputs, places, centres = 6, points, points // 2
        for outputs in channels:
            self.stages.append(Neighbourhoods(inputs, outputs, centres, min(NEAR, places)))
            inputs, places, centres = outputs, centres, centres // 4
        self.whole = nn.Linear(channels[-1] + 3, 2 * channels[-1])
        self.out = nn.Linear(4 * channels[-1], dim)

    @property
    def shape(self) -> Mapping[str, Any]:
        """The constructor's arguments, as `save` writes them."""
        return {"dim": self.dim, "points": self.points, "channels": self.channels}

    def forward(self, rows: Tensor) -> Tensor:
        """Return the embeddings (n, dim) of rows (n, POINTS * 6)."""
        clouds = rows.view(-1, POINTS, 6)[:, : self.points]
        return torch.cat([rows.new_zeros(0, self.dim), *map(self._look, torch.split(clouds, BLOCK))])

    def _look(self, clouds: Tensor) -> Tensor:
        places, features = clouds[..., :3], clouds
        for stage in self.stages:
            places, features = stage(places, features)
        x = functional.gelu(self.whole(torch.cat([features, places], -1)))
        x = functional.dropout(torch.cat([x.amax(1), x.mean(1)], -1), self.dropout, self.training)
        return functional.normalize(self.out(x), dim=-1)
