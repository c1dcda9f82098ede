"""Files as answers: whole or by Range, to GET and to HEAD, with an entity tag."""

import os
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, BinaryIO, TypeVar

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from omnisearch.api.errors import problem
from omnisearch.api.openapi import refused

# In OpenAPI: the bytes of a file of any type.
BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
F = TypeVar("F", bound=Callable[..., Any])


class SentFile(FileResponse):
    """Sends an open file and closes it. Refusals of a Range are problem documents too: Starlette's are plain text."""

    def __init__(self, file: BinaryIO, **more: Any) -> None:
        # Starlette opens a path. This path is the open file, even if the file was moved or replaced since.
        super().__init__(f"/dev/fd/{file.fileno()}", stat_result=os.fstat(file.fileno()), **more)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, the requested parts, or a problem document."""
        is_refused = False

        async def send_or_refuse(message: Message) -> None:
            nonlocal is_refused
            if message["type"] == "http.response.start" and message["status"] >= HTTPStatus.BAD_REQUEST:
                is_refused = True
                answer = problem(message["status"], "the Range header requests no part of the file")
                size = Headers(raw=message["headers"]).get("content-range")
                answer.headers.update({"Content-Range": size} if size else {})
                await answer(scope, receive, send)
            elif not is_refused:
                await send(message)

        with self._file:
            await super().__call__(scope, receive, send_or_refuse)


def sends(router: APIRouter, path: str, body: dict[str, Any]) -> Callable[[F], F]:
    """Register a route that answers GET and HEAD with a SentFile.

    `body` describes its bytes for OpenAPI: {"content": ...} by media type, or {"model": ...} for JSON.
    """
    described: dict[str, Any] = {
        "response_class": FileResponse,
        "response_model": None,
        "responses": {
            200: body,
            206: {"description": "The parts that Range requests", **body},
            304: {"description": "The client holds it: If-None-Match has its ETag"},
            **refused(400, 416),
        },
    }

    def register(function: F) -> F:
        router.get(path, **described)(function)
        router.head(path, include_in_schema=False, **described)(function)  # as GET, without a body
        return function

    return register
