"""Routing: train the routers while the projectors are frozen (OmniBind, section 3.4)."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path
from typing import Literal

import torch
from blake3 import blake3
from pydantic import Field
from torch import Tensor, nn

from omnisearch.binding.config import LearnedConfig, ModelConfig, RouterConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.binding.linear_projector import LinearProjector
from omnisearch.binding.projector import Projector
from omnisearch.binding.router import Router
from omnisearch.errors import UsageError
from omnisearch.types import Modality
from omnisearch_training.stages.loop import Report, batch_of, draw, fit
from omnisearch_training.stages.losses import decoupling
from omnisearch_training.stages.objective import Objective, ObjectiveConfig, learner
from omnisearch_training.stages.projectors import Embeddings, Groups, identity, shown, take
from omnisearch_training.stages.pseudo_pairs import Pairs


class RouteConfig(ObjectiveConfig):
    """Training of routers; `decoupling`, the weight of L_dec, is the paper's.

    `reduction` combines the losses of the modality pairs: eq. 5 of the paper sums them, its prose averages.
    """

    reduction: Literal["sum", "mean"] = "sum"
    decoupling: float = Field(3.0, ge=0)
    k: int = Field(1, ge=1)
    rate: float = Field(1e-3, gt=0)
    batch: int = Field(4096, ge=2)
    epochs: int = Field(5, ge=1)


def train_routers(
    fusion: Fusion,
    embeddings: Embeddings,
    pairs: Pairs,
    config: RouteConfig,
    seed: int,
    groups: Groups | None = None,
    checkpoint: Path | None = None,
    report: Report | None = None,
    kept: tuple[Modality, ...] = (),
) -> Fusion:
    """Train new routers for parts with learned ones; the returned model shares the projectors and means.

    The routers of the parts `kept` stay as they are.

    Raises:
        UsageError: no router is learned, fewer than two modalities are paired, or L_dec lacks the sources of texts.
        CheckpointError: the checkpoint belongs to another recipe or other data.
    """
    parts = tuple(m for m in pairs.modalities if m in fusion.config.branches)
    learned = [part for part in parts if isinstance(fusion.routers[part], Router) and part not in kept]
    if not learned or len(parts) < 2:
        raise UsageError(f"model {fusion.config.name} has no learned router, or fewer than two modalities: {parts}")
    decoupled = config.decoupling > 0 and Modality.TEXT in learned
    if decoupled and pairs.text_source is None:
        raise UsageError("the decoupling loss needs the sources of texts: mine pairs with text_sources")
    labels = source_labels(fusion.config, pairs.sources) if decoupled else None
    torch.manual_seed(seed)
    fusion = with_routers(fusion, {part: fusion.config.routers[part] for part in learned})
    fusion.requires_grad_(False)
    for part in learned:
        fusion.routers[part].requires_grad_(True).train()
    objective = Objective(config, fusion.config.dim)

    def loss(step: int) -> Tensor:
        chosen = batch_of(len(pairs.start), config.batch, step, seed)
        tuples = pairs.tuples(chosen, draw(seed, 1, step).integers(config.k, size=len(chosen)))
        spaces = {m: {s: take(embeddings[s, m], tuples.ids[m]) for s in fusion.config.spaces(m)} for m in parts}
        fused = {m: fusion(m, spaces[m]) for m in parts}
        names = {m: shown(tuples.ids[m], m, groups) for m in parts}
        negatives = int(draw(seed, 2, step).integers(2**62))
        total = alignment_loss(fused, names, objective, config.reduction, negatives)
        if labels is not None and tuples.text_source is not None:
            known = torch.from_numpy(tuples.text_source >= 0)
            scores = text_scores(fusion, spaces[Modality.TEXT])[known]
            if len(scores):
                source = torch.from_numpy(tuples.text_source).long()[known]
                total = total + config.decoupling * decoupling(scores, labels[source])
        return total

    steps = config.epochs * (len(pairs.start) // min(config.batch, len(pairs.start)))
    digest = identity(config, pairs, groups, _digest(fusion), seed)
    fit(learner(fusion.routers, objective), loss, steps, config.rate, digest, checkpoint, report)
    return fusion.eval()


def alignment_loss(
    fused: Mapping[Modality, Tensor],
    groups: Mapping[Modality, Tensor],
    objective: Objective,
    reduction: Literal["sum", "mean"],
    seed: int = 0,
) -> Tensor:
    """Return L_align: the objective over all unordered pairs of modalities of fused embeddings (n, dim) (eq. 5)."""
    terms = torch.stack(
        [
            objective(fused[a], fused[b], torch.stack([groups[a], groups[b]], dim=1), seed)
            for a, b in combinations(fused, 2)
        ]
    )
    return terms.sum() if reduction == "sum" else terms.mean()


def source_labels(config: ModelConfig, sources: tuple[str, ...]) -> Tensor:
    """Return the labels of L_dec (sources, text branches): 1 if a branch's tags include the source.

    Raises:
        UsageError: a source is not a tag of any branch.
    """
    branches = config.branches[Modality.TEXT]
    strange = set(sources).difference(*(branch.tags for branch in branches))
    if strange:
        raise UsageError(f"text sources {sorted(strange)} are not tags of any text branch of {config.name}")
    return torch.tensor([[float(source in branch.tags) for branch in branches] for source in sources])


def text_scores(fusion: Fusion, spaces: Mapping[str, Tensor]) -> Tensor:
    """Return a learned text router's sigmoid outputs (n, branches), before the softmax."""
    router, config = fusion.routers[Modality.TEXT], fusion.config.routers[Modality.TEXT]
    assert isinstance(router, Router)
    assert isinstance(config, LearnedConfig)
    return router.scores(torch.cat([spaces[space] for space in config.inputs], dim=-1))


def with_routers(fusion: Fusion, routers: Mapping[Modality, RouterConfig]) -> Fusion:
    """Return a model with the same projectors and means, and other routers for the given modalities.

    A learned router is newly initialised; other modalities keep their routers.
    """
    document = fusion.config.model_dump() | {"routers": {**fusion.config.routers, **routers}}
    config = ModelConfig.model_validate(document)
    made = Fusion(config, {space: _width(p, config.dim) for space, p in fusion.projectors.items()})
    made.projectors, made.origins, made.means = fusion.projectors, fusion.origins, fusion.means
    for part in set(fusion.config.routers) - set(routers):
        made.routers[part] = fusion.routers[part]
    return made.eval()


def _width(projector: nn.Module, dim: int) -> int:
    if isinstance(projector, Projector):
        return projector.inner.in_features
    return projector.in_features if isinstance(projector, LinearProjector) else dim


def _digest(fusion: Fusion) -> str:
    """Return a hash of the frozen parts."""
    digest = blake3(fusion.config.model_dump_json().encode())
    for name, value in fusion.state_dict().items():
        if not name.startswith("routers."):
            digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()
