"""Recall of a bound model and of its baselines, for every ordered pair of modalities with ground truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.types import Floats, Modality, SpaceEmbeddings
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.baselines import BOUND, Variant, variants
from omnisearch_training.evaluate.ground_truth import Entry, Trial, Truth, entry_of, names, trials
from omnisearch_training.evaluate.metrics import Ranking, Recall, rank
from omnisearch_training.stages.features import Features


@dataclass(frozen=True, eq=False)
class Side:
    """The evaluated items of one modality and their space embeddings; row i belongs to `rows[i]`."""

    rows: tuple[Entry, ...]
    embeddings: SpaceEmbeddings


@dataclass(frozen=True)
class Result:
    """The recall of one variant for one kind of query; `gain` is the bound model's advantage, with its interval."""

    variant: str
    query: str
    target: Modality
    truth: Truth
    recall: Recall
    gain: dict[int, tuple[float, float, float]] | None = None


@dataclass(frozen=True)
class Question:
    """A kind of query: the modalities of queries and targets, and the criterion for a right target."""

    query: str
    target: Modality
    truth: Truth


def answer(model: OmniBind, records: Sequence[Record], sides: Mapping[Modality, Side]) -> dict[Question, Ranking]:
    """Rank the targets of every query with a right target, so that models can be compared per query."""
    fused = Fused(Variant(BOUND, model), sides)
    asked = trials(records, {m: side.rows for m, side in sides.items()})
    return {Question(trial.query, trial.target, trial.truth): fused.rank(trial) for trial in asked}


def evaluate(model: OmniBind, records: Sequence[Record], sides: Mapping[Modality, Side], seed: int = 0) -> list[Result]:
    """Evaluate every query with a right target, on the model and on each variant that differs for it."""
    bound, *others = [(variant, Fused(variant, sides)) for variant in variants(model)]
    results = []
    for trial in trials(records, {m: side.rows for m, side in sides.items()}):
        reference = bound[1].rank(trial)
        results.append(_result(bound[0], trial, reference.recall(seed)))
        for variant, fused in others:
            if variant.changed & {trial.query, trial.target}:
                ranking = fused.rank(trial)
                results.append(_result(variant, trial, ranking.recall(seed), reference.gain(ranking, seed)))
    return results


def encode(
    model: OmniBind, features: Features, records: Sequence[Record], modalities: Sequence[Modality]
) -> dict[Modality, Side]:
    """Run the spaces over the records' files and names, once per content; modalities without items are left out."""
    sides: dict[Modality, Side] = {}
    for modality in modalities:
        if modality is Modality.TEXT:
            sides[modality] = _names_side(model, features, records)
        else:
            sides[modality] = _media_side(model, features, records, modality)
    return {modality: side for modality, side in sides.items() if side.rows}


class Fused:
    """The embeddings of every modality by one variant, each computed on first use."""

    def __init__(self, variant: Variant, sides: Mapping[Modality, Side]) -> None:
        self._variant, self._sides = variant, sides
        self._made: dict[Modality, Floats] = {}

    def rank(self, trial: Trial) -> Ranking:
        """Rank the targets of a trial."""
        queries, targets = self._of(trial.query)[trial.queries], self._of(trial.target)[trial.targets]
        return rank(queries, targets, trial.answers, trial.groups)

    def _of(self, modality: Modality) -> Floats:
        if modality not in self._made:
            self._made[modality] = self._variant.bind(modality, self._sides[modality].embeddings)
        return self._made[modality]


def encode_texts(model: OmniBind, features: Features, texts: Sequence[str]) -> SpaceEmbeddings:
    """Run the spaces over texts."""
    found = {}
    for name in model.config.spaces(Modality.TEXT):
        space = model.spaces[name]
        rows = features.texts(texts, space.spec.towers[Modality.TEXT])
        found[name, Modality.TEXT] = space.project(Modality.TEXT, rows)
    return found


def _result(
    variant: Variant, trial: Trial, recall: Recall, gain: dict[int, tuple[float, float, float]] | None = None
) -> Result:
    return Result(variant.name, trial.query, trial.target, trial.truth, recall, gain)


def _names_side(model: OmniBind, features: Features, records: Sequence[Record]) -> Side:
    rows = names(records)
    return Side(rows, encode_texts(model, features, [row.key for row in rows]) if rows else {})


def _media_side(model: OmniBind, features: Features, records: Sequence[Record], modality: Modality) -> Side:
    parts = tuple(model.config.video) if modality is Modality.VIDEO else (modality,)
    towers = {
        (part, tower): features.table(records, modality, tower, part)
        for part in parts
        for tower in dict.fromkeys(model.spaces[name].spec.towers[part] for name in model.config.spaces(part))
    }
    # A video without a sound track has no row in the table of sounds, and a zero row among the embeddings.
    kept = {record.id: record for table in towers.values() for record in table.records}
    place = {key: i for i, key in enumerate(kept)}
    embeddings = {}
    for part in parts:
        for name in model.config.spaces(part):
            space = model.spaces[name]
            table = towers[part, space.spec.towers[part]]
            rows = np.zeros((len(kept), space.spec.dim), np.float32)
            if table.records:
                rows[[place[record.id] for record in table.records]] = space.project(part, table.features)
            embeddings[name, part] = rows
    return Side(tuple(entry_of(record) for record in kept.values()), embeddings)
