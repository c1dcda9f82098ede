"""The last stage of the image tower, trained with a head on captioned pictures while its ImageNet classes are kept.

The stages below are frozen and shared: a second last stage costs little at use, and is trained on their output alone.
"""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.spaces.head import Head
from omnisearch.types import Floats
from omnisearch_training.stages.caption_choice import Captions
from omnisearch_training.stages.heads import HeadConfig
from omnisearch_training.stages.loop import batch_of, draw, fit
from omnisearch_training.stages.losses import distillation, info_nce

CHUNK = 64  # pictures of which the stage's activations are in memory at once


class StageConfig(BaseModel):
    """Training of a last stage with a head that is already trained.

    A new head first would distort features that carry over to other pictures (Kumar et al., "Fine-Tuning can Distort
    Pretrained Features", 2022). `keep` is the weight of distillation, `temperature` that of its softmaxes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(60, ge=1)
    batch: int = Field(128, ge=2)
    rate: float = Field(1e-4, gt=0)
    keep: float = Field(1.0, ge=0)
    temperature: float = Field(2.0, gt=0)


def split(network: Any) -> tuple[nn.Module, nn.Module]:
    """Split timm's EfficientNet: (b, 3, side, side) -> maps (b, channels, h, w), and maps -> features (b, width)."""
    below = nn.Sequential(network.conv_stem, network.bn1, *network.blocks[:-1])
    return below.eval(), nn.Sequential(network.blocks[-1], network.conv_head, network.bn2, network.global_pool).eval()


def tune(
    stage: nn.Module,
    head: Head,
    classifier: tuple[Tensor, Tensor],
    maps: Floats,
    captions: Sequence[Floats],
    groups: Sequence[str],
    training: HeadConfig,
    config: StageConfig,
    seed: int,
    frozen: bool = False,
) -> tuple[nn.Module, Head]:
    """Return copies of the stage and of its head, trained together; of the stage unchanged if it is `frozen`.

    Item i has the map maps[i] (channels, h, w) and the caption embeddings captions[i] (k_i, dim). The loss is that of
    the head (`train_head`, with its noise and dropout), and `keep` times the distillation of the classifier's logits,
    with weight (classes, width) and bias, from the features of the given stage. Batch norm keeps its statistics.
    """
    before = see(stage, maps)
    logits = functional.linear(before, *classifier)
    stage, head = copy.deepcopy(stage).requires_grad_(not frozen), copy.deepcopy(head).train()
    spoken = Captions(captions)
    ids = torch.from_numpy(np.unique(np.asarray(groups), return_inverse=True)[1])
    torch.manual_seed(seed)  # of dropout

    def loss(step: int) -> Tensor:
        rows = batch_of(len(maps), config.batch, step, seed)
        features = before[rows] if frozen else stage(torch.from_numpy(maps[rows]))
        noise = draw(seed, 1, step).standard_normal(features.shape, np.float32)
        target = torch.from_numpy(spoken.pick(rows, training.detail, draw(seed, 2, step)))
        outputs = head.each(features + training.noise * head.std * torch.from_numpy(noise))
        learned = torch.stack([info_nce(o, target, training.temperature, ids[rows]) for o in outputs]).mean()
        kept = distillation(functional.linear(features, *classifier), logits[rows], config.temperature)
        return learned + config.keep * kept

    fit(nn.ModuleList([stage, head]), loss, config.steps, config.rate, "")
    return stage.eval(), head.eval()


@torch.no_grad()  # not in inference mode: the loss reads them
def see(stage: nn.Module, maps: Floats) -> Tensor:
    """Return the features (n, width) of maps (n, channels, h, w)."""
    return torch.cat([stage(torch.from_numpy(maps[start : start + CHUNK])) for start in range(0, len(maps), CHUNK)])
