"""Recall by the language of the query: names of test concepts, asked for pictures, sounds and objects.

Names of pictures are those of emoji (the dataset `emoji_names`); those of sounds and objects are `translations.tsv`,
which was written for this evaluation.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omnisearch.binding.config import FixedConfig
from omnisearch.binding.model import OmniBind
from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import source_id
from omnisearch_training.evaluate.baselines import BOUND
from omnisearch_training.evaluate.metrics import Recall, holders_of, rank
from omnisearch_training.evaluate.recall import Side, encode_texts
from omnisearch_training.stages.features import Features

TEXT = Modality.TEXT
NAMES = "emoji_names"
TRANSLATIONS = Path(__file__).with_name("translations.tsv")
WRITTEN = (Modality.AUDIO, Modality.POINT_CLOUD)  # the targets of translations.tsv


@dataclass(frozen=True)
class Spoken:
    """The recall of the names of one language, by the model and with other factors of its text branches."""

    language: str
    target: Modality
    recalls: Mapping[str, Recall]


def evaluate_languages(
    model: OmniBind,
    features: Features,
    datasets: Mapping[str, Sequence[Record]],
    sides: Mapping[Modality, Side],
    seed: int = 0,
) -> list[Spoken]:
    """Ask for the items of each modality in every language that names them."""
    found = []
    for target, spoken in _questions(datasets):
        if target not in sides:
            continue
        side = sides[target]
        holders = holders_of([row.concept for row in side.rows])
        items = model.bind(target, side.embeddings)
        asked = {
            language: {text: concept for text, concept in names.items() if concept in holders}
            for language, names in spoken.items()
        }
        for language, names in asked.items():
            if names:
                embeddings = encode_texts(model, features, list(names))
                answers, groups = [holders[concept] for concept in names.values()], list(names.values())
                rankings = {
                    name: rank(variant.bind(TEXT, embeddings), items, answers, groups)
                    for name, variant in _variants(model)
                }
                recalls = {name: ranking.recall(seed) for name, ranking in rankings.items()}
                found.append(Spoken(language, target, recalls))
    return found


def _questions(datasets: Mapping[str, Sequence[Record]]) -> Iterator[tuple[Modality, dict[str, dict[str, str]]]]:
    """Yield a modality, and its names by language: {language: {name: concept}}."""
    spoken: dict[str, dict[str, str]] = {}
    for record in datasets.get(NAMES, ()):
        spoken.setdefault(record.id.split("/")[1], {})[record.captions[-1]] = record.source_id
    yield Modality.IMAGE, spoken
    with TRANSLATIONS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    written = {language: {row[language]: source_id(row["en"]) for row in rows} for language in rows[0]}
    yield from ((target, written) for target in WRITTEN)


def _variants(model: OmniBind) -> Iterator[tuple[str, OmniBind]]:
    """Yield the model, then the model with each text branch alone, and with equal factors; media stay as they are."""
    yield BOUND, model
    branches = model.config.branches[TEXT]
    if len(branches) > 1:
        for i, branch in enumerate(branches):
            alone = FixedConfig(factors=tuple(float(i == j) for j in range(len(branches))))
            yield f"only {branch.name}", model.varied({TEXT: alone}, model.config.centred)
        yield "uniform", model.varied({TEXT: FixedConfig(factors=(1.0,) * len(branches))}, model.config.centred)
