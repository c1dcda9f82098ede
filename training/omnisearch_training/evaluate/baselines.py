"""Baselines of a bound model: each of its branches alone, plain averaging, and no centring."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from omnisearch.binding.config import BranchConfig, FixedConfig, ModelConfig
from omnisearch.binding.model import OmniBind
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality, SpaceEmbeddings

BOUND, ONLY = "bound", "only "


@dataclass(frozen=True, eq=False)
class Variant:
    """A bound model or a baseline. `changed` modalities differ from the model; `recentred` ones need another mean.

    That mean is computed from the evaluated items, because the training pools are not part of a model. This
    favours the baselines: the bound model uses the mean of its training pool.
    """

    name: str
    model: OmniBind
    changed: frozenset[Modality] = frozenset()
    recentred: frozenset[Modality] = frozenset()

    def bind(self, modality: Modality, embeddings: SpaceEmbeddings) -> Floats:
        """Embed all evaluated items of one modality: (n, dim), unit rows."""
        rows = self.model.bind(modality, embeddings)
        return unit(rows - rows.mean(axis=0)) if modality in self.recentred else rows


def variants(model: OmniBind) -> Iterator[Variant]:
    """Yield the bound model, then its baselines; a baseline equal to the model is left out."""
    yield Variant(BOUND, model)
    config = model.config
    contested = {part: branches for part, branches in config.branches.items() if len(branches) > 1}
    for name, routers in fixed_routers(contested):
        changed = {part: router for part, router in routers.items() if not _has_factors(config, part, router)}
        if changed:
            yield _rerouted(name, model, changed)
    if config.centred:
        yield Variant("not centred", model.varied({}, ()), _with_video(config, frozenset(config.centred)))


def fixed_routers(
    branches: Mapping[Modality, Sequence[BranchConfig]],
) -> Iterator[tuple[str, dict[Modality, FixedConfig]]]:
    """Yield routers with fixed factors: each branch alone, for the modalities that have it; then all equally."""
    for name in dict.fromkeys(branch.name for own in branches.values() for branch in own):
        yield (
            f"{ONLY}{name}",
            {
                part: FixedConfig(factors=tuple(float(branch.name == name) for branch in own))
                for part, own in branches.items()
                if name in {branch.name for branch in own}
            },
        )
    yield "uniform", {part: FixedConfig(factors=(1.0,) * len(own)) for part, own in branches.items()}


def _rerouted(name: str, model: OmniBind, routers: Mapping[Modality, FixedConfig]) -> Variant:
    config = model.config
    rest = [part for part in config.centred if part not in routers]
    recentred = frozenset(routers) & frozenset(config.centred)
    return Variant(
        name, model.varied(routers, rest), _with_video(config, frozenset(routers)), _with_video(config, recentred)
    )


def _has_factors(config: ModelConfig, part: Modality, router: FixedConfig) -> bool:
    """Whether a part of the model has the factors of a router already, up to their scale."""
    own = config.routers[part]
    return isinstance(own, FixedConfig) and np.allclose(_shares(own), _shares(router))


def _shares(router: FixedConfig) -> Floats:
    return np.array(router.factors, np.float32) / np.float32(sum(router.factors))


def _with_video(config: ModelConfig, parts: frozenset[Modality]) -> frozenset[Modality]:
    return parts | {Modality.VIDEO} if parts & set(config.video) else parts
