"""Leave one kind out: heads that never saw a kind of pictures or sounds are asked for its items by their names.

Each kind is a group of datasets. The concepts may be known from other kinds; what is new is how they look or sound.
"""

import hashlib
import logging
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.spaces.base import Space
from omnisearch.spaces.registry import load_space
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality
from omnisearch.wording import first_invalid
from omnisearch_training.datasets import Record, Split
from omnisearch_training.datasets.fetch_package import fetch_package
from omnisearch_training.datasets.load import open_named
from omnisearch_training.datasets.wordnet import AUDIBLE, VISIBLE, WORDNET, load_wordnet
from omnisearch_training.evaluate.ablation import changed
from omnisearch_training.evaluate.ground_truth import Truth, concept, names
from omnisearch_training.evaluate.metrics import Ranking, holders_of, mean_gain, mean_recall, rank
from omnisearch_training.evaluate.recall import Result
from omnisearch_training.evaluate.report import Json, result_row
from omnisearch_training.provenance import provenance
from omnisearch_training.recipe import read_recipe
from omnisearch_training.stages.features import Features
from omnisearch_training.stages.heads import HeadConfig, train_head
from omnisearch_training.stages.pool_embeddings import Items

log = logging.getLogger(__name__)

TEXT = Modality.TEXT
FIELDS = {Modality.IMAGE: VISIBLE, Modality.AUDIO: AUDIBLE}
# The variants: the heads trained on the captions of the datasets and asked by names, then with descriptions as further
# captions, in the query, and in both; then the spaces that were not trained here, alone and with the heads.
NAMES, CAPTIONS, QUERIES, BOTH = "names", "described captions", "described queries", "both described"
UNTRAINED, WITH = "untrained spaces", "heads and untrained spaces"

Embed = Callable[[Sequence[str]], Floats]
Describe = Callable[[str], str | None]


