"""Leave one kind out: heads that never saw a kind of pictures or sounds are asked for its items by their names.

Each kind is a group of datasets. The concepts may be known from other kinds; what is new is how they look or sound.
"""

import hashlib
import logging
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import nn

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.spaces.base import Space
from omnisearch.spaces.families import efficientnet
from omnisearch.spaces.registry import load_space
from omnisearch.spaces.towers import unit
from omnisearch.spaces.weights import tensors
from omnisearch.spaces.weights.spec import resolve
from omnisearch.spaces.weights.weight_files import EFFICIENTNET
from omnisearch.types import Floats, Modality
from omnisearch.wording import first_invalid
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.fetch_package import fetch_package
from omnisearch_training.datasets.load import open_named
from omnisearch_training.datasets.wordnet import AUDIBLE, VISIBLE, WORDNET, load_wordnet
from omnisearch_training.evaluate.ablation import changed
from omnisearch_training.evaluate.kind_questions import Describe, Embed, caption_rows, questions, taught_without
from omnisearch_training.evaluate.kinds_report import Variant, kind_rows, mean_rows
from omnisearch_training.evaluate.report import Json
from omnisearch_training.evaluate.tuned_stage import MAPS, TunedStage
from omnisearch_training.provenance import provenance
from omnisearch_training.recipe import Recipe, read_recipe
from omnisearch_training.stages.features import Features
from omnisearch_training.stages.heads import HeadConfig, train_head
from omnisearch_training.stages.last_stage import StageConfig, split
from omnisearch_training.stages.maps import maps_of
from omnisearch_training.stages.pool_embeddings import Items

log = logging.getLogger(__name__)

TEXT = Modality.TEXT
FIELDS = {Modality.IMAGE: VISIBLE, Modality.AUDIO: AUDIBLE}
# The variants: the heads trained on the captions of the datasets and asked by names, then with descriptions as further
# captions, in the query, and in both; then the spaces that were not trained here, alone and with the heads.
NAMES, CAPTIONS, QUERIES, BOTH = "names", "described captions", "described queries", "both described"
UNTRAINED, WITH = "untrained spaces", "heads and untrained spaces"


class Trial(Protocol):
    """A trial of several variants."""

    def __call__(self, items: Mapping[str, Items], kind: str, *, seed: int) -> dict[str, Variant]:
        """Leave out one kind, and return how every variant ranks its items."""
        ...


