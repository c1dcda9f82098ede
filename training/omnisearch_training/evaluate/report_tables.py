"""The Markdown tables of a report, for model cards and logs."""

from collections.abc import Mapping, Sequence

from omnisearch.types import Modality
from omnisearch_training.evaluate.baselines import BOUND
from omnisearch_training.evaluate.composed_queries import WAYS
from omnisearch_training.evaluate.ground_truth import Truth
from omnisearch_training.evaluate.languages import OTHERS
from omnisearch_training.evaluate.metrics import KS
from omnisearch_training.evaluate.report import TOP, Json


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


def report_markdown(report: Json) -> str:
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
        sections.append(
            f"### Recall@{k}, and what the base gains over each variation [95 %]\n\n{markdown_table(lines)}\n"
        )
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


def _table(rows: Sequence[Json]) -> str:
    return markdown_table([{k: v for k, v in table_row(row).items() if k != "variant"} for row in rows])


def _classes(rows: Sequence[Json]) -> str:
    shown = []
    for row in rows:
        line = {key: row[key] for key in ("dataset", "modality", "items", "classes")}
        for k in map(str, TOP):
            low, high = row["interval"][k]
            line[f"top-{k}"] = f"{row['accuracy'][k]:.1f} [{low:.1f}, {high:.1f}]"
            line[f"chance@{k}"] = f"{row['chance'][k]:.1f}"
        shown.append(line)
    return markdown_table(shown)


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
    return markdown_table(lines)


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
    return markdown_table(
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
    return markdown_table(
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


def markdown_table(rows: Sequence[Json]) -> str:
    """Write rows with the same keys as a table."""
    if not rows:
        return ""
    left = {"direction", "truth", "variation", "dataset", "modality", "space", "tower", "shared with", "examples"}
    header = list(rows[0])
    rule = ["---" if name in left else "--:" for name in header]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in (header, rule, *(r.values() for r in rows)))
