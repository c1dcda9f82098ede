"""The report of a bound model as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

from omnisearch_training.evaluate.baselines import ONLY
from omnisearch_training.evaluate.report_tables import markdown_table
from omnisearch_training.model_report.ceilings import LEARNED, MEAN, ORACLE
from omnisearch_training.model_report.pair_ways import AGGREGATED, NOT_BOUND, PSEUDO

Json = dict[str, Any]


# The text above each table; the fields are those of the report.
HEAD = """\
Fingerprint {fingerprint:.12}. Asked for: {asked} of the test split. Compared with and paired: {known} of the
other splits. At most {limits[items]} items of each modality and split were drawn, with seed {seed}. Recall is
recall@10 in percent, and brackets are 95 % bootstrap intervals."""
LOADS = """\
`mean` is the mean combining factor of a space with its standard deviation, `largest` the share of items for
which no other space has a larger one, and `skipped` the share for which it is zero."""
COSTS = """\
Processor time for an item on the machine of this report. Spaces that share a tower pay for it once. `weight` is
the mean share of a space in the embeddings of the modality."""
CEILINGS = """\
The oracle takes for each query the single space that ranks its target best: the most that a router could reach
that chooses one space. A weighted sum can exceed it. The last two columns are what the routers gain."""
PAIRS = """\
Each space was bound to the anchor twice, by the same small training: by pairs with the nearest item (OmniBind),
and with the mean of the {pairs[neighbours]} nearest items, weighted by softmax at temperature
{pairs[temperature]:g} (FreeBind). Names in the anchor ask for test items of the bound space. `not bound` is the
space as it is. `gain` is that of pseudo pairs over aggregation."""
LEAKAGE = """\
Compared with the {leakage[training_records]} records outside of the test split. `files` are equal byte by byte.
`near` are items of the compared ones whose cosine to a drawn training item is {leakage[near_item]:g} or more in
every space. `names` are equal plain names; `near names` differ in case, number or article, or share
{leakage[near_name]:.0%} of their words. `captions` counts items with any equal caption."""


def report_markdown(report: Json, pictures: Mapping[str, str]) -> str:
    """Write the page of a report; `pictures` are the names of its files by what they show."""
    sections = [
        ("Load of the routers", LOADS, _loads(report["loads"]), ("loads", "weights")),
        ("Cost of each space", COSTS, _costs(report["costs"]), ()),
        ("Ceilings", CEILINGS, _ceilings(report["ceilings"]), ("recall",)),
        ("Pseudo pairs against aggregation", PAIRS, _pairs(report["pairs"]["spaces"]), ()),
        ("Overlap of test and training data", LEAKAGE, _leaks(report["leakage"]["sets"]), ()),
    ]
    counts = {"asked": _listed(report["items"]), "known": _listed(report["training_items"])}
    parts = [f"# Model {report['model']}", HEAD.format(**counts, **report)]
    for title, text, table, shown in sections:
        parts += [f"## {title}", text.format(**report) if table else "Nothing to compare in this model and these data."]
        parts += [table] if table else []
        parts += [f"![{title}]({pictures[name]})" for name in shown if name in pictures]
    return "\n\n".join(parts) + "\n"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {modality}" for modality, count in counts.items()) or "nothing"


def _loads(rows: Sequence[Json]) -> str:
    return markdown_table(
        [
            {
                "modality": row["modality"],
                "space": row["branch"],
                "items": row["items"],
                "mean": f"{row['mean']:.3f} ({row['deviation']:.3f})",
                "largest": f"{row['largest']:.0%}",
                "skipped": f"{row['skipped']:.0%}",
            }
            for row in rows
        ]
    )


def _costs(rows: Sequence[Json]) -> str:
    return markdown_table(
        [
            {
                "modality": row["modality"],
                "space": row["space"],
                "tower": row["tower"],
                "shared with": ", ".join(row["shared"]),
                "million parameters": f"{row['parameters'] / 1e6:.1f}",
                "ms of the tower": f"{row['tower_ms']:.2f}",
                "ms of its own": f"{row['own_ms']:.2f}",
                "weight": f"{row['weight']:.2f}",
                "items": row["items"],
            }
            for row in rows
        ]
    )


def _ceilings(rows: Sequence[Json]) -> str:
    shown = []
    for row in rows:
        single, (low, high) = row["best"], row["interval"][LEARNED]
        shown.append(
            {
                "direction": f"{row['query']} to {row['target']}",
                "truth": row["truth"],
                "queries": row["queries"],
                "chance": f"{row['chance']:.1f}",
                "best space alone": f"{row['recall'][single]:.1f} ({single.removeprefix(ONLY)})",
                MEAN: f"{row['recall'][MEAN]:.1f}",
                LEARNED: f"{row['recall'][LEARNED]:.1f} [{low:.1f}, {high:.1f}]",
                ORACLE: f"{row['recall'][ORACLE]:.1f}",
                "over the best space": _gain(row["gain"]["over the best space"]),
                "over equal factors": _gain(row["gain"]["over equal factors"]),
            }
        )
    return markdown_table(shown)


def _pairs(rows: Sequence[Json]) -> str:
    return markdown_table(
        [
            {
                "space": row["space"],
                "modality": row["modality"],
                "tuples": row["tuples"],
                "queries": row["queries"],
                "chance": f"{row['chance']:.1f}",
                NOT_BOUND: f"{row['recall'][NOT_BOUND]:.1f}" if NOT_BOUND in row["recall"] else "",
                PSEUDO: f"{row['recall'][PSEUDO]:.1f}",
                AGGREGATED: f"{row['recall'][AGGREGATED]:.1f}",
                "gain": _gain(row["gain"]),
            }
            for row in rows
        ]
    )


def _leaks(rows: Sequence[Json]) -> str:
    return markdown_table(
        [
            {
                "dataset": row["dataset"],
                "modality": row["modality"],
                "items": row["items"],
                "files": row["files"],
                "near": f"{row['near']} of {row['compared']}",
                "names": row["names"],
                "near names": row["near_names"],
                "captions": row["captions"],
                "examples": "; ".join(f"{test} = {known}" for test, known in row["examples"][:2]),
            }
            for row in rows
        ]
    )


def _gain(gain: Sequence[float]) -> str:
    value, low, high = gain
    return f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"
