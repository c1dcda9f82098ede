"""The report of an evaluation: one JSON object, and Markdown tables made from it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.baselines import BOUND, variants
from omnisearch_training.evaluate.composed_queries import WAYS
from omnisearch_training.evaluate.ground_truth import Truth, concept
from omnisearch_training.evaluate.languages import OTHERS, LanguageRecall
from omnisearch_training.evaluate.metrics import KS
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
        "languages": [_language_row(each) for each in languages],
        "factors": [_factor_row(each) for each in mean_factors(model, datasets, sides)],
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


def _language_row(found: LanguageRecall) -> Json:
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


def _factor_row(found: Factors) -> Json:
    return {
        "modality": str(found.modality),
        "dataset": found.dataset,
        "items": found.items,
        "mean": {name: _rounded(value) for name, value in found.mean.items()},
        "deviation": {name: _rounded(value) for name, value in found.deviation.items()},
    }


def table_row(row: Json) -> Json:
    """Convert one result to a row of a table on a terminal."""
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
        ("Zero-shot classification of each dataset by its own concepts [95 %]", _classes(report["zero_shot"])),
        ("Recall@10 of each variant, and what binding gains over it [95 %]", _comparison(single, report["variants"])),
        (
            "Composed queries: recall@10 of items whose name says both, and what adding gains over one term [95 %]",
            _comparison([row for row in report["results"] if row["truth"] == Truth.BOTH], WAYS),
        ),
        ("Recall@10 by the language of the query [95 %]", _languages(report["languages"])),
        *(
            (
                f"Mean combining factors of {modality}, and their standard deviation",
                _factors(report["factors"], modality),
            )
            for modality in dict.fromkeys(row["modality"] for row in report["factors"])
        ),
    ]
    data = "; ".join(
        f"{name} ({', '.join(f'{count} {what}' for what, count in counts.items())})"
        for name, counts in report["datasets"].items()
    )
    head = f"Model {report['model']}, fingerprint {report['fingerprint'][:12]}, on {data}.\n"
    return "\n".join([head, *(f"### {title}\n\n{table}\n" for title, table in sections if table)])


# The columns of an ablation: query, target and truth of each.
MAIN = {
    "t2i": (Modality.TEXT, Modality.IMAGE, Truth.NAME),
    "t2a": (Modality.TEXT, Modality.AUDIO, Truth.NAME),
    "t2p": (Modality.TEXT, Modality.POINT_CLOUD, Truth.NAME),
    "other languages to i": (OTHERS, Modality.IMAGE, Truth.NAME),
    "other languages to a": (OTHERS, Modality.AUDIO, Truth.NAME),
    "other languages to p": (OTHERS, Modality.POINT_CLOUD, Truth.NAME),
    "i2t": (Modality.IMAGE, Modality.TEXT, Truth.NAME),
    "a2t": (Modality.AUDIO, Modality.TEXT, Truth.NAME),
    "p2t": (Modality.POINT_CLOUD, Modality.TEXT, Truth.NAME),
    "i2a": (Modality.IMAGE, Modality.AUDIO, Truth.WORDS),
    "a2p": (Modality.AUDIO, Modality.POINT_CLOUD, Truth.WORDS),
    "i+t2i": (f"{Modality.IMAGE} + {Modality.TEXT}", Modality.IMAGE, Truth.BOTH),
    "p+t2p": (f"{Modality.POINT_CLOUD} + {Modality.TEXT}", Modality.POINT_CLOUD, Truth.BOTH),
}


def ablation_markdown(report: Json) -> str:
    """Write an ablation's tables: one line per variation, one column per main direction that has ground truth."""
    cells = {(row["variant"], row["query"], row["target"], row["truth"]): row for row in report["results"]}
    names = [each["name"] for each in report["variations"]]
    columns = {head: asked for head, asked in MAIN.items() if (names[0], *map(str, asked)) in cells}
    counts = [cells[(names[0], *map(str, asked))] for asked in columns.values()]
    sizes = {"variation": "queries, targets"}
    sizes |= {head: f"{row['queries']}, {row['targets']}" for head, row in zip(columns, counts, strict=True)}
    sections = []
    for k in (10, 1):
        lines = [sizes | {"mean": ""}]
        for name in names:
            rows = [cells.get((name, *map(str, asked))) for asked in columns.values()]
            known = [row["recall"][str(k)] for row in rows if row]
            line = {head: _cell(row, k) if row else "" for head, row in zip(columns, rows, strict=True)}
            lines.append({"variation": name, **line, "mean": f"{sum(known) / len(known):.1f}" if known else ""})
        sections.append(f"### Recall@{k}, and what the base gains over each variation [95 %]\n\n{_lines(lines)}\n")
    return "\n".join([_head(f"Base: {report['recipe']['model']['name']}", report), *sections])


