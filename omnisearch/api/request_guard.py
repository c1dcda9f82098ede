"""The guard: check the host, the origin and the size of every request before a route sees it."""

from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omnisearch.api.authority import hostname, same_origin
from omnisearch.api.errors import problem

MAX_BODY_BYTES = 256 << 20
FOREIGN_HOST = "this server does not answer to that Host; `omnisearch serve --allow-host NAME` allows another name"
# For the bodies of all unanswered requests together. Their files are on the disk, twice for a moment.
MAX_HELD_BYTES = 1 << 30
TOO_LARGE = f"a request body may hold at most {MAX_BODY_BYTES >> 20} MiB"
FULL = "the bodies of other requests take up all the space for uploads; try again in a moment"


class RequestGuard:
    """Refuses foreign hosts (DNS rebinding), requests from foreign pages, and bodies that are too large or encoded.

    `hosts` are the names that this server answers to, as `authority.hostname` returns them.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str], max_bytes: int = MAX_BODY_BYTES, max_held: int = MAX_HELD_BYTES
    ) -> None:
        self._app, self._hosts, self._max_bytes, self._max_held = app, hosts, max_bytes, max_held
        self._held = 0  # bytes of the bodies of all requests that are not answered yet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(headers)
        if refusal is not None:
            await problem(*refusal)(scope, receive, send)
            return
        body = _Body(self, receive)
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._held -= body.seen

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

    def hold(self, body: "_Body", count: int) -> None:
        """Account for `count` more bytes of a body.

        Raises:
            HTTPException: 413, the body is too large; 503, the bodies of all requests are.
        """
        body.seen += count
        self._held += count
        if body.seen > self._max_bytes:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, TOO_LARGE)
        if self._held > self._max_held:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, FULL)


class _Body:
    """The body of one request. Counts the received bytes, because a chunked body declares no length."""

    def __init__(self, guard: RequestGuard, receive: Receive) -> None:
        self._guard, self._receive, self.seen = guard, receive, 0

    async def receive(self) -> Message:
        """Receive the next message."""
        message = await self._receive()
        self._guard.hold(self, len(message.get("body", b"")))
        return message
