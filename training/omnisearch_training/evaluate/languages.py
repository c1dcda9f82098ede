"""Recall by the language of the query: names of test concepts, asked for pictures, sounds and objects.

Names of pictures are those of emoji (the dataset `emoji_names`); those of sounds and objects are `translations.tsv`,
which was written for this evaluation. The text router is compared with others: each text branch alone, equal factors,
factors set by hand, a router by the centroids of languages, and an oracle that takes the best branch for each query.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from omnisearch.binding.config import FixedConfig
from omnisearch.binding.model import OmniBind
from omnisearch.types import Modality
from omnisearch_training.datasets import Record, Split
from omnisearch_training.datasets.load import open_named
from omnisearch_training.datasets.split import source_id
from omnisearch_training.evaluate.baselines import BOUND, ONLY, fixed_routers
from omnisearch_training.evaluate.centroid_router import CentroidRouter
from omnisearch_training.evaluate.ground_truth import Truth
from omnisearch_training.evaluate.metrics import Ranking, Recall, best_of, holders_of, rank
from omnisearch_training.evaluate.recall import Question, Side, encode_texts
from omnisearch_training.stages.features import Features

TEXT = Modality.TEXT
NAMES = "emoji_names"
TRANSLATIONS = Path(__file__).with_name("translations.tsv")
ENGLISH = "en"
EXAMPLES = 200  # training names of each language for its centroid
ORACLE = "oracle"
OTHERS = "other languages"
WRITTEN = (Modality.AUDIO, Modality.POINT_CLOUD)  # the targets of translations.tsv


@dataclass(frozen=True)
class LanguageRecall:
    """The recall of the names of one language, by the model and with other routers of its text branches.

    `factors` are the mean combining factors of the model's own router, by branch.
    """

    language: str
    target: Modality
    recalls: Mapping[str, Recall]
    factors: Mapping[str, float]


def evaluate_languages(
    model: OmniBind,
    features: Features,
    datasets: Mapping[str, Sequence[Record]],
    sides: Mapping[Modality, Side],
    seed: int = 0,
) -> list[LanguageRecall]:
    """Ask for the items of each modality in every language that names them."""
    variants = dict(_variants(model, features))
    found = []
    for target, by_language in _questions(datasets):
        if target not in sides:
            continue
        side = sides[target]
        holders = holders_of([row.concept for row in side.rows])
        items = model.bind(target, side.embeddings)
        for language, names in by_language.items():
            asked = {text: concept for text, concept in names.items() if concept in holders}
            if asked:
                embeddings = encode_texts(model, features, list(asked))
                answers, groups = [holders[concept] for concept in asked.values()], list(asked.values())
                rankings = {
                    name: rank(variant.bind(TEXT, embeddings), items, answers, groups)
                    for name, variant in variants.items()
                }
                alone = [ranking for name, ranking in rankings.items() if name.startswith(ONLY)]
                rankings |= {ORACLE: best_of(alone)} if alone else {}
                recalls = {name: ranking.recall(seed) for name, ranking in rankings.items()}
                factors = {name: float(each.mean()) for name, each in model.factors(TEXT, embeddings).items()}
                found.append(LanguageRecall(language, target, recalls, factors))
    return found


def answer_other_languages(
    model: OmniBind, features: Features, datasets: Mapping[str, Sequence[Record]], sides: Mapping[Modality, Side]
) -> dict[Question, Ranking]:
    """Rank the items of each modality for the names in all languages but English together."""
    found = {}
    for target, by_language in _questions(datasets):
        holders = holders_of([row.concept for row in sides[target].rows]) if target in sides else {}
        names = [pair for language, each in by_language.items() if language != ENGLISH for pair in each.items()]
        asked = [(text, concept) for text, concept in names if concept in holders]
        if asked:
            queries = model.bind(TEXT, encode_texts(model, features, [text for text, _ in asked]))
            items = model.bind(target, sides[target].embeddings)
            answers, groups = [holders[concept] for _, concept in asked], [concept for _, concept in asked]
            found[Question(OTHERS, target, Truth.NAME)] = rank(queries, items, answers, groups)
    return found


def language_of(record: Record) -> str:
    """Return the language of a record of `emoji_names`."""
    return record.id.split("/")[1]


def _questions(datasets: Mapping[str, Sequence[Record]]) -> Iterator[tuple[Modality, dict[str, dict[str, str]]]]:
    """Yield a modality, and its names by language: {language: {name: concept}}."""
    by_language: dict[str, dict[str, str]] = {}
    for record in datasets.get(NAMES, ()):
        by_language.setdefault(language_of(record), {})[record.captions[-1]] = record.source_id
    yield Modality.IMAGE, by_language
    with TRANSLATIONS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    written = {language: {row[language]: source_id(row["en"]) for row in rows} for language in rows[0]}
    yield from ((target, written) for target in WRITTEN)


def _variants(model: OmniBind, features: Features) -> Iterator[tuple[str, OmniBind]]:
    """Yield the model, then the model with other routers of its text branches; media stay as they are."""
    yield BOUND, model
    branches = model.config.branches[TEXT]
    if len(branches) < 2:
        return
    hand_set = FixedConfig(factors=tuple(float(i + 1) for i in range(len(branches))))
    for name, routers in (*fixed_routers({TEXT: branches}), ("hand-set", {TEXT: hand_set})):
        yield name, model.varied(routers, model.config.centred)
    if model.config.reads(TEXT):
        yield "centroids", model.rerouted("centroids", {TEXT: _by_language(model, features)})


def _by_language(model: OmniBind, features: Features) -> CentroidRouter:
    """Return a router by the centroids of languages: English to the first branch, all others to the second."""
    names: dict[str, list[str]] = {}
    for record in open_named(NAMES):
        if record.split is Split.TRAIN:
            names.setdefault(language_of(record), []).append(record.captions[-1])
    texts = [text for own in names.values() for text in own[:EXAMPLES]]
    kinds = np.repeat(np.arange(len(names)), [len(own[:EXAMPLES]) for own in names.values()])
    read = encode_texts(model, features, texts)
    rows = np.concatenate([read[space, TEXT] for space in model.config.reads(TEXT)], axis=1)
    return CentroidRouter(
        rows, kinds, [int(language != ENGLISH) for language in names], len(model.config.branches[TEXT])
    )
