"""The network of Uni3D: a transformer over patches of points, with the tensor names of its checkpoints.

Source: Zhou et al., "Uni3D: Exploring Unified 3D Representation at Scale" (ICLR 2024), section 3; the transformer is
EVA's, by timm.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.spaces.nn import torchvision_shim

CENTRES, NEAR = 512, 64
WIDTH = 1024
BASE_WIDTH = 768  # of the transformer of Uni3D-B


class PointEncoder(nn.Module):
    """Coloured points (b, n, 6) and centres among them (b, g, 3) -> (b, dim), with the checkpoint's tensor names.

    `transformer` is a timm EVA of `width` channels, of which the blocks and the last norm are used.
    """

    def __init__(self, transformer: nn.Module, width: int = 1408, dim: int = WIDTH, near: int = NEAR) -> None:
        super().__init__()
        self.near = near
        self.encoder = Patch(512)
        self.encoder2trans = nn.Linear(512, width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.cls_pos = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, width))
        self.visual = nn.ModuleDict(
            {"blocks": transformer.get_submodule("blocks"), "fc_norm": transformer.get_submodule("fc_norm")}
        )
        self.trans2embed = nn.Linear(width, dim)

    def forward(self, points: Tensor, centres: Tensor) -> Tensor:
        """Return the embeddings of clouds, not normalised; distances are computed in the points' precision."""
        kind = self.cls_token.dtype
        patches = self.encoder2trans(self.encoder(_around(points, centres, self.near).to(kind)))  # (b, g, width)
        patches = patches + self.pos_embed(centres.to(kind))
        x = torch.cat([(self.cls_token + self.cls_pos).expand(len(points), -1, -1), patches], 1)
        for block in self.visual["blocks"].children():
            x = block(x)
        embedded: Tensor = self.trans2embed(self.visual["fc_norm"](x[:, 0]))
        return embedded


class Patch(nn.Module):
    """Neighbourhoods (b, g, near, 6) -> (b, g, width): each point alone, then with the maximum over all (PointNet)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first_conv, self.second_conv = _pointwise(6, 128, 256), _pointwise(512, 512, width)

    def forward(self, patches: Tensor) -> Tensor:
        """Return one row per neighbourhood; the order of its points does not matter."""
        x: Tensor = self.first_conv(patches.flatten(0, 1).transpose(1, 2))  # (b * g, 256, near)
        x = self.second_conv(torch.cat([x.amax(2, keepdim=True).expand_as(x), x], 1))
        return x.amax(2).view(*patches.shape[:2], -1)


def _pointwise(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(inputs, hidden, 1), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Conv1d(hidden, outputs, 1)
    )


def _around(points: Tensor, centres: Tensor, near: int) -> Tensor:
    """Return the nearest points of each centre, relative to it, with their colours: (b, g, near, 6)."""
    places = points[..., :3]
    # |c|^2 + |p|^2 - 2 c.p, in the authors' order, because rounding decides which points are near enough.
    apart = -2 * centres @ places.transpose(1, 2)
    apart += centres.square().sum(2)[..., None]
    apart += places.square().sum(2)[:, None]
    nearest = apart.topk(near, largest=False, sorted=False).indices  # (b, g, near)
    found = torch.stack([cloud[rows] for cloud, rows in zip(points, nearest, strict=True)])
    return found - functional.pad(centres, (0, 3))[:, :, None]


def build() -> PointEncoder:
    """Return the network of Uni3D-g without weights."""
    return PointEncoder(trunk("eva_giant_patch14_560"))


def build_base() -> PointEncoder:
    """Return the network of Uni3D-B without weights. Its transformer is EVA-02's without rotary positions."""
    return PointEncoder(trunk("eva02_base_patch14_448"), BASE_WIDTH)


def trunk(name: str, **sizes: Any) -> nn.Module:
    """Return a timm EVA without weights and without its classifier; `sizes` override its configuration."""
    torchvision_shim.install()
    import timm

    network: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **sizes)
    return network