class LeftOutKinds(BaseModel):
    """The kinds of each modality by their datasets. The heads are those of the recipe `base`, changed by `set`.

    Of a modality at most `most` items of each dataset are used, chosen by their ids. With `stage` the last stage of the
    image tower is trained too, and the report compares it with the stage as it is. Everything is repeated for `seeds`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str
    set: dict[str, Any] = {}
    most: dict[Modality, Annotated[int, Field(ge=1)]] = {}
    seeds: int = Field(1, ge=1)
    stage: StageConfig | None = None
    kinds: dict[Modality, Annotated[dict[str, tuple[str, ...]], Field(min_length=2)]] = Field(min_length=1)


def read_kinds(path: Path) -> LeftOutKinds:
    """Read a file of kinds.

    Raises:
        UsageError: it cannot be read, is not TOML, or has an invalid field; names the first.
    """
    try:
        found = LeftOutKinds.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"kinds {path}: {error}") from None
    except ValidationError as error:
        raise UsageError(f"kinds {path}: {first_invalid(error)}") from None
    if set(found.kinds) - set(FIELDS):
        raise UsageError(f"kinds {path}: only {' and '.join(FIELDS)} have kinds")
    if found.stage is not None and set(found.kinds) != {Modality.IMAGE}:
        raise UsageError(f"kinds {path}: only the image tower has a stage to train, so give kinds of images alone")
    return found


def leave_out(path: Path, settings: Settings, cache: Path, seed: int = 0) -> Json:
    """Leave out every kind of every modality in turn, and report the recall of its items and the means over kinds.

    Raises:
        UsageError: the file or its recipe is invalid.
        NotReadyError: a dataset was not fetched.
    """
    config = read_kinds(path)
    recipe = changed(read_recipe(path.parent / config.base), config.set)
    results: list[Json] = []
    means: list[Json] = []
    used: dict[str, list[Record]] = {}
    read: dict[str, None] = {}
    for modality, kinds in config.kinds.items():
        spaces = {name: load_space(name, settings) for name in recipe.model.spaces(modality)}
        records = {kind: _sample(datasets, modality, config.most.get(modality)) for kind, datasets in kinds.items()}
        items, trial = _prepare(config, recipe, modality, spaces, records, settings, cache)
        for turn in range(seed, seed + config.seeds):
            found = {}
            for kind in kinds:
                log.info("without %s: %d items asked for, seed %d", kind, len(items[kind].records), turn)
                found[kind] = trial(items, kind, seed=turn)
                results += kind_rows(found[kind], kind, modality, turn)
            means += mean_rows(found, modality, turn)
        used |= {f"{modality}: {kind}": each for kind, each in records.items()}
        read |= dict.fromkeys(spaces)
    return {
        "kinds": config.model_dump(mode="json"),
        "specialists": {
            name: each.model_dump(mode="json") for name, each in recipe.specialists.items() if name in read
        },
        "seed": seed,
        **provenance(settings, read, used),
        "means": means,
        "results": results,
    }


def ask(
    items: Mapping[str, Items],
    kind: str,
    heads: Mapping[str, tuple[str, HeadConfig]],
    untrained: Callable[[Items], Sequence[Floats]],
    embed: Embed,
    describe: Describe,
    seed: int,
) -> dict[str, Variant]:
    """Train heads (a tower and a training each) on the train split of the other kinds, and ask for this kind by names.

    `untrained(items)` are embeddings (n, dim) of items in other spaces. Spaces are averaged with equal weight.
    """
    asked, taught = items[kind], taught_without(items, kind)
    wanted = questions(asked.records)
    plain = embed(wanted.names)
    queries = {NAMES: plain, QUERIES: unit(plain + embed([describe(name) or name for name in wanted.names]))}
    rows = {}
    for captions, described in ((NAMES, None), (CAPTIONS, describe)):
        said = caption_rows(taught.records, embed, described)
        made = [_see(taught, asked, said, tower, training, seed) for tower, training in heads.values()]
        rows[captions] = unit(np.sum(made, axis=0))
    targets = {
        NAMES: (NAMES, rows[NAMES]),
        CAPTIONS: (NAMES, rows[CAPTIONS]),
        QUERIES: (QUERIES, rows[NAMES]),
        BOTH: (QUERIES, rows[CAPTIONS]),
    }
    others = untrained(asked)
    if others:
        ready = np.sum(others, axis=0)
        targets |= {UNTRAINED: (NAMES, unit(ready)), WITH: (NAMES, unit(len(heads) * rows[NAMES] + ready))}
    return {
        name: Variant(wanted.rank(queries[query], found), None if name == NAMES else NAMES)
        for name, (query, found) in targets.items()
    }


def _see(
    taught: Items, asked: Items, captions: Sequence[Floats], tower: str, training: HeadConfig, seed: int
) -> Floats:
    """Train one head, and return its embeddings of the items asked for."""
    head = train_head(taught.features[tower], captions, taught.concepts, training, seed)
    with torch.inference_mode():
        found: Floats = head(torch.from_numpy(asked.features[tower])).numpy()
    return found


def _sample(datasets: Sequence[str], modality: Modality, most: int | None) -> list[Record]:
    """Return the records of a kind that have a file: of each dataset the `most` first by the hash of their ids."""
    found = []
    for name in datasets:
        shown = [record for record in open_named(name) if modality in record.files]
        found += sorted(shown, key=lambda record: hashlib.sha256(record.id.encode()).digest())[:most]
    return found


def _items(features: Features, records: Sequence[Record], modality: Modality, towers: Sequence[str]) -> Items:
    features.fill(records, modality, towers)
    return Items.join({tower: features.table(records, modality, tower) for tower in towers})


def _prepare(
    config: LeftOutKinds,
    recipe: Recipe,
    modality: Modality,
    spaces: Mapping[str, Space],
    records: Mapping[str, Sequence[Record]],
    settings: Settings,
    cache: Path,
) -> tuple[dict[str, Items], Trial]:
    """Return the items of every kind with their features, and the trial of the heads or of the last stage."""
    features = Features(cache / "features", settings)
    trainings = {name: each.training for name, each in recipe.specialists.items() if name in spaces}
    heads = {
        name: (spaces[name].spec.towers[modality], each)
        for name, each in trainings.items()
        if isinstance(each, HeadConfig)
    }
    others = [space for name, space in spaces.items() if name not in trainings]
    towers = tuple(dict.fromkeys(space.spec.towers[modality] for space in spaces.values()))
    items = {kind: _items(features, each, modality, towers) for kind, each in records.items()}
    embed = partial(features.texts, tower=next(iter(spaces.values())).spec.towers[TEXT])
    if config.stage is None:
        describe = partial(load_wordnet(fetch_package(WORDNET, cache)).describe, fields=FIELDS[modality])
        untrained = partial(_project, others, modality)
        return items, partial(ask, heads=heads, untrained=untrained, embed=embed, describe=describe)
    if len(heads) != 1:
        raise UsageError(f"a stage is trained with one head; {config.base} has {len(heads)} heads of {modality}")
    ((tower, training),) = heads.values()
    below, trial = _tuned(tower, training, config.stage, others, embed, settings)
    maps = {kind: maps_of(each.records, below, settings, cache / "maps") for kind, each in items.items()}
    return {kind: each.with_features(MAPS, maps[kind]) for kind, each in items.items()}, trial


def _project(spaces: Sequence[Space], modality: Modality, items: Items) -> list[Floats]:
    return [space.project(modality, items.features[space.spec.towers[modality]]) for space in spaces]


def _tuned(
    tower: str, training: HeadConfig, config: StageConfig, spaces: Sequence[Space], embed: Embed, settings: Settings
) -> tuple[nn.Module, Trial]:
    """Return the image tower below its last stage, and the trial of this stage with the class words of `spaces`."""
    below, stage = split(efficientnet.read(settings))
    weight, bias = tensors.read_some(resolve(EFFICIENTNET, settings), efficientnet.CLASSIFIER)

    def words(rows: Floats) -> Floats:
        return unit(np.sum([space.project(Modality.IMAGE, rows) for space in spaces], axis=0))

    return below, TunedStage(tower, stage, (weight, bias), training, config, words, embed).ask
