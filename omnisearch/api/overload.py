"""Overload: text searches are refused before routing and parsing while the queue is full.

The thread pool also refuses calls, but only after routing and parsing. At several times the capacity of a server, this
work would take most of its time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from omnisearch.api.errors import problem
from omnisearch.api.thread_pool import FULL

PATH = "/v1/search"


@dataclass(frozen=True)
class _Route:
    """The fields of a route that the recorder reads, so that the request is counted for its route."""

    path: str


class RefuseWhenFull:
    """Answers searches with 503 while their queue is full. Searches with files have their own queue."""

    def __init__(self, app: ASGIApp, full: Callable[[], bool]) -> None:
        self._app, self._full = app, full

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] != PATH or not self._full() or _brings_files(scope):
            await self._app(scope, receive, send)
            return
        scope["route"] = _Route(PATH)
        await problem(HTTPStatus.SERVICE_UNAVAILABLE, FULL)(scope, receive, send)


def _brings_files(scope: Scope) -> bool:
    return Headers(scope=scope).get("content-type", "").startswith("multipart/")
