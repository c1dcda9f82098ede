"""Request bodies: a query as JSON, or as multipart with the files that it names."""

import errno
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from omnisearch.api.expressions import Body, Upload
from omnisearch.api.fetch import Fetcher
from omnisearch.api.kept_uploads import KeptUploads
from omnisearch.api.record import current
from omnisearch.api.replica import refuse_on_replica
from omnisearch.api.request_files import spooled
from omnisearch.api.strict_json import parse_json

MAX_FILES = 64

DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
NO_SPACE = "the server's disk for temporary files is full: free space on it, or set TMPDIR to a folder on a larger disk"

B = TypeVar("B", bound=Body)
M = TypeVar("M", bound=BaseModel)


def described(kind: type[Body]) -> dict[str, Any]:
    """Return the OpenAPI description of a body that `asked` reads; `openapi` names its schemas."""
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = {
        "type": "object",
        "required": ["query"],
        "properties": {"query": {"$ref": f"#/components/schemas/{schema['title']}"}},
        "additionalProperties": {"type": "string", "format": "binary"},
    }
    content = {
        "application/json": {"schema": schema},
        "multipart/form-data": {"schema": parts, "encoding": {"query": {"contentType": "application/json"}}},
    }
    return {"requestBody": {"required": True, "content": content}}


def json_body(kind: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI description of a body that `read_json` reads; `openapi` names its schemas."""
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def read_json(request: Request, kind: type[M]) -> M:
    """Read a JSON body that names no files.

    Raises:
        RequestValidationError: the body does not fit the model.
        HTTPException: 413, it is too large; 415, it is not JSON.
    """
    if _content_type(request) != "application/json":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the body as application/json")
    return parse_json(await _read(request, Body.max_json), kind)


@asynccontextmanager
async def asked(request: Request, kind: type[B]) -> AsyncIterator[tuple[B, dict[str, Upload]]]:
    """Read a query, and yield it with its files by the names of their parts, their URLs or the ids of uploads.

    Parts and fetched files are deleted afterwards.

    Raises:
        RequestValidationError: the query does not fit the model.
        HTTPException: 413, it is too large; 415, it is neither JSON nor multipart; 422, a part is missing;
            507, the server's disk is full.
        NotFoundError: an upload does not exist or has expired.
        ReplicaError: the query names uploads, and this server is a replica.
        FetchError: a URL is not allowed or cannot be fetched.
    """
    async with AsyncExitStack() as held:
        with disk_full_refused():
            query, uploads = await _sent(request, kind, held)
            fetcher: Fetcher = request.app.state.fetcher
            fetched = await held.enter_async_context(fetcher.fetched(query.urls))
            kept_uploads: KeptUploads = request.app.state.uploads
            if query.upload_ids:
                await refuse_on_replica(request)
            kept = await kept_uploads.use(query.upload_ids)
        yield query, uploads | fetched | kept


async def _sent(request: Request, kind: type[B], held: AsyncExitStack) -> tuple[B, dict[str, Upload]]:
    """Return the query and the files of its multipart body, which are deleted when `held` ends."""
    sent = _content_type(request)
    if sent == "application/json":
        query = _parse(await _read(request, kind.max_json), kind)
        if query.files:
            detail = f"{min(query.files)!r} names a file: send the query as multipart/form-data with that part"
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        return query, {}
    if sent != "multipart/form-data":
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the query as application/json or multipart/form-data"
        )
    form = await held.enter_async_context(request.form(max_files=MAX_FILES, max_fields=1, max_part_size=kind.max_json))
    field = form.get("query")
    if not isinstance(field, str):
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "the field `query` with the JSON object is missing")
    query = _parse(field, kind)
    return query, await held.enter_async_context(spooled(form, query.files))


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


@contextmanager
def disk_full_refused() -> Iterator[None]:
    """Turn the error of a full disk into an HTTP error.

    Raises:
        HTTPException: 507, the disk of the temporary files is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        raise HTTPException(HTTPStatus.INSUFFICIENT_STORAGE, NO_SPACE) from None


async def _read(request: Request, most: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            detail = f"a JSON body may hold at most {most >> 10} KiB"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return bytes(body)


def _parse(body: bytes | str, kind: type[B]) -> B:
    query = parse_json(body, kind)
    if (record := current()) is not None and len(body) <= Body.max_json:  # a larger one contains files
        record.body = body
    return query
