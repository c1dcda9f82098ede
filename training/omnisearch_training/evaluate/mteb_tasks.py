"""Tasks of mteb by name, run with a bound model."""

import logging
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.spaces.optional_packages import need
from omnisearch.wording import did_you_mean
from omnisearch_training.evaluate.mteb_model import MtebModel
from omnisearch_training.provenance import provenance

log = logging.getLogger(__name__)

Json = dict[str, Any]
COLUMNS = ("task", "type", "modalities", "metric", "score")


def find_tasks(names: Sequence[str]) -> list[Any]:
    """Return the tasks of mteb with these names, and those of its benchmarks with these names, each once.

    Raises:
        NotReadyError: mteb is not installed.
        UsageError: mteb has no task and no benchmark of a name.
    """
    mteb = need("mteb", "mteb")
    benchmarks = {each.name: each for each in mteb.get_benchmarks()}
    tasks = {each.metadata.name: each for each in mteb.get_tasks(exclude_superseded=False)}
    found: dict[str, Any] = {}
    for name in names:
        if name not in benchmarks and name not in tasks:
            raise UsageError(f"mteb has no task or benchmark {name!r}{did_you_mean(name, [*tasks, *benchmarks])}")
        for task in benchmarks[name].tasks if name in benchmarks else [tasks[name]]:
            found.setdefault(task.metadata.name, task)
    return list(found.values())


def run_tasks(model: OmniBind, settings: Settings, tasks: Sequence[Any], cache: Path) -> Json:
    """Run tasks of mteb, and return a report: `results` has a row for each task.

    A task with a modality that the model lacks is left out. A task that fails, such as one whose data cannot be
    fetched, has an `error` in place of its score. Results are stored in `cache` by model and task, and reused.

    Raises:
        NotReadyError: mteb is not installed.
        UsageError: the model lacks a modality of every task.
    """
    mteb = need("mteb", "mteb")
    with MtebModel(model, settings) as encoder:
        fitting = [task for task in tasks if set(task.metadata.modalities) <= set(encoder.modalities)]
        if not fitting:
            needed = "; ".join(f"{task.metadata.name} has {', '.join(task.metadata.modalities)}" for task in tasks)
            raise UsageError(f"model {model.name} embeds {', '.join(encoder.modalities)}, but {needed}")
        left_out = [task.metadata.name for task in tasks if task not in fitting]
        if left_out:
            log.warning("left out, because the model lacks a modality: %s", ", ".join(left_out))
        result = mteb.evaluate(
            encoder,
            fitting,
            cache=mteb.ResultCache(cache),
            encode_kwargs={"batch_size": settings.batch_size},
            raise_error=False,
            show_progress_bar=False,
            co2_tracker=False,
        )
    done = {each.task_name: each for each in result.task_results}
    failed = {each.task_name: each for each in result.exceptions or ()}
    return {
        "model": model.name,
        "fingerprint": model.fingerprint,
        **provenance(settings, model.spaces, {}),
        "left_out": left_out,
        "results": [_row(task, done.get(task.metadata.name), failed.get(task.metadata.name)) for task in fitting],
    }


def mteb_table_row(row: Json) -> Json:
    """Convert one result to a row of a table; a failed task shows the first line of its error."""
    shown = f"{100 * row['score']:.1f}" if row["score"] is not None else row["error"].splitlines()[0]
    return {**{name: row[name] for name in COLUMNS[:-1]}, "score": shown}


def mteb_markdown(report: Json) -> str:
    """Write the results as a Markdown table."""
    rows = [mteb_table_row(row) for row in report["results"]]
    head = f"Model {report['model']}, fingerprint {report['fingerprint'][:12]}, mteb {report['versions']['mteb']}.\n"
    lines = [" | ".join(COLUMNS), "|".join("---" for _ in COLUMNS)]
    lines += [" | ".join(str(row[column]).replace("|", "/") for column in COLUMNS) for row in rows]
    return "\n".join([head, *(f"| {line} |" for line in lines), ""])


def _row(task: Any, result: Any, failure: Any) -> Json:
    """The result of a task: `score` is the mean of its main metric over splits and subsets, as mteb computes it."""
    metadata = task.metadata
    row = {
        "task": metadata.name,
        "type": str(metadata.type),
        "modalities": ", ".join(metadata.modalities),
        "metric": metadata.main_score,
    }
    if result is None:
        return {**row, "score": None, "error": str(failure.exception) or "it failed without a message"}
    score = float(result.get_score())
    if not isfinite(score):  # a correlation with a constant
        return {**row, "score": None, "error": "the metric is undefined for these answers"}
    return {**row, "score": score, "scores": _finite(result.to_dict()["scores"])}


def _finite(value: Any) -> Any:
    """Replace numbers that are not finite by None: JSON has none, and some of mteb's metrics are undefined."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value
