"""What every request must pass before a route sees it: its host, its origin, its size."""

from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omnisearch.api.errors import problem

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
MAX_BODY_BYTES = 256 << 20
TOO_LARGE = f"a request body may hold at most {MAX_BODY_BYTES >> 20} MiB"


class Guard:
    """Refuses foreign hosts (DNS rebinding), posts from foreign pages, and bodies that are too large or encoded.

    `hosts` are the names this server answers to, without a port; None admits every name.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app, self._hosts, self._max_bytes = app, hosts, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(headers)
        if refusal is None:
            await self._app(scope, self._counting(receive), send)
        else:
            await problem(*refusal)(scope, receive, send)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._hosts is not None and _hostname(f"//{host}") not in self._hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, "this server does not answer to that Host"
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return HTTPStatus.FORBIDDEN, "requests from pages of another origin are refused"
        if headers.get("content-encoding", "identity") != "identity":
            return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "compressed request bodies are refused"
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > self._max_bytes:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE
        return None

    def _counting(self, receive: Receive) -> Receive:
        """Count what really arrives: a chunked body declares no length."""
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)
            return message

        return counted


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
