"""The pictures of reports: which values of a report in JSON each one shows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omnisearch_training.evaluate.baselines import BOUND, ONLY
from omnisearch_training.evaluate.ground_truth import Truth
from omnisearch_training.model_report.ceilings import LEARNED, MEAN, ORACLE, UNIFORM
from omnisearch_training.model_report.figures import Bars, draw_groups, draw_histograms, draw_stacks

Json = dict[str, Any]
BEST = "best space alone"


def draw_pictures(report: Json, folder: Path) -> dict[str, str]:
    """Draw the pictures of a model's report that have something to show; return the names of their files."""
    found = {}
    if loads := router_loads(report):
        found["loads"] = "router_load.svg"
        draw_stacks(folder / found["loads"], loads, "mean combining factor")
        found["weights"] = "router_weights.svg"
        histograms: dict[str, dict[str, list[int]]] = {}
        for row in report["loads"]:
            histograms.setdefault(row["modality"], {})[row["branch"]] = row["histogram"]
        draw_histograms(folder / found["weights"], histograms, "combining factor")
    if report["ceilings"]:
        found["recall"] = "recall.svg"
        draw_groups(folder / found["recall"], {"": _ceilings(report)}, "recall@10, %")
    return found


def router_loads(report: Json) -> dict[str, Bars]:
    """Return the mean factors by modality and dataset, and of texts by language if the report has languages."""
    panels: dict[str, dict[str, Mapping[str, float]]] = {}
    for row in report["factors"]:
        panels.setdefault(row["modality"], {})[row["dataset"]] = row["mean"]
    spoken = [row for row in report["languages"] if row["target"] == "image" and len(row["factors"]) > 1]
    if spoken:
        ordered = sorted(spoken, key=lambda row: (row["language"] != "en", row["language"]))
        panels["text"] = {row["language"]: {n.split(":")[1]: v for n, v in row["factors"].items()} for row in ordered}
    return dict(panels)


def directions(evaluation: Json, k: int = 10) -> Bars:
    """Return recall@k by direction from a report of `omnisearch eval`: the best single space, equal factors, bound."""
    rows: dict[str, dict[str, float]] = {}
    for row in evaluation["results"]:
        if row["truth"] != Truth.BOTH:
            rows.setdefault(f"{row['query']} to {row['target']}, {row['truth']}", {})[row["variant"]] = row["recall"][
                str(k)
            ]
    found = {}
    for name, ways in rows.items():
        alone = [value for way, value in ways.items() if way.startswith(ONLY)]
        found[name] = {BEST: max(alone)} if alone else {}
        found[name] |= {MEAN: ways.get(UNIFORM, ways[BOUND]), LEARNED: ways[BOUND]}
    return found


def _ceilings(report: Json) -> Bars:
    return {
        f"{row['query']} to {row['target']}, {row['truth']}": {
            BEST: row["recall"][row["best"]],
            **{way: row["recall"][way] for way in (MEAN, LEARNED, ORACLE)},
        }
        for row in report["ceilings"]
    }
