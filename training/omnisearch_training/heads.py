"""Specialist heads: where a frozen tower has no partner modality, a small head brings it to the text tower."""

from collections.abc import Sequence

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from omnisearch.spaces.head import Head
from omnisearch.types import Floats
from omnisearch_training.losses import info_nce


class HeadConfig(BaseModel):
    """How a head is trained. `noise` is added to the standardised features, in their standard deviations.

    `ensemble` networks differ by their start and their batches' order. `detail` is how often a richer caption stands
    in for the plain name. With `mixup`, that share of a batch's items are blends of two, wanting the blend of their
    captions (Zhang et al., "mixup", 2018).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden: int = Field(1024, ge=0)
    ensemble: int = Field(3, ge=1)
    dropout: float = Field(0.3, ge=0, lt=1)
    noise: float = Field(0.2, ge=0)
    detail: float = Field(0.5, ge=0, le=1)
    mixup: float = Field(0.0, ge=0, le=1)
    temperature: float = Field(0.05, gt=0)
    rate: float = Field(1e-3, gt=0)
    decay: float = Field(0.05, ge=0)
    batch: int = Field(1024, ge=2)
    steps: int = Field(600, ge=1)


def train_head(
    features: Floats, captions: Sequence[Floats], groups: Sequence[str], config: HeadConfig, seed: int
) -> Head:
    """Train a head on features (n, width) whose item i has the caption embeddings captions[i] (k_i, dim), plain first.

    Symmetric InfoNCE between the head's output and a caption of the item; items of one group are no negatives.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x = torch.from_numpy(features)
    head = Head(x.shape[1], captions[0].shape[1], config.hidden, config.ensemble, config.dropout)
    head.standardise(x)
    offsets, flat = _flatten(captions)
    ids = torch.from_numpy(np.unique(np.asarray(groups), return_inverse=True)[1])
    optimiser = torch.optim.AdamW(head.parameters(), lr=config.rate, weight_decay=config.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.rate, total_steps=config.steps, pct_start=0.1)
    head.train()
    for _ in range(config.steps):
        rows = torch.randperm(len(x), generator=generator)[: config.batch]
        target = flat[_pick(offsets, rows, config.detail, generator)]
        noisy = x[rows] + config.noise * head.std * torch.randn(len(rows), x.shape[1], generator=generator)
        noisy, target = _blend(noisy, target, config.mixup, generator)
        outputs = head.each(noisy)  # (ensemble, batch, dim)
        loss = torch.stack([info_nce(o, target, config.temperature, ids[rows]) for o in outputs]).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return head.eval()


def _flatten(captions: Sequence[Floats]) -> tuple[Tensor, Tensor]:
    """Lay captions end to end: offsets (n + 1,) into rows (total, dim)."""
    offsets = np.cumsum([0, *(len(rows) for rows in captions)])
    return torch.from_numpy(offsets), torch.from_numpy(np.concatenate(list(captions)))


def _blend(inputs: Tensor, targets: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Blend a share of the rows with others: of each pair the first keeps the larger part."""
    other = torch.randperm(len(inputs), generator=generator)
    part = 0.5 * torch.rand(len(inputs), 1, generator=generator)
    part = part * (torch.rand(len(inputs), 1, generator=generator) < share)
    return torch.lerp(inputs, inputs[other], part), torch.lerp(targets, targets[other], part)


def _pick(offsets: Tensor, rows: Tensor, detail: float, generator: torch.Generator) -> Tensor:
    """Choose one caption per row: the plain first one, or with probability `detail` any of the others."""
    start, count = offsets[rows], offsets[rows + 1] - offsets[rows]
    other = 1 + (torch.rand(len(rows), generator=generator) * (count - 1)).long()
    wants = (torch.rand(len(rows), generator=generator) < detail) & (count > 1)
    return start + torch.where(wants, other.clamp(max=count - 1), 0)
