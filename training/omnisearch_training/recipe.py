"""A recipe: all settings of a training run, in one TOML file."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from omnisearch.binding.config import IdentityConfig, LearnedConfig, LinearConfig, MlpConfig, ModelConfig
from omnisearch.errors import UsageError
from omnisearch.types import Modality
from omnisearch.wording import first_invalid
from omnisearch_training.stages.heads import HeadConfig
from omnisearch_training.stages.point_network import ShapeConfig
from omnisearch_training.stages.projectors import BindConfig
from omnisearch_training.stages.pseudo_pairs import PairConfig
from omnisearch_training.stages.routers import RouteConfig
from omnisearch_training.stages.texts import TextsConfig


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SpecialistRecipe(_Strict):
    """One specialist space to train: its modality, its datasets, and the kind of its network.

    The `teacher` of a shape network is an earlier specialist that reads the same modality with another tower.
    """

    modality: Modality
    datasets: tuple[str, ...] = Field(min_length=1)
    teacher: str | None = None
    training: Annotated[HeadConfig | ShapeConfig, Field(discriminator="kind")]


class BindRecipe(_Strict):
    """Binding: spaces with a projector are bound to the `anchor`, a weighted sum of spaces without one."""

    anchor: dict[str, float] = Field(min_length=1)
    training: BindConfig = BindConfig()


class RouteRecipe(_Strict):
    """Training of the routers."""

    training: RouteConfig = RouteConfig()


class Recipe(_Strict):
    """A run from datasets to a bound model.

    `specialists` are trained first, and once more without each of the `folds`. Their outputs on their own training
    items are too good, so projectors and routers are trained on out-of-fold outputs. `pools` name the datasets of each
    modality that are paired, bound and routed; `texts` binds spaces by sentences. The pools' mean and `background`
    (items per modality) are stored in the model. `model` is the configuration of the bound model.
    """

    seed: int = 0
    folds: int = Field(0, ge=0)
    specialists: dict[str, SpecialistRecipe] = {}
    pools: dict[Modality, tuple[str, ...]]
    pairs: PairConfig | None = None
    bind: BindRecipe | None = None
    texts: TextsConfig | None = None
    route: RouteRecipe | None = None
    background: int = Field(256, ge=16)
    model: ModelConfig

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every dataset of the recipe, once: the name of a declared one, or the path of a user's own."""
        specialists = (name for each in self.specialists.values() for name in each.datasets)
        pools = (name for names in self.pools.values() for name in names)
        return tuple(dict.fromkeys((*specialists, *pools, *(self.texts.datasets if self.texts else ()))))

    @property
    def projected(self) -> tuple[str, ...]:
        """The spaces of the model that have a projector to train."""
        return tuple(name for name, each in self.model.projectors.items() if not isinstance(each, IdentityConfig))

    @model_validator(mode="after")
    def _trains_out_of_fold(self) -> "Recipe":
        if self.folds == 1:
            raise ValueError("one fold would leave nothing to train on: set folds to 0 (off), or to 2 or more")
        above: dict[str, Modality] = {}
        for name, each in self.specialists.items():
            if each.teacher is not None and (each.training.kind != "shape" or above.get(each.teacher) != each.modality):
                raise ValueError(
                    f"specialist {name} cannot learn from the teacher {each.teacher}: a shape network learns from a "
                    f"specialist of its modality above it in the recipe ({', '.join(above) or 'there is none'})"
                )
            above[name] = each.modality
        return self

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "Recipe":
        by_texts = self.texts.spaces if self.texts else ()
        projected = [name for name in self.projected if name not in by_texts]
        routed = (Modality.TEXT,) if self.texts and self.texts.router else ()
        learned = [m for m, each in self.model.routers.items() if isinstance(each, LearnedConfig) and m not in routed]
        if (projected and self.bind is None) or (learned and self.route is None):
            raise ValueError(f"projectors {projected} need [bind] and learned routers {learned} need [route]")
        if (self.bind or self.route) and self.pairs is None:
            raise ValueError("[bind] and [route] need [pairs] to learn from")
        linear = [name for name in projected if isinstance(self.model.projectors[name], LinearConfig)]
        if linear:
            raise ValueError(f"linear projectors {linear} are fitted by texts alone: name their spaces in [texts]")
        for name in self.projected:
            section = self.texts if name in by_texts else self.bind
            config, training = self.model.projectors[name], section.training if section else BindConfig()
            if isinstance(config, MlpConfig) and (config.heads, config.hidden) != (
                len(training.heads),
                training.hidden,
            ):
                raise ValueError(f"projector {name} is not of the {len(training.heads)} heads that are trained")
        return self


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        UsageError: it cannot be read, is not TOML, or has an invalid field or value; names the first.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"recipe {path}: {error}") from None
    except ValidationError as error:
        raise UsageError(f"recipe {path}: {first_invalid(error)}") from None
