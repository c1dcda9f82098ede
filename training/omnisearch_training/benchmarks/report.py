"""The report of a model on several benchmarks, and its tables."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.wording import did_you_mean
from omnisearch_training.benchmarks import BENCHMARKS, Benchmark
from omnisearch_training.benchmarks.base import BASE, FULL, LARGE
from omnisearch_training.benchmarks.local_copy import open_copy
from omnisearch_training.benchmarks.run import FIGURES, evaluate
from omnisearch_training.provenance import provenance
from omnisearch_training.stages.features import Features, whole_files

log = logging.getLogger(__name__)

Json = dict[str, Any]
ALL = "all"
ABOUT = ("benchmark", "direction", "queries", "targets")
COLUMNS = ("benchmark", "direction", "R@1", "R@5", "R@10", "mAP", "paper", "difference")  # fit on a terminal


def choose(names: Sequence[str], folder: Path) -> dict[str, Path]:
    """Return the folder of each benchmark: the one below `folder` with its name, or, of one alone, `folder` itself.

    The name `all` chooses the benchmarks that have a folder below it.

    Raises:
        UsageError: no benchmark is called so, or, for several, `folder` has no folder of that name.
    """
    for name in names:
        if name not in BENCHMARKS and name != ALL:
            hint = did_you_mean(name, BENCHMARKS) or f"; there are {', '.join(BENCHMARKS)}"
            raise UsageError(f"no benchmark is called {name!r}{hint}")
    if ALL in names:
        found = {name: folder / name for name in BENCHMARKS if (folder / name).is_dir()}
        if not found:
            raise UsageError(f"{folder} has no folder that is called like a benchmark: {', '.join(BENCHMARKS)}")
        return found
    chosen = dict.fromkeys(names)
    return {name: folder / name if len(chosen) > 1 or (folder / name).is_dir() else folder for name in chosen}


def run_benchmarks(
    folders: dict[str, Path], model: OmniBind, settings: Settings, store: Path, partial: bool = False, seed: int = 0
) -> Json:
    """Evaluate a model on benchmarks by the folders of their data; features and converted files are kept in `store`.

    All copies are read and counted before the first file is decoded.

    Raises:
        UsageError: as `open_copy` and `evaluate`.
    """
    home = store / "benchmarks"
    features = Features(home / "features", whole_files(settings))
    copies = {name: open_copy(BENCHMARKS[name], folder, home / name, partial) for name, folder in folders.items()}
    rows: list[Json] = []
    for name, records in copies.items():
        log.info("%s: %d items", name, len(records))
        rows += evaluate(model, features, BENCHMARKS[name], folders[name], records, partial, seed)
    return {
        "model": model.name,
        "fingerprint": model.fingerprint,
        "seed": seed,
        "partial": partial,
        **provenance(settings, model.spaces, copies),
        "benchmarks": {name: _about(BENCHMARKS[name], folder) for name, folder in folders.items()},
        "results": rows,
    }


def listing(benchmark: Benchmark) -> Json:
    """Describe a benchmark in a row of a table."""
    sides = f"{benchmark.query}, {benchmark.target}"
    return {
        "name": benchmark.name,
        "protocol": str(benchmark.protocol),
        "modalities": sides,
        "items": benchmark.items,
        "classes": benchmark.classes or None,
        "paper": benchmark.published.source.rpartition(", ")[2] if benchmark.published else "",
        "layout": benchmark.layout,
        "source": benchmark.source,
    }


def table_row(row: Json) -> Json:
    """Convert one result to a row of a table on a terminal."""
    return {
        **{name: row.get(name, "") for name in ABOUT},
        **{name: f"{row[name]:.2f}" if name in row else "" for name in FIGURES},
        "paper": _cell(row.get("paper", {})),
        "difference": " / ".join(f"{value:+.2f}" for value in row.get("difference", {}).values()),
    }


def markdown(report: Json) -> str:
    """Write the results, the paper's figures of its three models beside them, and the notes of each benchmark."""
    papers = {model: f"paper: {model.removeprefix('omnibind-')}" for model in (BASE, LARGE, FULL)}
    columns = (*ABOUT, *FIGURES, *papers.values(), "difference")
    lines = [" | ".join(columns), "|".join("---" for _ in columns)]
    for row in report["results"]:
        cells = table_row(row)
        cells |= {papers[model]: _cell(values) for model, values in row.get("published", {}).items()}
        lines.append(" | ".join(str(cells.get(column, "")) for column in columns))
    notes = [f"- {name}: {about['note']}" for name, about in report["benchmarks"].items() if about["note"]]
    head = f"Model {report['model']}, fingerprint {report['fingerprint'][:12]}, in per cent.\n"
    warning = "Some copies are incomplete, so nothing is compared with the paper.\n" if report["partial"] else ""
    return "\n".join([head, warning, *(f"| {line} |" for line in lines), "", *notes, ""])


def _cell(values: dict[str, float]) -> str:
    return " / ".join(f"{value:.2f}" for value in values.values())


def _about(benchmark: Benchmark, folder: Path) -> Json:
    return {
        "title": benchmark.title,
        "protocol": str(benchmark.protocol),
        "items": benchmark.items,
        "templates": len(benchmark.prompts(folder)) if benchmark.classes else 0,
        "source": benchmark.source,
        "note": benchmark.note,
    }
