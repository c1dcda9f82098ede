"""`AsyncClient`: `Client` for asyncio."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from itertools import count
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx2

from omnisearch.client import calls
from omnisearch.client.calls import Call
from omnisearch.client.connection import Connection, failure, request_of

P = ParamSpec("P")
T = TypeVar("T")


def _sends(make: Callable[P, Call[T]]) -> Callable[Concatenate["AsyncClient", P], Coroutine[Any, Any, T]]:
    """Make a method that sends what a function of `calls` describes."""

    @wraps(make)
    async def method(client: "AsyncClient", /, *arguments: P.args, **named: P.kwargs) -> T:
        return await client.send(make(*arguments, **named))

    return method


class AsyncClient:
    """A client of a server for asyncio. Close it, or use it in an `async with` statement. See `Client`."""

    def __init__(
        self, server: str | None = None, key: str | None = None, timeout: float = 120.0, retries: int = 2
    ) -> None:
        self._connection = Connection(server, key, timeout, retries)
        self._http = httpx2.AsyncClient(**self._connection.options)

    search = _sends(calls.search)
    search_batch = _sends(calls.search_batch)
    locate = _sends(calls.locate)
    embed = _sends(calls.embed)
    item = _sends(calls.item)
    content = _sends(calls.content)
    preview = _sends(calls.preview)
    models = _sends(calls.models)
    status = _sends(calls.status)

    async def download(self, item_id: str, path: Path) -> None:
        """Write the file of an item to `path`."""
        with request_of(calls.content(item_id)) as request, path.open("wb") as file:
            try:
                async with self._http.stream(**request) as answer:
                    if not answer.is_success:
                        await answer.aread()
                        raise failure(answer)
                    async for piece in answer.aiter_bytes():
                        file.write(piece)
            except httpx2.TransportError as error:
                raise self._connection.unreachable(error) from None

    async def send(self, call: Call[T]) -> T:
        """Send a request until it is answered or refused for good."""
        for tried in count():
            try:
                with request_of(call) as request:
                    answer = await self._http.request(**request)
            except httpx2.TransportError as error:
                raise self._connection.unreachable(error) from None
            if answer.is_success:
                return call.read(answer.content)
            seconds = self._connection.wait(answer, tried)
            if seconds is None:
                break
            await asyncio.sleep(seconds)
        raise failure(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
