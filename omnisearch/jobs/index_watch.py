"""Index jobs for what changes in the roots of an index, queued one at a time while a server runs."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import OmnisearchError
from omnisearch.jobs.job import State
from omnisearch.jobs.library import load_library
from omnisearch.jobs.store import JobStore
from omnisearch.paths import find_path, show_path

POLL_SECONDS = 1.0
AGAIN_SECONDS = 60.0  # until the watch starts again after an error
MOST_PATHS = 100  # of one job; more are named by their roots
log = logging.getLogger(__name__)


@contextmanager
def index_watch(settings: Settings) -> Iterator[None]:
    """Watch the roots of the index of the settings for the length of the block."""
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(settings, stop), name="index-watch")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(settings: Settings, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            with closing(JobStore.open(settings)) as jobs:
                load_library().watch(settings, partial(_run_job, jobs, settings, stop), log.warning, stop)
        except OmnisearchError as error:
            log.warning("the folders cannot be watched: %s", error)
            stop.wait(AGAIN_SECONDS)
        except Exception:
            log.exception("the watch of the folders failed, and starts again in %.0f seconds", AGAIN_SECONDS)
            stop.wait(AGAIN_SECONDS)


def _run_job(
    jobs: JobStore, settings: Settings, stop: threading.Event, paths: Sequence[str], roots: Sequence[str]
) -> None:
    """Queue a job that indexes paths in roots, and wait for its end. What a job leaves is found by the next look."""
    job = jobs.add("index", job_params(paths, roots), settings.collection)
    while not stop.wait(POLL_SECONDS):
        if (state := jobs.get(job.id).state).ended:
            if state is not State.DONE:
                log.warning("the job %s of changed files is %s: they are looked at again later", job.id, state)
            return


def job_params(paths: Sequence[str], roots: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of a job that indexes paths in roots; all of the roots if there are many paths.

    `within` are the roots of paths that changed. It is empty if the roots themselves are to be indexed, and missing in
    jobs of users, which may name other paths only in the index roots of the settings.
    """
    named = dict.fromkeys(_sayable(path) for path in paths)
    if len(named) > MOST_PATHS or set(named) >= {show_path(root) for root in roots}:
        return {"paths": [show_path(root) for root in roots], "within": []}
    return {"paths": list(named), "within": [show_path(root) for root in roots]}


def _sayable(path: str) -> str:
    """Return a path as text; a file that is gone, and whose text means another name, is named by its folder."""
    shown = show_path(path)
    return shown if str(find_path(shown)) == path else show_path(path.rpartition("/")[0])
