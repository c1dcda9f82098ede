"""The report of kinds that were left out: the recall of each variant on each kind, and the means over the kinds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from omnisearch.types import Modality
from omnisearch_training.evaluate.ground_truth import Truth
from omnisearch_training.evaluate.metrics import Ranking, mean_gain, mean_recall
from omnisearch_training.evaluate.recall import Result
from omnisearch_training.evaluate.report import Json, result_row


@dataclass(frozen=True, eq=False)
class Variant:
    """A variant's ranking of the items of one kind; `over` is the name of the variant that it is compared with."""

    ranking: Ranking
    over: str | None = None


def kind_rows(found: Mapping[str, Variant], kind: str, modality: Modality, seed: int) -> list[Json]:
    """Return the recall of every variant on one kind, and its gain."""
    rows = []
    for name, each in found.items():
        gain = None if each.over is None else each.ranking.gain(found[each.over].ranking, seed)
        row = result_row(Result(name, Modality.TEXT, modality, Truth.NAME, each.ranking.recall(seed), gain))
        rows.append(row | {"over": each.over, "kind": kind, "seed": seed})
    return rows


def mean_rows(found: Mapping[str, Mapping[str, Variant]], modality: Modality, seed: int) -> list[Json]:
    """Return the mean over the kinds of each variant's recall, and of its gain."""
    rows = []
    for name, first in next(iter(found.values())).items():
        rankings = [each[name].ranking for each in found.values()]
        recall = mean_recall(rankings, seed)
        row: Json = {
            "variant": name,
            "over": first.over,
            "target": str(modality),
            "seed": seed,
            "recall": {str(k): round(value, 3) for k, (value, _, _) in recall.items()},
            "interval": {str(k): [round(low, 3), round(high, 3)] for k, (_, low, high) in recall.items()},
            "chance": {"10": round(float(np.mean([each.recall(seed).chance[10] for each in rankings])), 3)},
        }
        if first.over is not None:
            gain = mean_gain(rankings, [each[first.over].ranking for each in found.values()], seed)
            row["gain"] = {str(k): [round(each, 3) for each in values] for k, values in gain.items()}
        rows.append(row)
    return rows


def kinds_markdown(report: Json) -> str:
    """Write a table per modality and seed: a line per kind with the recall@10 of every variant and its gain."""
    sections = []
    for modality, seed in dict.fromkeys((row["target"], row["seed"]) for row in report["means"]):
        rows, means = (
            [row for row in report[part] if (row["target"], row["seed"]) == (modality, seed)]
            for part in ("results", "means")
        )
        sections.append(f"### Text to {modality}, seed {seed}: recall@10 [95 %], and the gain [95 %]\n")
        sections.append(_table(rows, means))
    return "\n".join(sections)


def _table(rows: Sequence[Json], means: Sequence[Json]) -> str:
    names = [f"{row['variant']} (gain over `{row['over']}`)" if row["over"] else row["variant"] for row in means]
    lines = [["kind left out", "queries", "items", "chance@10", *names]]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]
        first = own[0]
        head = [kind, str(first["queries"]), str(first["targets"]), f"{first['chance']['10']:.1f}"]
        lines.append([*head, *map(_cell, own)])
    lines.append(["**mean of the kinds**", "", "", f"{means[0]['chance']['10']:.1f}", *map(_cell, means)])
    table = ["| " + " | ".join(line) + " |" for line in lines]
    table.insert(1, "|---" * len(lines[0]) + "|")
    return "\n".join(table) + "\n"


def _cell(row: Json) -> str:
    low, high = row["interval"]["10"]
    shown = f"{row['recall']['10']:.1f} [{low:.1f}, {high:.1f}]"
    if "gain" not in row:
        return shown
    gain, low, high = row["gain"]["10"]
    return f"{shown}, {gain:+.1f} [{low:+.1f}, {high:+.1f}]"
