"""The recorder: give each request an id, log and measure it, and answer 500 if a route fails."""

import json
import logging
import re
import uuid
from http import HTTPStatus
from time import perf_counter
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from omnisearch.api.errors import problem
from omnisearch.api.metrics import Metrics
from omnisearch.api.record import RequestRecord, begin

HEADER = "X-Request-ID"
FAILED = "the server failed; its log says why"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
log = logging.getLogger("omnisearch.requests")


class Recorder:
    """Takes the id of a request from `X-Request-ID` or makes one, and sends it with the response.

    The log holds the route, not the path or the query string. With `log_queries` it also holds the queries.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, log_queries: bool = False) -> None:
        self._app, self._metrics, self._log_queries = app, metrics, log_queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and record its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = Headers(scope=scope).get(HEADER, "")
        record = RequestRecord(sent if _ID.fullmatch(sent) else uuid.uuid4().hex, scope["path"])
        begin(record)
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = record.request_id
            await send(message)

        start = perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        except ClientDisconnect:
            pass  # the client hung up while it sent its body, or was too slow
        except Exception:
            if status is not None:
                raise  # too late for another answer; the server logs it and hangs up
            log.exception("a request failed")
            await problem(HTTPStatus.INTERNAL_SERVER_ERROR, FAILED)(scope, receive, send_with_id)
        finally:
            self._tell(scope, record, status, perf_counter() - start)

    def _tell(self, scope: Scope, record: RequestRecord, status: int | None, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        route = getattr(scope.get("route"), "path", "unmatched")
        answered = str(status or "none")  # none: the client hung up first
        self._metrics.observe(method, route, answered, seconds)
        if record.code is not None:
            self._metrics.count_rejection(record.code)
        fields: dict[str, Any] = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        client = scope.get("client")
        fields |= {"code": record.code, "key": record.caller, "client": client[0] if client else None}
        if self._log_queries:
            fields |= {
                "body": json.loads(record.body or "null"),
                "path": scope["path"],
                "query_string": scope["query_string"].decode("latin-1"),
            }
        log.info("request", extra={"fields": fields})
