"""Errors over HTTP: every error is a problem document (RFC 9457) that repeats at most a name that the caller sent.

    {"type": "about:blank", "title": "Not Found", "status": 404, "code": "not_found", "detail": "..."}

`code` is stable: the code of a domain error (for a MediaError its reason), else the code of the status.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from omnisearch.api import inputs
from omnisearch.api.expressions import TAGS
from omnisearch.api.openai_errors import openai_error
from omnisearch.api.record import current
from omnisearch.errors import OmnisearchError

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
MAX_POINTER = 200
# Fields of earlier versions, and what replaces them.
RENAMED = {"lanes": '"group": "modality"', "hybrid": '"words", which is true by default'}
# Python renames phrases as the RFCs do, but the codes that clients compare must not change.
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    421: "misdirected_request",
    422: "invalid_request",
    429: "rate_limited",
    500: "failed",
    503: "busy",
    507: "disk_full",
}


def problem(status: int, detail: str, code: str | None = None, **more: Any) -> JSONResponse:
    """Return a response with a problem document and the id of the request; a 503 has Retry-After."""
    code = code or CODES.get(status, "refused")
    if (record := current()) is not None:
        record.code = code
        more["request_id"] = record.request_id
    content = document(status, detail, code, **more)
    if record is not None:
        content |= openai_error(record.path, content)
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(content, status, headers, media_type=MEDIA_TYPE)


def document(status: int, detail: str, code: str, **more: Any) -> dict[str, Any]:
    """Build a problem document."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **more,
    }


def error_document(error: OmnisearchError) -> dict[str, Any]:
    """Build the problem document of a domain error."""
    return document(error.status, _encodable(str(error)), error.code)


def handle_errors(app: FastAPI) -> None:
    """Answer every error of the app with a problem document."""
    app.add_exception_handler(OmnisearchError, _domain)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)


def _domain(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, OmnisearchError)
    return problem(error.status, _encodable(str(error)), error.code)


def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Report the places and reasons, without `input` and `ctx`, which may not be valid JSON."""
    assert isinstance(error, RequestValidationError)
    errors = [{"pointer": _pointer(entry["loc"]), "detail": _encodable(_plain(entry))} for entry in error.errors()]
    first = errors[0]
    detail = f"{first['pointer'] or 'the body'}: {first['detail']}"
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


def _plain(entry: Mapping[str, Any]) -> str:
    if entry["type"] == "extra_forbidden":
        renamed = RENAMED.get(str(entry["loc"][-1]))
        return f"no such field; write {renamed}" if renamed else "no such field"
    if entry["type"] == "model_type" and TAGS.intersection(entry["loc"][-2:]):
        return 'a term is an object, such as {"text": "a dog"}'
    return str(entry["msg"]).removeprefix("Value error, ")


def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = str(error.detail)
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "no such path; /v1/openapi.json lists the paths"
    answer = problem(error.status_code, _encodable(detail))
    answer.headers.update(error.headers or {})
    return answer


def _pointer(location: Sequence[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) of a wrong field."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in location if part not in TAGS | inputs.TAGS)
    return _encodable("".join(f"/{part}" for part in parts))[:MAX_POINTER]


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
