"""The evaluation of a bound model on a benchmark, with rows of figures for every direction."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.errors import UsageError
from omnisearch.types import Floats, Modality
from omnisearch_training.benchmarks import protocols
from omnisearch_training.benchmarks.base import Benchmark, Protocol
from omnisearch_training.benchmarks.local_copy import check_count, class_of, classes_of
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.placement import Placement
from omnisearch_training.evaluate.recall import encode, encode_texts
from omnisearch_training.stages.features import Features

TEXT = Modality.TEXT
MEAN = "mean"
NDCG_AT = 10
FIGURES = ("R@1", "R@5", "R@10", f"nDCG@{NDCG_AT}", "MRR", "mAP")

Json = dict[str, Any]


def evaluate(
    model: OmniBind,
    features: Features,
    benchmark: Benchmark,
    folder: Path,
    records: Sequence[Record],
    partial: bool = False,
    seed: int = 0,
) -> list[Json]:
    """Return a row for each direction, and for their mean; figures are in per cent, intervals are of 95 %.

    The last row, for which the paper has figures, is compared with them if the copy is complete.

    Raises:
        UsageError: the model lacks a modality, or, unless `partial`, a file cannot be decoded.
    """
    lacking = [m for m in (benchmark.query, benchmark.target) if m not in model.modalities]
    if lacking:
        raise UsageError(f"{benchmark.title} needs {' and '.join(lacking)}, which model {model.name} does not embed")
    sides = encode(model, features, records, benchmark.media)
    decoded = [{row.key for row in sides[m].rows} if m in sides else set() for m in benchmark.media]
    kept = [record for record in records if all(record.id in keys for keys in decoded)]
    lost = [
        record.files[m]
        for record in records
        for m, keys in zip(benchmark.media, decoded, strict=True)
        if record.id not in keys
    ]
    if partial and not kept:
        raise UsageError(f"no item of {benchmark.title} in {folder} can be decoded, such as {lost[0]}")
    if not partial:
        example = f"{lost[0]} cannot be decoded. " if lost else ""
        check_count(benchmark, len(kept), "items that can be decoded", benchmark.items, folder, example)
    media = {}
    for modality in benchmark.media:
        place = {row.key: i for i, row in enumerate(sides[modality].rows)}
        media[modality] = model.bind(modality, sides[modality].embeddings)[[place[record.id] for record in kept]]
    asked = {
        Protocol.RETRIEVAL: _retrieve,
        Protocol.CLASSIFICATION: _classify,
        Protocol.TAGGING: _tag,
    }[benchmark.protocol]
    rows = asked(model, features, benchmark, folder, kept, media, seed)
    if not partial:
        rows[-1] |= compared(benchmark, model.name, rows[-1])
    return rows


def compared(benchmark: Benchmark, model: str, row: Mapping[str, Any]) -> Json:
    """Return the paper's figures of its models; for one of these models, also its own ones and the difference."""
    if benchmark.published is None:
        return {}
    names, figures = benchmark.published.metrics, benchmark.published.figures
    found: Json = {"source": benchmark.published.source}
    found["published"] = {each: dict(zip(names, values, strict=True)) for each, values in figures.items()}
    if model in figures:
        found["paper"] = found["published"][model]
        found["difference"] = {name: round(row[name] - value, 3) for name, value in found["paper"].items()}
    return found


def _retrieve(
    model: OmniBind,
    features: Features,
    benchmark: Benchmark,
    folder: Path,  # noqa: ARG001
    records: Sequence[Record],
    media: Mapping[Modality, Floats],
    seed: int,
) -> list[Json]:
    """Rank in both directions, between items and their captions or their other files."""
    items, left, right = media[benchmark.query], benchmark.query, benchmark.target
    if right is TEXT:
        owners = [i for i, record in enumerate(records) for _ in record.captions]
        captions = [caption for record in records for caption in record.captions]
        others = model.bind(TEXT, encode_texts(model, features, captions))
    else:
        owners, others = list(range(len(records))), media[right]
    forth, back = protocols.both_directions(items, others, owners)
    rows = [
        _row(benchmark, f"{left} to {right}", forth, seed),
        _row(benchmark, f"{right} to {left}", back, seed),
    ]
    figures = {name: float(np.mean([row[name] for row in rows])) for name in FIGURES}
    return [*rows, {"benchmark": benchmark.name, "direction": MEAN, **_rounded(figures)}]


def _classify(
    model: OmniBind,
    features: Features,
    benchmark: Benchmark,
    folder: Path,
    records: Sequence[Record],
    media: Mapping[Modality, Floats],
    seed: int,
) -> list[Json]:
    names = classes_of(benchmark, records)
    number = {key: i for i, key in enumerate(names)}
    classes = _classes(model, features, benchmark, folder, list(names.values()))
    placed = protocols.classify(media[benchmark.query], classes, [number[class_of(record)] for record in records])
    return [_row(benchmark, f"{benchmark.query} to class", placed, seed)]


def _tag(
    model: OmniBind,
    features: Features,
    benchmark: Benchmark,
    folder: Path,
    records: Sequence[Record],
    media: Mapping[Modality, Floats],
    seed: int,  # noqa: ARG001
) -> list[Json]:
    names = list(classes_of(benchmark, records))
    number = {name: i for i, name in enumerate(names)}
    classes = _classes(model, features, benchmark, folder, names)
    labels = [[number[label] for label in dict.fromkeys(record.captions)] for record in records]
    placed = protocols.tag(media[benchmark.query], classes, labels)
    figures = {"mAP": 100 * float(placed.average_precision.mean())}
    about = {"benchmark": benchmark.name, "direction": f"class to {benchmark.query}"}
    return [{**about, "queries": len(placed.places), "targets": placed.targets, **_rounded(figures)}]


def _classes(model: OmniBind, features: Features, benchmark: Benchmark, folder: Path, names: Sequence[str]) -> Floats:
    texts = [prompt.format(name) for prompt in benchmark.prompts(folder) for name in names]
    return protocols.class_vectors(model.bind(TEXT, encode_texts(model, features, texts)), len(names))


def _row(benchmark: Benchmark, direction: str, placed: Placement, seed: int) -> Json:
    recall = placed.ranking.recall(seed)
    figures = {
        **{f"R@{k}": value for k, value in recall.at.items()},
        f"nDCG@{NDCG_AT}": 100 * float(placed.ndcg(NDCG_AT).mean()),
        "MRR": 100 * float(placed.reciprocal_rank.mean()),
        "mAP": 100 * float(placed.average_precision.mean()),
    }
    return {
        "benchmark": benchmark.name,
        "direction": direction,
        "queries": recall.queries,
        "targets": recall.targets,
        **_rounded(figures),
        "interval": {f"R@{k}": [round(bound, 3) for bound in interval] for k, interval in recall.interval.items()},
        "chance": {f"R@{k}": round(value, 3) for k, value in recall.chance.items()},
    }


def _rounded(figures: Mapping[str, float]) -> Json:
    return {name: round(value, 3) for name, value in figures.items()}
