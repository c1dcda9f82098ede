"""Access control: every request except those for public paths needs a key, and the key needs the scope of the route.

A router names its scope in one line, which also adds it to the OpenAPI description:

    router = APIRouter(prefix="/v1", tags=["search"], **needs(Scope.SEARCH))
"""

import logging
import math
from collections.abc import Collection, Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer, SecurityScopes
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from omnisearch.api.accepted_keys import AcceptedKeys
from omnisearch.api.errors import problem
from omnisearch.api.keys import ANYONE, Key, Scope
from omnisearch.api.rate import RateLimits
from omnisearch.api.record import current
from omnisearch.errors import SettingsError

COOKIE = "omnisearch_key"
HEADER = "X-API-Key"
NO_KEY = f"send a key of this server as `Authorization: Bearer KEY` or `{HEADER}: KEY`; `omnisearch keys add` makes one"
log = logging.getLogger(__name__)

_bearer = HTTPBearer(scheme_name="bearer", auto_error=False)
_header = APIKeyHeader(name=HEADER, scheme_name="header", auto_error=False)
_cookie = APIKeyCookie(name=COOKIE, scheme_name="cookie", auto_error=False, description="Sent by the search page.")


async def _check_scopes(
    request: Request,
    wanted: SecurityScopes,
    _: Annotated[object, Depends(_bearer)],
    __: Annotated[object, Depends(_header)],
    ___: Annotated[object, Depends(_cookie)],
) -> None:
    """Refuse a key without the scopes of the route. `Access` finds the key; the schemes only describe it in OpenAPI."""
    if (detail := _lacks(request.state.caller, map(Scope, wanted.scopes))) is not None:
        raise HTTPException(HTTPStatus.FORBIDDEN, detail)


def _lacks(caller: Key, wanted: Iterable[Scope]) -> str | None:
    """Say which scopes a key lacks; None if it has all."""
    missing = [scope for scope in wanted if not caller.allows(scope)]
    return f"the key {caller.name!r} lacks the scope {', '.join(missing)}: send a key that has it" if missing else None


def needs(scope: Scope) -> dict[str, Any]:
    """Return the arguments of a router or a route that requires a scope."""
    return {"dependencies": [Security(_check_scopes, scopes=[scope])]}


class Access:
    """Finds the key of a request and takes a token from its bucket. Without a valid key, only public paths are served.

    While no keys are configured, every request is allowed; `serve` then listens only on loopback.
    """

    def __init__(self, app: ASGIApp, keys: AcceptedKeys, limits: RateLimits, public: Collection[str]) -> None:
        self._app, self._keys, self._limits, self._public = app, keys, limits, frozenset(public)

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Pass the request on with its key in `request.state.caller`, or refuse it. A public path needs none."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] in self._public:
            with suppress(SettingsError):
                scope.setdefault("state", {})["caller"] = self._find(Headers(scope=scope))
            await self._app(scope, receive, send)
            return
        try:
            caller = self._find(Headers(scope=scope))
        except SettingsError:
            log.exception("the keys cannot be read")
            detail = "the keys of this server cannot be read; its log says why"
            await problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, "not_ready")(scope, receive, send)
            return
        if caller is None:
            refusal = problem(HTTPStatus.UNAUTHORIZED, NO_KEY)
            refusal.headers["WWW-Authenticate"] = 'Bearer realm="omnisearch"'
            await refusal(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        if caller is ANYONE:
            await self._app(scope, receive, send)
            return
        if (record := current()) is not None:
            record.caller = caller.name
        await self._pass_limited(caller, scope, receive, send)

    async def _pass_limited(self, caller: Key, scope: Connection, receive: Receive, send: Send) -> None:
        allowance = self._limits.take(caller)

        async def send_with_allowance(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(allowance.headers)
            await send(message)

        if allowance.wait:
            seconds = math.ceil(allowance.wait)
            detail = f"the key {caller.name!r} sends more requests than its rate allows: try again in {seconds} s"
            refusal = problem(HTTPStatus.TOO_MANY_REQUESTS, detail)
            refusal.headers["Retry-After"] = str(seconds)
            await refusal(scope, receive, send_with_allowance)
            return
        await self._app(scope, receive, send_with_allowance)

    def _find(self, headers: Headers) -> Key | None:
        """Return the key of the caller; None if the request needs a key and has no valid one."""
        secret = _secret(headers)
        found = self._keys.find(secret or "")
        return ANYONE if self._keys.open else found


class Allows:
    """Refuses keys without a scope, for a mounted app that has its own routes. `Access` finds the key."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        self._app, self._scope = app, scope

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "http" and (detail := _lacks(scope["state"]["caller"], [self._scope])) is not None:
            await problem(HTTPStatus.FORBIDDEN, detail)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _secret(headers: Headers) -> str | None:
    """Return the secret in the Authorization header, else in X-API-Key, else in the cookie of the search page."""
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return given.strip()
    if (given := headers.get(HEADER, "")) != "":
        return given
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)