def _head(model: str, report: Json) -> str:
    """Write one line with the model, the data and the revision."""
    data = "; ".join(f"{name} ({_listed(counts)})" for name, counts in report["data"].items())
    by = (
        f", revision {report['revision'][:12]}{' and changes' if report['dirty'] else ''}"
        if "revision" in report
        else ""
    )
    return f"{model}{by}, on {data}.\n"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def _counts(records: Sequence[Record]) -> dict[str, int]:
    """Count the records and concepts of a dataset, and its files by modality."""
    files = {str(m): sum(m in record.files for record in records) for m in Modality}
    concepts = len({concept(record) for record in records})
    return {"records": len(records), "concepts": concepts} | {m: count for m, count in files.items() if count}


def _by_k(values: Mapping[int, Any]) -> dict[str, Any]:
    return {str(k): _rounded(value) for k, value in values.items()}


def _rounded(value: Any) -> Any:
    return [round(each, 3) for each in value] if isinstance(value, tuple) else round(value, 3)


def _table(rows: Sequence[Json]) -> str:
    return _lines([{k: v for k, v in table_row(row).items() if k != "variant"} for row in rows])


def _classes(rows: Sequence[Json]) -> str:
    shown = []
    for row in rows:
        line = {key: row[key] for key in ("dataset", "modality", "items", "classes")}
        for k in map(str, TOP):
            low, high = row["interval"][k]
            line[f"top-{k}"] = f"{row['accuracy'][k]:.1f} [{low:.1f}, {high:.1f}]"
            line[f"chance@{k}"] = f"{row['chance'][k]:.1f}"
        shown.append(line)
    return _lines(shown)


def _languages(rows: Sequence[Json]) -> str:
    """Write one line per target and language, and the mean of the languages other than English."""
    lines = []
    for target in dict.fromkeys(row["target"] for row in rows):
        own = [row for row in rows if row["target"] == target]
        lines += [_language_line(row) for row in own]
        foreign = [row for row in own if row["language"] != "en"]
        if foreign:
            means = {
                name: f"{sum(row['recall'][name]['10'] for row in foreign) / len(foreign):.1f}"
                for name in foreign[0]["recall"]
            }
            head = {"query": f"mean of {len(foreign)}", "target": target, "queries": "", "targets": "", "chance@10": ""}
            lines.append(head | means)
    return _lines(lines)


def _language_line(row: Json) -> Json:
    chance = f"{row['chance']['10']:.1f}"
    line = {
        "query": row["language"],
        **{key: row[key] for key in ("target", "queries", "targets")},
        "chance@10": chance,
    }
    for name, recall in row["recall"].items():
        low, high = row["interval"][name]["10"]
        line[name] = f"{recall['10']:.1f} [{low:.1f}, {high:.1f}]"
    return line


def _factors(rows: Sequence[Json], modality: str) -> str:
    """Write one line per dataset, one column per branch."""
    return _lines(
        [
            {"dataset": row["dataset"], "items": row["items"]}
            | {name: f"{mean:.2f} ({row['deviation'][name]:.2f})" for name, mean in row["mean"].items()}
            for row in rows
            if row["modality"] == modality
        ]
    )


def _comparison(results: Sequence[Json], order: Sequence[str]) -> str:
    """Write one line per direction, one column per variant."""
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


def _cell(row: Json, k: int = 10) -> str:
    shown = f"{row['recall'][str(k)]:.1f}"
    if "gain" not in row:
        return shown
    gain, low, high = row["gain"][str(k)]
    return f"{shown} ({gain:+.1f} [{low:+.1f}, {high:+.1f}])"


def _lines(rows: Sequence[Json]) -> str:
    if not rows:
        return ""
    left = {"direction", "truth", "variation", "dataset", "modality"}
    header = list(rows[0])
    rule = ["---" if name in left else "--:" for name in header]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in (header, rule, *(r.values() for r in rows)))
