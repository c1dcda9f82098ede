"""Fusion: projected spaces, weighted by routers and added into one embedding. Tensors in, tensors out."""

from collections.abc import Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.binding.config import (
    FixedConfig,
    IdentityConfig,
    LearnedConfig,
    LinearConfig,
    ModelConfig,
    ProjectorConfig,
)
from omnisearch.binding.folded_projectors import FoldedProjectors
from omnisearch.binding.linear_projector import LinearProjector
from omnisearch.binding.projector import Projector
from omnisearch.binding.router import FixedFactors, Router
from omnisearch.types import Modality


class Fusion(nn.Module):
    """The trainable half of a bound model: projectors, routers and the mean of each centred modality.

    For one part (a modality that towers read), with e_b the branches and w_b the factors (OmniBind, eq. 4):

        fused = normalise(sum_b w_b e_b),   e_b = [normalise] sum_s factor_s projector_s(x_s - origin_s)

    with origin_s the mean of the part in the space, if the projector is configured to subtract it, else 0,

    and for a centred modality fused = normalise(fused - mean), which removes the modality gap.
    """

    def __init__(self, config: ModelConfig, dims: Mapping[str, int]) -> None:
        super().__init__()
        self.config = config
        self.projectors = nn.ModuleDict(
            {space: make_projector(chosen, dims[space], config.dim) for space, chosen in config.projectors.items()}
        )
        self.origins = nn.ParameterDict(
            {
                origin(space, part): nn.Parameter(torch.zeros(dims[space]), requires_grad=False)
                for space, chosen in config.projectors.items()
                if not isinstance(chosen, IdentityConfig)
                for part in chosen.centred
            }
        )
        self.banks = nn.ModuleList()  # the folded projectors, grouped by shape; empty before `fold`
        self.routers = nn.ModuleDict()
        for part, router in config.routers.items():
            branches = len(config.branches[part])
            self.routers[part] = (
                Router(sum(dims[s] for s in router.inputs), router.hidden, branches, router.scale)
                if isinstance(router, LearnedConfig)
                else FixedFactors(router.factors)
            )
        self.means = nn.ParameterDict(
            {part: nn.Parameter(torch.zeros(config.dim), requires_grad=False) for part in config.centred}
        )

    def branches(self, part: Modality, spaces: Mapping[str, Tensor]) -> Tensor:
        """Project and combine: {space: (n, dim of space)} -> (n, branches, dim)."""
        read = {s: spaces[s] for b in self.config.branches[part] for s in b.parts}
        projected = self._project({s: self._centred(s, part, rows) for s, rows in read.items()})
        rows = []
        for branch in self.config.branches[part]:
            row = torch.stack([factor * projected[s] for s, factor in branch.parts.items()]).sum(dim=0)
            rows.append(functional.normalize(row, dim=-1) if branch.normalise else row)
        return torch.stack(rows, dim=1)

    def _centred(self, space: str, part: Modality, rows: Tensor) -> Tensor:
        name = origin(space, part)
        if name not in self.origins:
            return rows
        return torch.where(rows.any(dim=-1, keepdim=True), rows - self.origins[name], rows)  # a skipped row stays zero

    def _project(self, spaces: Mapping[str, Tensor]) -> dict[str, Tensor]:
        found = {s: self.projectors[s](rows) for s, rows in spaces.items() if s in self.projectors}
        for bank in self.banks:
            found |= bank(spaces)
        return found

    def factors(self, part: Modality, spaces: Mapping[str, Tensor]) -> Tensor:
        """Return the combining factors (n, branches), rows summing to one.

        A zero row marks a branch that was skipped for that input: its factor is divided among the others.
        """
        branches = self.config.branches[part]
        ran = [torch.stack([spaces[s].any(dim=-1) for s in branch.parts]).all(dim=0) for branch in branches]
        factors: Tensor = functional.normalize(self.routed(part, spaces) * torch.stack(ran, dim=1), p=1.0, dim=-1)
        return factors

    def routed(self, part: Modality, spaces: Mapping[str, Tensor]) -> Tensor:
        """Return the router's factors of a part (n, branches), including those of skipped branches."""
        inputs = self.config.reads(part) or self.config.spaces(part)[:1]
        factors: Tensor = self.routers[part](torch.cat([spaces[s] for s in inputs], dim=-1))
        return factors

    def forward(self, part: Modality, spaces: Mapping[str, Tensor]) -> Tensor:
        """Return the fused embeddings (n, dim), unit rows."""
        weighted = self.factors(part, spaces)[..., None] * self.branches(part, spaces)
        fused = functional.normalize(weighted.sum(dim=1), dim=-1)
        if part in self.means:
            fused = functional.normalize(fused - self.means[part], dim=-1)
        return fused

    def decompose(self, part: Modality, spaces: Mapping[str, Tensor]) -> Tensor:
        """Return the summands of `forward`: (n, branches + 1, dim); the last row of each input is its centring.

        A branch's row is w_b e_b divided by the norms that `forward` divides by; the centring's is -mean divided by the
        last norm.
        """
        weighted = self.factors(part, spaces)[..., None] * self.branches(part, spaces)
        fused = weighted.sum(dim=1, keepdim=True)
        length = fused.norm(dim=-1, keepdim=True)
        mean = self.means[part] if part in self.means else torch.zeros_like(fused[0, 0])
        rest = (fused / length - mean).norm(dim=-1, keepdim=True)
        parts: Tensor = torch.cat([weighted / length, -mean.expand_as(fused)], dim=1) / rest
        return parts

    def varied(self, routers: Mapping[Modality, FixedConfig], centred: Sequence[Modality]) -> "Fusion":
        """Return a copy with fixed factors for some parts, in which only the parts `centred` are centred."""
        kept = tuple(part for part in self.config.centred if part in centred)
        other = deepcopy(self)
        other.config = self.config.model_copy(update={"routers": {**self.config.routers, **routers}, "centred": kept})
        other.routers.update({part: FixedFactors(router.factors) for part, router in routers.items()})
        other.means = nn.ParameterDict({part: self.means[part] for part in kept})
        return other

    def rerouted(self, routers: Mapping[Modality, nn.Module]) -> "Fusion":
        """Return a copy with other routers for some parts, which read the same spaces as those they replace."""
        other = deepcopy(self)
        other.routers.update({part.value: router for part, router in routers.items()})
        return other

    def fold(self) -> "Fusion":
        """Fold the projectors into groups of equal shape, in place: the same map in eval mode, for inference only."""
        shapes: dict[tuple[int, ...], dict[str, Projector]] = {}
        for space, projector in list(self.projectors.items()):
            if isinstance(projector, Projector):
                shapes.setdefault(projector.shape, {})[space] = projector
                del self.projectors[space]
        self.banks.extend(FoldedProjectors(equal) for equal in shapes.values())
        return self.eval()


def make_projector(config: ProjectorConfig, width: int, dim: int) -> nn.Module:
    """Return a new projector of a space of `width` dimensions into a shared space of `dim`."""
    if isinstance(config, IdentityConfig):
        return nn.Identity()
    if isinstance(config, LinearConfig):
        return LinearProjector(width, dim)
    return Projector(width, config.hidden, dim, config.heads)


def origin(space: str, part: Modality) -> str:
    """Return the name of the mean of a part in a space."""
    return f"{space}:{part}"
