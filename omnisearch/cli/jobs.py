"""`omnisearch jobs`: list, show, cancel and retry jobs."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from omnisearch.cli import options
from omnisearch.cli.console import Format, choose_format, write_object, write_rows
from omnisearch.cli.typer_app import CommandGroup

if TYPE_CHECKING:
    from pathlib import Path

    from omnisearch.jobs.job import Job
    from omnisearch.jobs.store import JobStore

app = CommandGroup(help="List, show, cancel and retry the jobs of a data directory.", no_args_is_help=True)
COLUMNS = ("id", "kind", "collection", "state", "progress", "created")
Id = Annotated[str, typer.Argument(metavar="JOB", help="The id of a job.", show_default=False)]


@app.command()
def ls(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of jobs.")] = 100,
    output: options.Output = None,
    data_dir: options.DataDir = None,
) -> None:
    """List jobs, the newest first."""
    with _opened(data_dir) as store:
        jobs = store.page(limit=limit)
    if choose_format(output) is Format.TABLE:
        write_rows(map(_row, jobs), COLUMNS, output)
    else:
        write_rows([job.fields() for job in jobs], COLUMNS, output)


@app.command()
def show(job: Id, output: options.Output = None, data_dir: options.DataDir = None) -> None:
    """Show a job: its parameters, progress and outcome."""
    with _opened(data_dir) as store:
        _write(store.get(job), output)


@app.command()
def cancel(job: Id, output: options.Output = None, data_dir: options.DataDir = None) -> None:
    """Cancel a job. A running job stops after its current batch and keeps what it has written."""
    with _opened(data_dir) as store:
        _write(store.cancel(job), output)


@app.command()
def retry(job: Id, output: options.Output = None, data_dir: options.DataDir = None) -> None:
    """Queue an ended job again. An index job then also reads its failed files again."""
    with _opened(data_dir) as store:
        _write(store.retry(job), output)


@contextmanager
def _opened(data_dir: "Path | None") -> "Iterator[JobStore]":
    from omnisearch.config import load_settings
    from omnisearch.jobs.store import JobStore

    with closing(JobStore.open(load_settings(data_dir=data_dir))) as store:
        yield store


def _write(job: "Job", output: Format | None) -> None:
    if choose_format(output) is Format.TABLE:
        rows = [{"what": name, "value": value} for name, value in job.fields().items() if value not in (None, {})]
        write_rows(rows, ("what", "value"), output)
    else:
        write_object(job.fields(), choose_format(output))


def _row(job: "Job") -> dict[str, Any]:
    progress = job.progress
    done = f"{progress.done:,}" if progress.total is None else f"{progress.done:,} of {progress.total:,}"
    shown = ", ".join(filter(None, (f"{done} {progress.unit}" if progress.unit else "", progress.message)))
    created = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.created))
    return {**job.fields(), "progress": shown, "created": created}
