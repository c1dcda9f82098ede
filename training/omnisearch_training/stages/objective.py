"""The objective of a training on pairs: InfoNCE, optionally with a learned temperature and with matching."""

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional

from omnisearch_training.stages.losses import info_nce
from omnisearch_training.stages.matching import Matcher, matching_loss

COLDEST = 0.01  # the least learned temperature, as in CLIP (Radford et al. 2021, section 2.5)


class MatchConfig(BaseModel):
    """Omni-modal matching on embeddings: the `weight` of its loss is MiCo's; `hidden` is the width of its head."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weight: float = Field(0.1, gt=0)
    hidden: int = Field(512, ge=1)


class ObjectiveConfig(BaseModel):
    """An objective on pairs; the temperature is OmniBind's, at which a learned one starts.

    MiCo's is `temperature = 0.07`, `learned_temperature = true`, `smoothing = 0.1` and `matching = {}`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float = Field(0.03, gt=0)
    learned_temperature: bool = False
    smoothing: float = Field(0.0, ge=0, lt=1)
    matching: MatchConfig | None = None


class Objective(nn.Module):
    """The loss of paired rows; its parameters are the logarithm of a learned temperature and the matching head."""

    def __init__(self, config: ObjectiveConfig, dim: int) -> None:
        super().__init__()
        self.config = config
        learned = torch.tensor(config.temperature).log()
        self.warmth = nn.Parameter(learned) if config.learned_temperature else None
        self.matcher = Matcher(dim, config.matching.hidden) if config.matching else None

    @property
    def temperature(self) -> float | Tensor:
        """The temperature of this step."""
        return self.config.temperature if self.warmth is None else self.warmth.exp().clamp(min=COLDEST)

    def forward(self, left: Tensor, right: Tensor, groups: Tensor, seed: int) -> Tensor:
        """Return the loss of pairs (n, dim); `groups` are as in `info_nce`, `seed` draws the hard negatives."""
        loss = info_nce(left, right, self.temperature, groups, self.config.smoothing)
        matcher = self.matcher
        if matcher is None or self.config.matching is None:
            return loss
        x, y = functional.normalize(left, dim=-1), functional.normalize(right, dim=-1)
        generator = torch.Generator(left.device).manual_seed(seed)
        matched = matching_loss(lambda i, j: matcher(x[i], y[j]), x, y, self.temperature, groups, generator)
        return loss + self.config.matching.weight * matched


def learner(trained: nn.Module, objective: Objective) -> nn.Module:
    """Return the module to optimise: the trained one, with the objective if that has parameters of its own."""
    return nn.ModuleList([trained, objective]) if any(True for _ in objective.parameters()) else trained
