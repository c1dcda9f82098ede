"""The report of an evaluation: one JSON object. `report_tables` makes Markdown of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.baselines import variants
from omnisearch_training.evaluate.ground_truth import concept
from omnisearch_training.evaluate.languages import LanguageRecall
from omnisearch_training.evaluate.recall import Result, Side
from omnisearch_training.evaluate.router_stats import Factors, mean_factors
from omnisearch_training.evaluate.zero_shot import Classified, classify
from omnisearch_training.provenance import provenance

Json = dict[str, Any]
TOP = (1, 5)  # of a classification


def make_report(
    settings: Settings,
    model: OmniBind,
    datasets: Mapping[str, Sequence[Record]],
    sides: Mapping[Modality, Side],
    results: Sequence[Result],
    seed: int,
    languages: Sequence[LanguageRecall] = (),
) -> Json:
    """Combine results with their provenance: model, data, code, weights, seed."""
    return {
        "model": model.name,
        "fingerprint": model.fingerprint,
        "seed": seed,
        **provenance(settings, model.spaces, datasets),
        "datasets": {name: _counts(records) for name, records in datasets.items()},
        "variants": [variant.name for variant in variants(model)],
        "items": {str(modality): len(side.rows) for modality, side in sides.items()},
        "results": [result_row(result) for result in results],
        "zero_shot": [_class_row(each) for each in classify(model, datasets, sides, seed)],
        "languages": [language_row(each) for each in languages],
        "factors": [factor_row(each) for each in mean_factors(model, datasets, sides)],
    }


def result_row(result: Result) -> Json:
    """Convert one result to plain values; the keys of `recall`, `interval`, `chance` and `gain` are the k, as text."""
    measured = asdict(result.recall)
    row = {
        "variant": result.variant,
        "query": str(result.query),
        "target": str(result.target),
        "truth": str(result.truth),
        "queries": measured["queries"],
        "targets": measured["targets"],
        "recall": _by_k(measured["at"]),
        "interval": _by_k(measured["interval"]),
        "chance": _by_k(measured["chance"]),
        "mean_rank": measured["mean_rank"],
        "median_rank": measured["median_rank"],
    }
    return row if result.gain is None else {**row, "gain": _by_k(result.gain)}


def _class_row(found: Classified) -> Json:
    recall = found.recall
    return {
        "dataset": found.dataset,
        "modality": str(found.modality),
        "items": recall.queries,
        "classes": recall.targets,
        "accuracy": _by_k({k: recall.at[k] for k in TOP}),
        "interval": _by_k({k: recall.interval[k] for k in TOP}),
        "chance": _by_k({k: recall.chance[k] for k in TOP}),
    }


def language_row(found: LanguageRecall) -> Json:
    """Convert the recall of one language to plain values."""
    first = next(iter(found.recalls.values()))
    return {
        "language": found.language,
        "target": str(found.target),
        "queries": first.queries,
        "targets": first.targets,
        "recall": {name: _by_k(each.at) for name, each in found.recalls.items()},
        "interval": {name: _by_k(each.interval) for name, each in found.recalls.items()},
        "chance": _by_k(first.chance),
        "factors": {name: round(factor, 4) for name, factor in found.factors.items()},
    }


def factor_row(found: Factors) -> Json:
    """Convert the factors of one dataset to plain values."""
    return {
        "modality": str(found.modality),
        "dataset": found.dataset,
        "items": found.items,
        "mean": {name: _rounded(value) for name, value in found.mean.items()},
        "deviation": {name: _rounded(value) for name, value in found.deviation.items()},
    }


def _counts(records: Sequence[Record]) -> dict[str, int]:
    """Count the records and concepts of a dataset, and its files by modality."""
    files = {str(m): sum(m in record.files for record in records) for m in Modality}
    concepts = len({concept(record) for record in records})
    return {"records": len(records), "concepts": concepts} | {m: count for m, count in files.items() if count}


def _by_k(values: Mapping[int, Any]) -> dict[str, Any]:
    return {str(k): _rounded(value) for k, value in values.items()}


def _rounded(value: Any) -> Any:
    return [round(each, 3) for each in value] if isinstance(value, tuple) else round(value, 3)
