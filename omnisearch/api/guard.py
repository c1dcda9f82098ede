"""The guard: check the host, the origin and the size of every request before a route sees it."""

from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omnisearch.api.authority import hostname, same_origin
from omnisearch.api.errors import problem

MAX_BODY_BYTES = 256 << 20
FOREIGN_HOST = "this server does not answer to that Host; `omnisearch serve --allow-host NAME` allows one more name"
TOO_LARGE = f"a request body may hold at most {MAX_BODY_BYTES >> 20} MiB"


class Guard:
    """Refuses foreign hosts (DNS rebinding), requests from foreign pages, and bodies that are too large or encoded.

    `hosts` are the names that this server answers to, as `authority.hostname` returns them.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], max_bytes: int = MAX_BODY_BYTES) -> None:
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
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hostname(hosts[0]) not in self._hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, FOREIGN_HOST
        if not all(same_origin(origin, hosts[0]) for origin in origins):
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
