"""The report of a bound model as one JSON object: measured here, written by `tables` and `pictures`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import Split
from omnisearch_training.evaluate.languages import evaluate_languages
from omnisearch_training.evaluate.metrics import Ranking
from omnisearch_training.evaluate.recall import encode
from omnisearch_training.evaluate.report import factor_row, language_row
from omnisearch_training.evaluate.router_stats import mean_factors
from omnisearch_training.model_report.ceilings import LEARNED, MEAN, Ceiling, ceilings
from omnisearch_training.model_report.leakage import NEAR_ITEM, NEAR_NAME, leaks
from omnisearch_training.model_report.pair_ways import AGGREGATED, BIND, NEIGHBOURS, PSEUDO, PairWays, compare_pairs
from omnisearch_training.model_report.router_load import loads
from omnisearch_training.model_report.space_costs import space_costs
from omnisearch_training.provenance import provenance
from omnisearch_training.stages.aggregated_pairs import TEMPERATURE
from omnisearch_training.stages.features import Features

Json = dict[str, Any]
TOP = 10  # the k of recall@k


@dataclass(frozen=True)
class Limits:
    """How much is measured: at most `items` of each modality and split, and `timed` of each modality for their time."""

    items: int
    timed: int


def report_model(
    settings: Settings,
    model: OmniBind,
    features: Features,
    data: Mapping[str, Sequence[Record]],
    limits: Limits,
    seed: int = 0,
) -> Json:
    """Measure a bound model on datasets: their test records are asked for, and the others are its training pools.

    A model that was trained on other datasets has no pools here. The leakage is then counted against what it might have
    been trained on.

    Raises:
        UsageError: the data have no test record with a file, or no file of one can be decoded.
    """
    train = [record for records in data.values() for record in records if record.split is not Split.TEST]
    tests = {name: [r for r in records if r.split is Split.TEST and r.files] for name, records in data.items()}
    tests = {name: records for name, records in tests.items() if records}
    if not tests:
        raise UsageError(f"{', '.join(data)} has no record with a file in the test split, from which the report asks")
    asked = _drawn((record for records in tests.values() for record in records), model.modalities, limits.items, seed)
    known = _drawn((record for record in train if record.files), model.modalities, limits.items, seed)
    kept = {record.id for record in asked}
    drawn = {name: [r for r in records if r.id in kept] for name, records in tests.items()}
    sides = encode(model, features, asked, model.modalities)
    if not any(modality in sides for modality in Modality if modality is not Modality.TEXT):
        raise UsageError(f"no file in the test split of {', '.join(data)} can be decoded by model {model.name}")
    train_sides = encode(model, features, known, model.modalities)
    # Names in other languages are records without files, and so not among the tests.
    named = {name: [r for r in records if r.split is Split.TEST] for name, records in data.items() if name not in tests}
    spoken = {name: _sample(records, limits.items, seed) for name, records in named.items()} | drawn
    languages = evaluate_languages(model, features, spoken, sides, seed) if Modality.TEXT in sides else []
    return {
        "model": model.name,
        "fingerprint": model.fingerprint,
        "seed": seed,
        "limits": asdict(limits),
        **provenance(settings, model.spaces, data),
        "items": {str(m): len(side.rows) for m, side in sides.items()},
        "training_items": {str(m): len(side.rows) for m, side in train_sides.items()},
        "loads": [asdict(each) for each in loads(model, sides)],
        "factors": [factor_row(each) for each in mean_factors(model, drawn, sides)],
        "languages": [language_row(each) for each in languages],
        "costs": [asdict(each) for each in space_costs(model, features, asked, sides, settings, limits.timed)],
        "ceilings": [_ceiling_row(each, seed) for each in ceilings(model, asked, sides)],
        "pairs": {
            "neighbours": NEIGHBOURS,
            "temperature": TEMPERATURE,
            "training": BIND.model_dump(mode="json"),
            "spaces": [
                _pair_row(each, seed) for each in compare_pairs(model, features, train_sides, asked, sides, seed)
            ],
        },
        "leakage": {
            "near_item": NEAR_ITEM,
            "near_name": NEAR_NAME,
            "training_records": len(train),
            "sets": [asdict(each) for each in leaks(train, tests, train_sides, sides)],
        },
    }


def _sample(records: Sequence[Record], most: int, seed: int) -> list[Record]:
    """Draw at most `most` records, in their order."""
    chosen = np.random.default_rng(seed).permutation(len(records))[:most]
    return [records[int(i)] for i in np.sort(chosen)]


def _drawn(records: Iterable[Record], modalities: Sequence[Modality], most: int, seed: int) -> list[Record]:
    """Draw records until every modality has at most `most` files, in their order."""
    every = list(records)
    counts = dict.fromkeys(modalities, 0)
    chosen = []
    for i in np.random.default_rng(seed).permutation(len(every)):
        shown = [m for m in every[i].files if m in counts]
        if any(counts[m] < most for m in shown):
            chosen.append(int(i))
            for m in shown:
                counts[m] += 1
    return [every[i] for i in sorted(chosen)]


def _ceiling_row(found: Ceiling, seed: int) -> Json:
    rankings = found.rankings
    return {
        "query": str(found.question.query),
        "target": str(found.question.target),
        "truth": str(found.question.truth),
        **_counts(rankings[LEARNED]),
        "recall": {name: _recall(ranking) for name, ranking in rankings.items()},
        "interval": {name: _interval(ranking, seed) for name, ranking in rankings.items()},
        "best": found.best,
        "gain": {
            "over the best space": _gain(rankings[LEARNED], rankings[found.best], seed),
            "over equal factors": _gain(rankings[LEARNED], rankings[MEAN], seed),
        },
    }


def _pair_row(found: PairWays, seed: int) -> Json:
    rankings = found.rankings
    return {
        "space": found.space,
        "modality": str(found.modality),
        "tuples": found.rows,
        **_counts(rankings[PSEUDO]),
        "recall": {way: _recall(ranking) for way, ranking in rankings.items()},
        "gain": _gain(rankings[PSEUDO], rankings[AGGREGATED], seed),
    }


def _counts(ranking: Ranking) -> Json:
    return {"queries": len(ranking.ranks), "targets": ranking.targets, "chance": round(ranking.recall().chance[TOP], 3)}


def _recall(ranking: Ranking) -> float:
    return round(ranking.recall().at[TOP], 3)


def _interval(ranking: Ranking, seed: int) -> list[float]:
    return [round(each, 3) for each in ranking.recall(seed).interval[TOP]]


def _gain(ranking: Ranking, baseline: Ranking, seed: int) -> list[float]:
    return [round(each, 3) for each in ranking.gain(baseline, seed)[TOP]]
