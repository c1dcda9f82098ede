"""Kinds of jobs. Each is found through the entry-point group `omnisearch.jobs`, so that rooms above can run jobs."""

from importlib.metadata import entry_points
from typing import cast

from omnisearch.errors import UsageError
from omnisearch.jobs.job import Runner

GROUP = "omnisearch.jobs"


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
