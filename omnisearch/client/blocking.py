"""`Client`: the HTTP API as Python methods."""

import time
from collections.abc import Callable, Iterator
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


class Client(Calls):
    """A client of a server. Close it, or use it in a `with` statement.

    `server` is its address: by default that of the settings, or else http://127.0.0.1:8000. `key` is by default that of
    the settings. `collection` is used by all calls that name no other; by default it is that of the settings, or else
    the server's default. `timeout` is in seconds. If the server is busy (429, 503), the request is repeated up to
    `retries` times, each after the time in `Retry-After`.

    Every method raises the OmnisearchError of the server's answer, and NotReadyError if no server answers.
    """

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
        self._http = httpx2.Client(**self._connection.options)

    def download(self, item_id: str, path: Path, collection: str | None = None) -> None:
        """Write the file of an item to `path`."""
        with request_of(Calls.content.describe(self, item_id, collection)) as request:
            try:
                with self._http.stream(**request) as answer:
                    if not answer.is_success:
                        answer.read()
                        raise failure(answer)
                    with path.open("wb") as file:
                        for piece in answer.iter_bytes():
                            file.write(piece)
            except httpx2.TransportError as error:
                raise self._connection.unreachable(error) from None

    def events(self, job_id: str, seen: int = 0) -> Iterator[JobOut]:
        """Iterate over the present state of a job and each change, until it has ended. `seen` skips older versions.

        A broken stream is opened again, and continues after the last event.
        """
        watch = Watch(self._connection, job_id, seen)
        while not watch.ended:
            try:
                with self._http.stream(**watch.request) as answer:
                    if answer.is_success:
                        yield from map(watch.read, httpx2.EventSource(answer))
                    else:
                        answer.read()
                        watch.refused(answer)
            except httpx2.TransportError as error:
                watch.broke(error)
            if not watch.ended:
                time.sleep(watch.pause())

    def wait(self, job_id: str, progress: Callable[[JobOut], object] = lambda _: None) -> JobOut:
        """Wait until a job has ended, and return it; `progress` is called with each change.

        Raises:
            OmnisearchError: the job failed; the class is that of its code. A cancelled job is returned.
        """
        for job in self.events(job_id):
            progress(job)
        return outcome(job)

    def send(self, call: Call[T], /) -> T:
        """Send a request, and repeat it while the server is busy."""
        for tried in count():
            try:
                with request_of(call) as request:
                    answer = self._http.request(**request)
            except httpx2.TransportError as error:
                raise self._connection.unreachable(error) from None
            if answer.is_success:
                return self._connection.read(call.read, answer.content)
            seconds = self._connection.wait(answer, tried)
            if seconds is None:
                break
            time.sleep(seconds)
        raise failure(answer)

    def send_each(self, call: Call[ListPage[E]], /) -> Iterator[E]:
        """Request one page after the other, and iterate over the entries."""
        while True:
            page = self.send(call)
            yield from page.entries
            if page.next_cursor is None:
                return
            call = replace(call, parameters={**call.parameters, "cursor": page.next_cursor})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
