"""Overload: text searches beyond what may wait are refused before anything else is done for them.

A refusal by the pool of threads comes after routing and parsing. At several times the load that a server can answer,
its interpreter would do little else.
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
    """What the recorder asks of a route: the request is counted where its answer would be."""

    path: str


class RefuseWhenFull:
    """Answers searches with 503 while as many wait as may wait. Those that bring files have a queue of their own."""

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
