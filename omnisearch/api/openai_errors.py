"""Errors in the shape of OpenAI's API, on routes of that shape: its clients show no other part of a problem."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

PATHS = ("/v1/embeddings", "/v1/models")
_TYPES = {HTTPStatus.UNAUTHORIZED: "authentication_error", HTTPStatus.TOO_MANY_REQUESTS: "rate_limit_error"}


def openai_error(path: str, problem: Mapping[str, Any]) -> dict[str, Any]:
    """Return the member `error` of a problem document; empty if the route does not have OpenAI's shape."""
    if not any(path == each or path.startswith(f"{each}/") for each in PATHS):
        return {}
    status = problem["status"]
    usual = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    errors = problem.get("errors")
    shape = {
        "message": problem["detail"],
        "type": _TYPES.get(status, usual),
        "param": errors[0]["pointer"] if errors else None,
        "code": problem["code"],
    }
    return {"error": shape}
