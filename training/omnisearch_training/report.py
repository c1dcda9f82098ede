"""What an evaluation found, as one JSON object and as a Markdown table made from it."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from omnisearch import __version__
from omnisearch.binding.model import OmniBind
from omnisearch.types import Modality
from omnisearch_training.composed import WAYS
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate import Result, Side
from omnisearch_training.ground_truth import Truth, concept
from omnisearch_training.metrics import KS
from omnisearch_training.variants import BOUND, variants

Json = dict[str, Any]


def make_report(
    model: OmniBind,
    datasets: Mapping[str, Sequence[Record]],
    sides: Mapping[Modality, Side],
    results: Sequence[Result],
    seed: int,
) -> Json:
    """Put results beside what they were measured with: model, data, versions, seed."""
    return {
        "model": model.name,
        "fingerprint": model.fingerprint,
        "seed": seed,
        "versions": {"omnisearch": __version__, "python": platform.python_version()}
        | {package: version(package) for package in ("numpy", "torch")},
        "datasets": {name: _counts(records) for name, records in datasets.items()},
        "variants": [variant.name for variant in variants(model)],
        "items": {str(modality): len(side.rows) for modality, side in sides.items()},
        "results": [result_row(result) for result in results],
    }


def result_row(result: Result) -> Json:
    """One result as plain values; the keys of `recall`, `interval`, `chance` and `gain` are the k, as text."""
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


def table_row(row: Json) -> Json:
    """One result as a line of a terminal's table."""
    low, high = row["interval"]["10"]
    return {
        "variant": row["variant"],
        "direction": f"{row['query']} to {row['target']}",
        "truth": row["truth"],
        "queries": row["queries"],
        "targets": row["targets"],
        **{f"R@{k}": f"{row['recall'][str(k)]:.1f}" for k in KS},
        "R@10 95 %": f"{low:.1f}-{high:.1f}",
        "chance@10": f"{row['chance']['10']:.1f}",
        "median rank": f"{row['median_rank']:g}",
        "mean rank": f"{row['mean_rank']:.1f}",
    }


def markdown(report: Json) -> str:
    """Write the tables of a model card."""
    single = [row for row in report["results"] if row["truth"] != Truth.BOTH]
    bound = [row for row in single if row["variant"] == BOUND]
    sections = [
        ("Retrieval", _table([row for row in bound if row["target"] != Modality.TEXT])),
        (
            "Zero-shot classification: the distinct names are the classes, recall@1 and @5 are top-1 and top-5",
            _table([row for row in bound if row["target"] == Modality.TEXT]),
        ),
        ("Recall@10 of each variant, and what binding gains over it [95 %]", _comparison(single, report["variants"])),
        (
            "Composed queries: recall@10 of items whose name says both, and what adding gains over one term [95 %]",
            _comparison([row for row in report["results"] if row["truth"] == Truth.BOTH], WAYS),
        ),
    ]
    data = "; ".join(
        f"{name} ({', '.join(f'{count} {what}' for what, count in counts.items())})"
        for name, counts in report["datasets"].items()
    )
    head = f"Model {report['model']}, fingerprint {report['fingerprint'][:12]}, on {data}.\n"
    return "\n".join([head, *(f"### {title}\n\n{table}\n" for title, table in sections if table)])


def _counts(records: Sequence[Record]) -> dict[str, int]:
    """How many records and concepts a dataset gave, and how many files of each modality."""
    files = {str(m): sum(m in record.files for record in records) for m in Modality}
    concepts = len({concept(record) for record in records})
    return {"records": len(records), "concepts": concepts} | {m: count for m, count in files.items() if count}


def _by_k(values: Mapping[int, Any]) -> dict[str, Any]:
    return {str(k): _rounded(value) for k, value in values.items()}


def _rounded(value: Any) -> Any:
    return [round(each, 3) for each in value] if isinstance(value, tuple) else round(value, 3)


def _table(rows: Sequence[Json]) -> str:
    return _lines([{k: v for k, v in table_row(row).items() if k != "variant"} for row in rows])


def _comparison(results: Sequence[Json], order: Sequence[str]) -> str:
    """One line per direction, one column per variant."""
    directions = {(row["query"], row["target"], row["truth"]): (row["queries"], row["targets"]) for row in results}
    columns = [name for name in order if any(row["variant"] == name for row in results)]
    if len(columns) < 2:
        return ""
    cells = {(row["query"], row["target"], row["truth"], row["variant"]): _cell(row) for row in results}
    return _lines(
        [
            {"direction": f"{query} to {target}", "truth": truth, "queries": queries, "targets": targets}
            | {column: cells.get((query, target, truth, column), "") for column in columns}
            for (query, target, truth), (queries, targets) in directions.items()
        ]
    )


def _cell(row: Json) -> str:
    shown = f"{row['recall']['10']:.1f}"
    if "gain" not in row:
        return shown
    gain, low, high = row["gain"]["10"]
    return f"{shown} ({gain:+.1f} [{low:+.1f}, {high:+.1f}])"


def _lines(rows: Sequence[Json]) -> str:
    if not rows:
        return ""
    left = {"direction", "truth"}
    header = list(rows[0])
    rule = ["---" if name in left else "--:" for name in header]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in (header, rule, *(r.values() for r in rows)))
