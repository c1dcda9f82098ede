"""Kinds of jobs, found through the entry-point group `omnisearch.jobs`, so that packages above can add them."""

from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any, cast

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.jobs.job import ErrorReader, Job, Runner

GROUP = "omnisearch.jobs"
ERRORS_GROUP = "omnisearch.job_errors"


def kinds() -> tuple[str, ...]:
    """Return the names of all kinds."""
    return tuple(sorted(entry_points(group=GROUP).names))


def load_runner(kind: str) -> Runner:
    """Import the function that runs jobs of a kind.

    Raises:
        UsageError: there is no such kind.
    """
    for point in entry_points(group=GROUP, name=kind):
        return cast(Runner, point.load())
    raise UsageError(f"there is no job of the kind {kind!r}: the kinds are {', '.join(kinds())}")


def load_error_reader(kind: str) -> ErrorReader:
    """Import the function that lists files that jobs of a kind could not read; a kind without one lists none."""
    for point in entry_points(group=ERRORS_GROUP, name=kind):
        return cast(ErrorReader, point.load())
    return _no_errors


def _no_errors(job: Job, settings: Settings, after: str, limit: int) -> Iterable[Mapping[str, Any]]:  # noqa: ARG001
    return ()
