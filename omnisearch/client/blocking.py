"""`Client`: the HTTP API as Python methods."""

import time
from collections.abc import Callable
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import httpx2

from omnisearch.client import calls
from omnisearch.client.calls import Call
from omnisearch.client.connection import Connection, failure, request_of

P = ParamSpec("P")
T = TypeVar("T")


def _sends(make: Callable[P, Call[T]]) -> Callable[Concatenate["Client", P], T]:
    """Make a method that sends what a function of `calls` describes."""

    @wraps(make)
    def method(client: "Client", /, *arguments: P.args, **named: P.kwargs) -> T:
        return client.send(make(*arguments, **named))

    return method


class Client:
    """A client of a server. Close it, or use it in a `with` statement.

    `server` is its address: by default that of the settings, and else http://127.0.0.1:8000. `key` is by default that
    of the settings. `timeout` is in seconds. A request that the server refuses for now (429, 503) is sent again up to
    `retries` times, after the time that the server names.

    Every method raises the OmnisearchError that the server names, and NotReadyError if none answers.
    """

    def __init__(
        self, server: str | None = None, key: str | None = None, timeout: float = 120.0, retries: int = 2
    ) -> None:
        self._connection = Connection(server, key, timeout, retries)
        self._http = httpx2.Client(**self._connection.options)

    search = _sends(calls.search)
    search_batch = _sends(calls.search_batch)
    locate = _sends(calls.locate)
    embed = _sends(calls.embed)
    item = _sends(calls.item)
    content = _sends(calls.content)
    preview = _sends(calls.preview)
    models = _sends(calls.models)
    status = _sends(calls.status)

    def download(self, item_id: str, path: Path) -> None:
        """Write the file of an item to `path`."""
        with request_of(calls.content(item_id)) as request, path.open("wb") as file:
            try:
                with self._http.stream(**request) as answer:
                    if not answer.is_success:
                        answer.read()
                        raise failure(answer)
                    for piece in answer.iter_bytes():
                        file.write(piece)
            except httpx2.TransportError as error:
                raise self._connection.unreachable(error) from None

    def send(self, call: Call[T]) -> T:
        """Send a request until it is answered or refused for good."""
        for tried in count():
            try:
                with request_of(call) as request:
                    answer = self._http.request(**request)
            except httpx2.TransportError as error:
                raise self._connection.unreachable(error) from None
            if answer.is_success:
                return call.read(answer.content)
            seconds = self._connection.wait(answer, tried)
            if seconds is None:
                break
            time.sleep(seconds)
        raise failure(answer)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
