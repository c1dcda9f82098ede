"""POST /v1/search: a query as JSON, or as multipart with the files that its terms name."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from omnisearch.api.expressions import MAX_TERMS, Upload
from omnisearch.api.schemas import SearchIn, SearchOut
from omnisearch.api.service import Asked, Service
from omnisearch.api.uploads import spooled
from omnisearch.search.hit_json import hit_json

MAX_JSON_BYTES = 256 << 10
router = APIRouter(prefix="/v1", tags=["search"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": SearchIn.model_json_schema()},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["query"],
                    "properties": {"query": {"type": "string", "description": "the JSON object of a plain search"}},
                    "additionalProperties": {"type": "string", "format": "binary"},
                }
            },
        },
    }
}


@router.post("/search", openapi_extra=_BODY)
async def search(request: Request, service: Asked) -> SearchOut:
    """Find anything by anything."""
    service.ready()  # before the files are read
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return await _answer(service, _parse(await _read(request)), {})
    if kind != "multipart/form-data":
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send the query as application/json or multipart/form-data"
        )
    async with request.form(max_files=MAX_TERMS, max_fields=1, max_part_size=MAX_JSON_BYTES) as form:
        field = form.get("query")
        if not isinstance(field, str):
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "the field `query` with the JSON object is missing")
        asked = _parse(field)
        async with spooled(form, asked.files) as uploads:
            return await _answer(service, asked, uploads)


async def _answer(service: Service, asked: SearchIn, uploads: dict[str, Upload]) -> SearchOut:
    if missing := asked.files - uploads.keys():
        detail = f"term {sorted(missing)[0]!r} names a file: send the query as multipart/form-data with that part"
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    query = asked.to_query(uploads)
    answer = await service.ask(lambda engine: engine.search(query))
    return SearchOut(
        hits=[hit_json(hit) for hit in answer.hits],
        took_ms=dict(answer.took_ms),
        next_cursor=answer.next_cursor,
        nothing_matches=answer.nothing_matches,
    )


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            detail = f"a JSON body may hold at most {MAX_JSON_BYTES >> 10} KiB"
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    return bytes(body)


def _parse(body: bytes | str) -> SearchIn:
    """Pydantic reads the bytes itself: it knows no NaN and no half surrogates, which Python's reader lets in."""
    try:
        return SearchIn.model_validate_json(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError(details) from None
