"""Ablations: measure each part of a recipe by runs in which it is missing or replaced.

Every variation is a complete run. Unchanged results (features, specialists, mined pairs, projectors) are shared
through the run's cache. All variations answer the same queries, so their differences are paired.
"""

import logging
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from omnisearch.binding.config import FixedConfig, ModelConfig
from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.types import Modality
from omnisearch.wording import first_invalid
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.composed_queries import SUM, answer_composed
from omnisearch_training.evaluate.languages import answer_other_languages
from omnisearch_training.evaluate.metrics import Ranking
from omnisearch_training.evaluate.recall import Question, Result, Side, answer, encode
from omnisearch_training.evaluate.report import Json, result_row
from omnisearch_training.provenance import provenance
from omnisearch_training.recipe import Recipe, read_recipe
from omnisearch_training.run import Run
from omnisearch_training.stages.features import Features

log = logging.getLogger(__name__)

BASE = "base"


class Variation(BaseModel):
    """A recipe with other settings: `set` maps their dotted paths to values; `*` means every entry at that level."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    set: dict[str, Any]


class Ablation(BaseModel):
    """Variations of a recipe: `base` is its path relative to this file, changed by the settings `set`.

    `alone` adds, for every branch that a router weights, a run in which it alone counts; `uniform` adds the run with
    equal factors. Both set fixed factors in place of learned routers.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str
    set: dict[str, Any] = {}
    alone: bool = True
    uniform: bool = True
    variations: tuple[Variation, ...] = ()

    def recipes(self, folder: Path) -> dict[str, Recipe]:
        """Return the base recipe and every variation of it, by name."""
        base = changed(read_recipe(folder / self.base), self.set)
        every = [*_alone(base.model)] if self.alone else []
        every += [_uniform(base.model)] if self.uniform else []
        found = {BASE: base} | {each.name: changed(base, each.set) for each in (*every, *self.variations)}
        for name, recipe in found.items():
            if recipe.specialists != base.specialists:
                raise UsageError(f"variation {name} trains other specialists, which all models share")
        return found


def read_ablation(path: Path) -> Ablation:
    """Read an ablation.

    Raises:
        UsageError: it cannot be read, is not TOML, or has an unknown field.
    """
    try:
        return Ablation.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise UsageError(f"ablation {path}: {error}") from None


def changed(recipe: Recipe, settings: Mapping[str, Any]) -> Recipe:
    """Return a recipe with other settings; [route] is removed without learned routers, [texts] without its spaces.

    Raises:
        UsageError: a path is not in the recipe, or the changed recipe is invalid.
    """
    document = recipe.model_dump(mode="json")
    for place, value in settings.items():
        if not _put(document, place.split("."), value):
            raise UsageError(f"{place} is not a setting of recipe {recipe.model.name}")
    if not any(router.get("kind") == "learned" for router in document["model"]["routers"].values()):
        document["route"] = None
    document["texts"] = document["texts"] or None  # TOML has no null: an empty table removes it
    if document["texts"] and not set(document["texts"]["spaces"]) & set(document["model"]["projectors"]):
        document["texts"] = None
    if document["texts"] and document["model"]["routers"].get("text", {}).get("kind") != "learned":
        document["texts"]["router"] = None
    try:
        return Recipe.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"recipe {recipe.model.name} with {dict(settings)}: {first_invalid(error)}") from None


def ablate(path: Path, data: Mapping[str, Sequence[Record]], settings: Settings, cache: Path, seed: int = 0) -> Json:
    """Run every variation of a recipe, evaluate each model on the same queries, and compare the base with them.

    Raises:
        UsageError: the ablation or one of its recipes is invalid.
    """
    recipes = read_ablation(path).recipes(path.parent)
    exam = _Exam(data, Features(cache / "features", settings))
    variations, answers = [], {}
    start = time.monotonic()
    for done, (name, recipe) in enumerate(recipes.items(), 1):
        folder = cache / "runs" / recipe.model.name / "ablation" / f"{done:02}"
        log.info("[%d/%d] %s", done, len(recipes), name)
        run = Run(recipe, settings, cache, folder)
        run.follow()
        model = OmniBind.load(str(folder), settings)
        answers[name] = exam.answer(model)
        variations.append({"name": name, "fingerprint": model.fingerprint, "seconds": run.seconds})
        spent = time.monotonic() - start
        log.info("%.1f min; about %.0f min to go", spent / 60, spent / done * (len(recipes) - done) / 60)
    spaces = {space: None for recipe in recipes.values() for space in recipe.model.projectors}
    return {
        "ablation": read_ablation(path).model_dump(mode="json"),
        "recipe": recipes[BASE].model_dump(mode="json"),
        "seed": seed,
        **provenance(settings, spaces, data),
        "variations": variations,
        "results": [result_row(result) for result in compare(answers, seed)],
    }


def compare(answers: Mapping[str, Mapping[Question, Ranking]], seed: int = 0) -> Iterator[Result]:
    """Summarise the answers of every variation; `gain` is the paired difference of the base to it."""
    base = answers[BASE]
    for name, found in answers.items():
        for asked, ranking in found.items():
            gain = base[asked].gain(ranking, seed) if name != BASE and asked in base else None
            yield Result(name, asked.query, asked.target, asked.truth, ranking.recall(seed), gain)


class _Exam:
    """Evaluates every model on the same queries; models with equal spaces share the space embeddings."""

    def __init__(self, data: Mapping[str, Sequence[Record]], features: Features) -> None:
        self._data, self._features = data, features
        self._records = [record for records in data.values() for record in records]
        self._sides: dict[tuple[object, ...], dict[Modality, Side]] = {}

    def answer(self, model: OmniBind) -> dict[Question, Ranking]:
        read = tuple((m, model.config.spaces(m)) for m in model.modalities)
        if read not in self._sides:
            self._sides[read] = encode(model, self._features, self._records, model.modalities)
        sides = self._sides[read]
        composed = answer_composed(model, self._features, self._records, sides)
        foreign = answer_other_languages(model, self._features, self._data, sides)
        return answer(model, self._records, sides) | {asked: found[SUM] for asked, found in composed.items()} | foreign


def _put(document: Any, place: Sequence[str], value: Any) -> bool:
    """Set a value at a dotted path of a nested document, with `*` in every entry; return whether the path exists."""
    first, *rest = place
    if first == "*" and isinstance(document, dict):
        had = [_put(each, rest, value) for each in document.values()]
        return any(had)
    if not isinstance(document, dict) or first not in document:
        return False
    if rest:
        return _put(document[first], rest, value)
    document[first] = value
    return True


def _alone(model: ModelConfig) -> Iterator[Variation]:
    contested = {part: branches for part, branches in model.branches.items() if len(branches) > 1}
    for name in dict.fromkeys(branch.name for branches in contested.values() for branch in branches):
        factors = {part: [float(each.name == name) for each in branches] for part, branches in contested.items()}
        yield Variation(name=f"only {name}", set=_fixed({part: each for part, each in factors.items() if any(each)}))


def _uniform(model: ModelConfig) -> Variation:
    return Variation(name="uniform", set=_fixed({part: [1.0] * len(each) for part, each in model.branches.items()}))


def _fixed(factors: Mapping[Modality, Sequence[float]]) -> dict[str, Any]:
    return {
        f"model.routers.{part}": FixedConfig(factors=tuple(each)).model_dump(mode="json")
        for part, each in factors.items()
    }
