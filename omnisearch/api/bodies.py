"""Bodies: a question as JSON, or as multipart with the files that it names."""

import errno
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import Request
from starlette.exceptions import HTTPException

from omnisearch.api.expressions import MAX_TERMS, Asking, Upload
from omnisearch.api.fetch import Fetcher
from omnisearch.api.record import current
from omnisearch.api.strict_json import parse_json
from omnisearch.api.uploads import spooled

MAX_JSON_BYTES = 256 << 10
MAX_FILES = MAX_TERMS + 1  # each term may be one, and so may what is searched in

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
NO_SPACE = "the server's disk for temporary files is full: free space on it, or set TMPDIR to a folder on a larger disk"

A = TypeVar("A", bound=Asking)


def described(kind: type[Asking]) -> dict[str, Any]:
    """Return what OpenAPI says of a body that `asked` reads."""
    parts = {
        "type": "object",
        "required": ["query"],
        "properties": {"query": {"type": "string", "description": "the JSON object of a request without files"}},
        "additionalProperties": {"type": "string", "format": "binary"},
    }
    content = {
        "application/json": {"schema": kind.model_json_schema()},
        "multipart/form-data": {"schema": parts},
    }
    return {"requestBody": {"required": True, "content": content}}


@asynccontextmanager
async def asked(request: Request, kind: type[A]) -> AsyncIterator[tuple[A, dict[str, Upload]]]:
    """Read a question and the files that it names, by the names of their parts or their URLs; deleted afterwards.

    Raises:
        RequestValidationError: the question is wrong, and where.
        HTTPException: 413, it is too large; 415, it is neither JSON nor multipart; 422, a part is missing;
            507, the server's disk is full.
        FetchError: a URL is not allowed or cannot be fetched.
    """
    async with AsyncExitStack() as held:
        try:
            question, uploads = await _sent(request, kind, held)
            fetcher: Fetcher = request.app.state.fetcher
            fetched = await held.enter_async_context(fetcher.fetched(question.urls))
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            raise HTTPException(HTTPStatus.INSUFFICIENT_STORAGE, NO_SPACE) from None
        yield question, uploads | fetched


async def _sent(request: Request, kind: type[A], held: AsyncExitStack) -> tuple[A, dict[str, Upload]]:
    """Return the question and the files of its multipart body, which are kept until `held` ends."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent == "application/json":
        question = _parse(await _read(request), kind)
        if question.files:
            detail = f"{min(question.files)!r} names a file: send the query as multipart/form-data with that part"
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        return question, {}
    if sent != "multipart/form-data":
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the query as application/json or multipart/form-data"
        )
    form = await held.enter_async_context(request.form(max_files=MAX_FILES, max_fields=1, max_part_size=MAX_JSON_BYTES))
    field = form.get("query")
    if not isinstance(field, str):
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "the field `query` with the JSON object is missing")
    question = _parse(field, kind)
    return question, await held.enter_async_context(spooled(form, question.files))


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            detail = f"a JSON body may hold at most {MAX_JSON_BYTES >> 10} KiB"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return bytes(body)


def _parse(body: bytes | str, kind: type[A]) -> A:
    question = parse_json(body, kind)
    if (record := current()) is not None:
        record.body = body
    return question
