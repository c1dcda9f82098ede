"""The network of the shape space: from evenly spread coloured points into the text tower's metric."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.spaces.families.points import POINTS
from omnisearch.spaces.trained_network import Network

NEAR = 16  # neighbours
# Clouds that pass together. Nothing depends on it but memory and, through the cache, speed.
BLOCK = 16


class Neighbourhoods(nn.Module):
    """From n points to the first m of them, each with what its k nearest hold: an edge convolution.

    What point i hears of its neighbour j is linear in f_j and p_j - p_i, and the greatest over j counts (DGCNN, Wang
    et al. 2019). Being linear it is computed once per point, not once per edge (Mesorasi, Feng et al. 2020).
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
        # m points in a unit ball lie about m ** -0.5 apart on a surface: offsets get the size of features.
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
    """Rows of the points tower to embeddings: (n, POINTS * 6) -> (n, dim), unit rows.

    Farther and farther neighbourhoods of ever fewer points, of which the greatest and the mean are the object's. The
    first `points` of a row are looked at; they are in farthest-point order, and so are the centres of each stage.
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
        """What `save` writes of it."""
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
