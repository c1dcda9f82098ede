"""The job that makes the map of a collection."""

import threading
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from omnisearch.config import Settings
from omnisearch.jobs.job import Job, Reporter


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
