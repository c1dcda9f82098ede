"""The job that makes the map of a collection, and the rule by which it is queued without being asked for."""

import threading
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import NoIndexError
from omnisearch.jobs.job import Job, Reporter, State

KIND = "map"


def run_map(job: Job, settings: Settings, reporter: Reporter, stop: threading.Event) -> Mapping[str, Any]:  # noqa: ARG001
    """Make a map of the collection and store it. The result contains the number of its items.

    Raises:
        StoppedError: `stop` was set.
        NoIndexError: nothing is indexed yet.
        StoreError: the store cannot be read, or the disk is full.
    """
    from omnisearch.search.map import make_map, write_map
    from omnisearch.stores.catalog import open_current

    with closing(open_current(settings)) as store:
        made = make_map(store, stop.is_set, lambda done, total: reporter.report(done, total, "items"))
    write_map(made, settings.index_dir)
    return {"items": made.items, "points": len(made.points)}


def queue_map(settings: Settings) -> bool:
    """Queue a job that makes the map if it is missing or outdated, unless one is queued. Returns whether it was queued.

    Raises:
        StoreError: the store or the table of jobs cannot be read, or the disk is full.
        BusyError: too many jobs are queued.
    """
    from omnisearch.jobs.store import JobStore
    from omnisearch.search.map import is_outdated, read_map
    from omnisearch.stores.catalog import open_current

    try:
        with closing(open_current(settings)) as store:
            if not is_outdated(read_map(settings.index_dir), store):
                return False
    except NoIndexError:
        return False
    with closing(JobStore.open(settings)) as jobs:
        if jobs.page((State.QUEUED,), KIND, settings.collection, limit=1):
            return False
        jobs.add(KIND, {}, settings.collection)
    return True
