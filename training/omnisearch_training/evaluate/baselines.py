"""Baselines of a bound model: each of its branches alone, plain averaging, and no centring."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from omnisearch.binding.config import FixedConfig, ModelConfig
from omnisearch.binding.model import OmniBind
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality, SpaceEmbeddings

BOUND = "bound"


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
    for name in dict.fromkeys(branch.name for branches in contested.values() for branch in branches):
        alone = {
            part: FixedConfig(factors=tuple(float(branch.name == name) for branch in branches))
            for part, branches in contested.items()
            if name in {branch.name for branch in branches}
        }
        yield _rerouted(f"only {name}", model, alone)
    uniform = {
        part: FixedConfig(factors=(1.0,) * len(branches))
        for part, branches in contested.items()
        if not _is_uniform(config, part)
    }
    if uniform:
        yield _rerouted("uniform", model, uniform)
    if config.centred:
        yield Variant("not centred", model.varied({}, ()), _with_video(config, frozenset(config.centred)))


def _rerouted(name: str, model: OmniBind, routers: Mapping[Modality, FixedConfig]) -> Variant:
    config = model.config
    rest = [part for part in config.centred if part not in routers]
    recentred = frozenset(routers) & frozenset(config.centred)
    return Variant(
        name, model.varied(routers, rest), _with_video(config, frozenset(routers)), _with_video(config, recentred)
    )


def _is_uniform(config: ModelConfig, part: Modality) -> bool:
    router = config.routers[part]
    return isinstance(router, FixedConfig) and len(set(router.factors)) == 1


def _with_video(config: ModelConfig, parts: frozenset[Modality]) -> frozenset[Modality]:
    return parts | {Modality.VIDEO} if parts & set(config.video) else parts
