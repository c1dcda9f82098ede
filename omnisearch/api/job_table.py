"""The table of jobs behind the routes: called in its own threads, and watched by a limited number of clients."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from operator import methodcaller
from typing import Annotated, TypeVar, cast

from fastapi import Depends, Query, Request

from omnisearch.api.collection_name import CollectionText
from omnisearch.api.collections import Collections
from omnisearch.api.lazy_store import LazyStore
from omnisearch.api.replica import OnMain
from omnisearch.config import Settings
from omnisearch.errors import BusyError
from omnisearch.jobs.job import Job
from omnisearch.jobs.store import JobStore

MAX_WATCHERS = 64
POLL_SECONDS = 0.5
THREADS, WAITING = 2, 2 * MAX_WATCHERS

T = TypeVar("T")


class JobTable:
    """Calls the table of jobs, and watches jobs."""

    def __init__(self, settings: Settings, draining: threading.Event) -> None:
        self._settings, self._draining = settings, draining
        self._store = LazyStore("jobs", lambda: JobStore.open(settings), THREADS, WAITING)
        self._watchers = 0

    async def ask(self, call: Callable[[JobStore], T]) -> T:
        """Call the table in a thread. Raises the errors of `JobStore`.

        Raises:
            BusyError: too many calls wait.
        """
        return await self._store.ask(call)

    async def check(self, call: Callable[[Settings], T]) -> T:
        """Run a call with the settings of the server in a thread, since it reads the disk."""
        return await self._store.do(lambda: call(self._settings))

    @contextmanager
    def place_for_watcher(self) -> Iterator[None]:
        """Hold one of the places of watchers until the end of the block.

        Raises:
            BusyError: there are MAX_WATCHERS.
        """
        if self._watchers >= MAX_WATCHERS:
            raise BusyError(f"{MAX_WATCHERS} clients watch jobs already: try again later, or ask for the job itself")
        self._watchers += 1
        try:
            yield
        finally:
            self._watchers -= 1

    async def changes(self, job: Job, seen: int) -> AsyncIterator[Job]:
        """Yield the job whenever its version is above `seen`, until it has ended or the server stops.

        An ended job is always yielded, so that every watcher gets it.
        """
        ask_again = methodcaller("get", job.id)
        while not self._draining.is_set():
            if job.version > seen or job.state.ended:
                seen = job.version
                yield job
            if job.state.ended:
                return
            await asyncio.sleep(POLL_SECONDS)
            job = await self.ask(ask_again)

    async def close(self) -> None:
        """Close the table."""
        await self._store.close()


async def _jobs(request: Request, _: OnMain) -> JobTable:
    return cast(JobTable, request.app.state.jobs)


async def _named(
    request: Request,
    collection: Annotated[
        CollectionText | None, Query(description="A collection; the server's default one if left out.")
    ] = None,
) -> str:
    collections: Collections = request.app.state.collections
    name = collection or collections.default.settings.collection
    return collections.settings(name).collection


# The name of the collection that a job is for; it exists.
Named = Annotated[str, Depends(_named)]
Jobs = Annotated[JobTable, Depends(_jobs)]
