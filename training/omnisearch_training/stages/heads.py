"""Specialist heads: a small head maps a frozen tower without a partner modality to the text tower."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from omnisearch.spaces.head import Head
from omnisearch.types import Floats
from omnisearch_training.stages.caption_choice import Captions
from omnisearch_training.stages.losses import info_nce


class TextConfig(BaseModel):
    """Training of a text side with its head: small and regularised, so that unseen words keep their embeddings.

    `noise` is the length of a random vector that is added to a caption's unit embedding.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hidden: int = Field(128, ge=1)
    dropout: float = Field(0.3, ge=0, lt=1)
    noise: float = Field(0.3, ge=0)
    decay: float = Field(1.0, ge=0)


class HeadConfig(BaseModel):
    """Training of a head. `noise` is added to the standardised features, in their standard deviations.

    `ensemble` networks differ by initialisation and order of batches. `detail` is the share of richer captions instead
    of the plain name. `mixup` is the share of a batch's items that are blends of two, with the blend of their captions
    as target (Zhang et al., "mixup", 2018). With `text` the space has a text side.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["head"] = "head"
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
    text: TextConfig | None = None


def train_head(
    features: Floats, captions: Sequence[Floats], groups: Sequence[str], config: HeadConfig, seed: int
) -> Head:
    """Train a head on features (n, width) whose item i has the caption embeddings captions[i] (k_i, dim), plain first.

    Symmetric InfoNCE between the head's output and the space's embedding of a caption; items of one group are not
    negatives of each other.
    """
    generator, random = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    torch.manual_seed(seed)
    x, spoken = torch.from_numpy(features), Captions(captions)
    head = _head(x.shape[1], spoken.rows.shape[1], config)
    head.standardise(x)
    ids = torch.from_numpy(np.unique(np.asarray(groups), return_inverse=True)[1])
    optimiser = torch.optim.AdamW(_parameters(head, config), lr=config.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.rate, total_steps=config.steps, pct_start=0.1)
    head.train()
    for _ in range(config.steps):
        rows = torch.randperm(len(x), generator=generator)[: config.batch]
        target = torch.from_numpy(spoken.pick(rows.numpy(), config.detail, random))
        noisy = x[rows] + config.noise * head.std * torch.randn(len(rows), x.shape[1], generator=generator)
        noisy, target = _blend(noisy, target, config.mixup, generator)
        if config.text is not None and head.text is not None:
            step = torch.randn(target.shape, generator=generator) * (config.text.noise / target.shape[1] ** 0.5)
            target = head.text(target + step)
        outputs = head.each(noisy)  # (ensemble, batch, dim)
        loss = torch.stack([info_nce(o, target, config.temperature, ids[rows]) for o in outputs]).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return head.eval()


def _head(width: int, dim: int, config: HeadConfig) -> Head:
    text = (config.text.hidden, config.text.dropout) if config.text else ()
    return Head(width, dim, config.hidden, config.ensemble, config.dropout, *text)


def _parameters(head: Head, config: HeadConfig) -> list[dict[str, Any]]:
    """Return the parameters grouped by weight decay."""
    text = [parameter for name, parameter in head.named_parameters() if name.startswith("text.")]
    rest = [parameter for name, parameter in head.named_parameters() if not name.startswith("text.")]
    groups = [{"params": rest, "weight_decay": config.decay}]
    return groups + ([{"params": text, "weight_decay": config.text.decay}] if config.text else [])


def _blend(inputs: Tensor, targets: Tensor, share: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Blend a share of the rows with others; the first of each pair has the larger weight."""
    other = torch.randperm(len(inputs), generator=generator)
    part = 0.5 * torch.rand(len(inputs), 1, generator=generator)
    part = part * (torch.rand(len(inputs), 1, generator=generator) < share)
    return torch.lerp(inputs, inputs[other], part), torch.lerp(targets, targets[other], part)
