"""A recipe: everything that decides what a training run makes, in one TOML file."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from omnisearch.binding.config import ModelConfig
from omnisearch.errors import UsageError
from omnisearch.types import Modality
from omnisearch_training.heads import HeadConfig


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HeadRecipe(_Strict):
    """One specialist space to train: which tower reads which datasets, and how."""

    modality: Modality
    tower: str
    datasets: tuple[str, ...] = Field(min_length=1)
    training: HeadConfig = HeadConfig()


class FinishRecipe(_Strict):
    """What is estimated once the binding stands: `pools` name the datasets of each modality that serve for it.

    `background` is how many unrelated items of each modality go with the model.
    """

    pools: dict[Modality, tuple[str, ...]]
    background: int = Field(256, ge=16)


class Recipe(_Strict):
    """A run from datasets to a bound model. `heads` are trained first; `model` says how the spaces are bound."""

    seed: int = 0
    heads: dict[str, HeadRecipe] = {}
    finish: FinishRecipe
    model: ModelConfig


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        UsageError: it cannot be read, is no TOML, or has a field or value without a meaning; names the first.
    """
    try:
        return Recipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"recipe {path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise UsageError(f"recipe {path}: {place}: {first['msg']}") from None