class LeftOutKinds(BaseModel):
    """The kinds of each modality by their datasets. The heads are those of the recipe `base`, changed by `set`.

    Of a modality at most `most` items of each dataset are used, chosen by their ids.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str
    set: dict[str, Any] = {}
    most: dict[Modality, Annotated[int, Field(ge=1)]] = {}
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
    return found


def leave_out(path: Path, settings: Settings, cache: Path, seed: int = 0) -> Json:
    """Leave out every kind of every modality in turn, and report the recall of its items and the means over kinds.

    Raises:
        UsageError: the file or its recipe is invalid.
        NotReadyError: a dataset was not fetched.
    """
    config = read_kinds(path)
    recipe = changed(read_recipe(path.parent / config.base), config.set)
    trained = recipe.specialists
    features, nouns = Features(cache / "features", settings), load_wordnet(fetch_package(WORDNET, cache))
    results: list[Json] = []
    means: list[Json] = []
    used: dict[str, list[Record]] = {}
    read: dict[str, None] = {}
    for modality, kinds in config.kinds.items():
        spaces = {name: load_space(name, settings) for name in recipe.model.spaces(modality)}
        trainings = {name: each.training for name, each in trained.items() if name in spaces}
        heads = {name: each for name, each in trainings.items() if isinstance(each, HeadConfig)}
        records = {kind: _sample(datasets, modality, config.most.get(modality)) for kind, datasets in kinds.items()}
        towers = tuple(dict.fromkeys(space.spec.towers[modality] for space in spaces.values()))
        items = {kind: _items(features, each, modality, towers) for kind, each in records.items()}
        text = next(iter(spaces.values())).spec.towers[TEXT]
        found = {}
        for kind in kinds:
            log.info("without %s: %d items asked for", kind, len(items[kind].records))
            found[kind] = ask(
                items,
                kind,
                {name: (spaces[name].spec.towers[modality], head) for name, head in heads.items()},
                _project([space for name, space in spaces.items() if name not in trainings], modality, items[kind]),
                partial(features.texts, tower=text),
                partial(nouns.describe, fields=FIELDS[modality]),
                seed,
            )
            results += [row | {"kind": kind} for row in _rows(found[kind], modality, seed)]
        means += _means(found, modality, seed)
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
    untrained: Sequence[Floats],
    embed: Embed,
    describe: Describe,
    seed: int,
) -> dict[str, Ranking]:
    """Train heads (a tower and a training each) on the train split of the other kinds, and ask for this kind by names.

    `untrained` are the embeddings of this kind's items (n, dim) in other spaces. Spaces are averaged with equal weight.
    """
    asked, others = items[kind], [each.of(Split.TRAIN) for other, each in items.items() if other != kind]
    taught = Items.chain(others)
    shown = names(asked.records)
    holders = holders_of([concept(record) for record in asked.records])
    answers, groups = [holders[entry.concept] for entry in shown], [entry.concept for entry in shown]
    plain = embed([entry.key for entry in shown])
    queries = {NAMES: plain, QUERIES: unit(plain + embed([describe(entry.key) or entry.key for entry in shown]))}
    rows = {}
    for captions, described in ((NAMES, None), (CAPTIONS, describe)):
        said = _captions(taught.records, embed, described)
        made = [_see(taught, asked, said, tower, training, seed) for tower, training in heads.values()]
        rows[captions] = unit(np.sum(made, axis=0))
    targets = {
        NAMES: (NAMES, rows[NAMES]),
        CAPTIONS: (NAMES, rows[CAPTIONS]),
        QUERIES: (QUERIES, rows[NAMES]),
        BOTH: (QUERIES, rows[CAPTIONS]),
    }
    if untrained:
        ready = np.sum(untrained, axis=0)
        targets |= {UNTRAINED: (NAMES, unit(ready)), WITH: (NAMES, unit(len(heads) * rows[NAMES] + ready))}
    return {name: rank(queries[query], found, answers, groups) for name, (query, found) in targets.items()}


def kinds_markdown(report: Json) -> str:
    """Write a table per modality: a line per kind, the recall@10 of every variant and its gain over names alone."""
    sections = []
    for modality in report["kinds"]["kinds"]:
        rows = [row for row in report["results"] if row["target"] == modality]
        means = [row for row in report["means"] if row["target"] == modality]
        ways = [row["variant"] for row in means]
        lines = [["kind left out", "queries", "items", "chance@10", *ways]]
        for kind in dict.fromkeys(row["kind"] for row in rows):
            own = [row for row in rows if row["kind"] == kind]
            first = own[0]
            head = [kind, str(first["queries"]), str(first["targets"]), f"{first['chance']['10']:.1f}"]
            lines.append([*head, *(_cell(row) for row in own)])
        lines.append(["**mean of the kinds**", "", "", f"{means[0]['chance']['10']:.1f}", *map(_cell, means)])
        table = ["| " + " | ".join(line) + " |" for line in lines]
        table.insert(1, "|---" * len(lines[0]) + "|")
        sections.append(f"### Text to {modality}: recall@10 [95 %], and the gain over `{NAMES}` [95 %]\n")
        sections.append("\n".join(table) + "\n")
    return "\n".join(sections)


def _cell(row: Json) -> str:
    low, high = row["interval"]["10"]
    shown = f"{row['recall']['10']:.1f} [{low:.1f}, {high:.1f}]"
    if "gain" not in row:
        return shown
    gain, low, high = row["gain"]["10"]
    return f"{shown}, {gain:+.1f} [{low:+.1f}, {high:+.1f}]"


def _see(
    taught: Items, asked: Items, captions: Sequence[Floats], tower: str, training: HeadConfig, seed: int
) -> Floats:
    """Train one head, and return its embeddings of the items asked for."""
    head = train_head(taught.features[tower], captions, taught.concepts, training, seed)
    with torch.inference_mode():
        found: Floats = head(torch.from_numpy(asked.features[tower])).numpy()
    return found


def _captions(records: Sequence[Record], embed: Embed, describe: Describe | None) -> list[Floats]:
    """Return the caption embeddings of each record, with a description as the last one if there is one."""
    said = []
    for record in records:
        more = describe(record.captions[0]) if describe else None
        said.append((*record.captions, *([more] if more else ())))
    flat = embed([caption for captions in said for caption in captions])
    return np.split(flat, np.cumsum([len(captions) for captions in said])[:-1])


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


def _project(spaces: Sequence[Space], modality: Modality, items: Items) -> list[Floats]:
    return [space.project(modality, items.features[space.spec.towers[modality]]) for space in spaces]


def _rows(found: Mapping[str, Ranking], modality: Modality, seed: int) -> list[Json]:
    base = found[NAMES]
    return [
        result_row(
            Result(
                name,
                TEXT,
                modality,
                Truth.NAME,
                ranking.recall(seed),
                None if ranking is base else ranking.gain(base, seed),
            )
        )
        for name, ranking in found.items()
    ]


def _means(found: Mapping[str, Mapping[str, Ranking]], modality: Modality, seed: int) -> list[Json]:
    """Return the mean over the kinds of each variant, and of its gain over names alone."""
    rows = []
    base = [each[NAMES] for each in found.values()]
    chance = np.mean([ranking.recall(seed).chance[10] for ranking in base])
    for name in next(iter(found.values())):
        rankings = [each[name] for each in found.values()]
        recall = mean_recall(rankings, seed)
        row: Json = {
            "variant": name,
            "target": str(modality),
            "recall": {str(k): round(value, 3) for k, (value, _, _) in recall.items()},
            "interval": {str(k): [round(low, 3), round(high, 3)] for k, (_, low, high) in recall.items()},
            "chance": {"10": round(float(chance), 3)},
        }
        if name != NAMES:
            gain = mean_gain(rankings, base, seed)
            row["gain"] = {str(k): [round(each, 3) for each in values] for k, values in gain.items()}
        rows.append(row)
    return rows
