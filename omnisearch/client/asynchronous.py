"""`AsyncClient`: `Client` for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TypeVar

import httpx2

from omnisearch.client.call import Call, ListPage
from omnisearch.client.calls import Calls
from omnisearch.client.connection import Connection, failure, request_of
from omnisearch.client.watch import Watch, outcome
from omnisearch.schema.job import JobOut

T = TypeVar("T")
E = TypeVar("E")


class AsyncClient(Calls):
    """A client of a server for asyncio. Close it, or use it in an `async with` statement. See `Client`."""

    def __init__(
        self,
        server: str | None = None,
        key: str | None = None,
        collection: str | None = None,
        timeout: float = 120.0,
        retries: int = 2,
    ) -> None:
        self._connection = Connection(server, key, collection, timeout, retries)
        super().__init__(self._connection.collection)
        self._http = httpx2.AsyncClient(**self._connection.options)

    async def download(self, item_id: str, path: Path, collection: str | None = None) -> None:
        """Write the file of an item to `path`."""
        with request_of(Calls.content.describe(self, item_id, collection)) as request:
            try:
                async with self._http.stream(**request) as answer:
                    if not answer.is_success:
                        await answer.aread()
                        raise failure(answer)
                    with path.open("wb") as file:
                        async for piece in answer.aiter_bytes():
                            file.write(piece)
            except httpx2.TransportError as error:
                raise self._connection.unreachable(error) from None

    async def events(self, job_id: str, seen: int = 0) -> AsyncIterator[JobOut]:
        """Iterate over the present state of a job and each change, until it has ended. `seen` skips older versions.

        A broken stream is opened again, and continues after the last event.
        """
        watch = Watch(self._connection, job_id, seen)
        while not watch.ended:
            try:
                async with self._http.stream(**watch.request) as answer:
                    if answer.is_success:
                        async for event in httpx2.EventSource(answer):
                            yield watch.read(event)
                    else:
                        await answer.aread()
                        watch.refused(answer)
            except httpx2.TransportError as error:
                watch.broke(error)
            if not watch.ended:
                await asyncio.sleep(watch.pause())

    async def wait(self, job_id: str, progress: Callable[[JobOut], object] = lambda _: None) -> JobOut:
        """Wait until a job has ended, and return it; `progress` is called with each change.

        Raises:
            OmnisearchError: the job failed; the class is that of its code. A cancelled job is returned.
        """
        async for job in self.events(job_id):
            progress(job)
        return outcome(job)

    async def send(self, call: Call[T], /) -> T:
        """Send a request, and repeat it while the server is busy."""
        for tried in count():
            try:
                with request_of(call) as request:
                    answer = await self._http.request(**request)
            except httpx2.TransportError as error:
                raise self._connection.unreachable(error) from None
            if answer.is_success:
                return self._connection.read(call.read, answer.content)
            seconds = self._connection.wait(answer, tried)
            if seconds is None:
                break
            await asyncio.sleep(seconds)
        raise failure(answer)

    async def send_each(self, call: Call[ListPage[E]], /) -> AsyncIterator[E]:
        """Request one page after the other, and iterate over the entries."""
        while True:
            page = await self.send(call)
            for entry in page.entries:
                yield entry
            if page.next_cursor is None:
                return
            call = replace(call, parameters={**call.parameters, "cursor": page.next_cursor})

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
