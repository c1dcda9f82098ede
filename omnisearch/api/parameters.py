"""Query parameters: unknown ones are refused, so that a misspelt one is not ignored."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError


async def known_parameters(request: Request) -> None:
    """Check the names of query parameters against the description of the route.

    Raises:
        RequestValidationError: a parameter is unknown, or is repeated and not a list.
    """
    if not request.query_params:
        return
    schemas = _schemas(request.app, request.scope["route"].path_format, request.method)
    given = Counter(name for name, _ in request.query_params.multi_items())
    unknown = [name for name in given if name not in schemas]
    if unknown:
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("query", name), "msg": "no such parameter"} for name in unknown]
        )
    repeated = [name for name, times in given.items() if times > 1 and not _is_list(schemas[name])]
    if repeated:
        raise RequestValidationError(
            [{"type": "repeated", "loc": ("query", name), "msg": "is given more than once"} for name in repeated]
        )


def _schemas(app: FastAPI, path: str, method: str) -> dict[str, dict[str, Any]]:
    """Return the schemas of the query parameters of an operation, by name."""
    operations = app.openapi()["paths"].get(path, {})
    operation = operations.get(method.lower()) or operations.get("get", {})  # HEAD is that of GET
    return {p["name"]: p["schema"] for p in operation.get("parameters", ()) if p["in"] == "query"}


def _is_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array" or any(map(_is_list, schema.get("anyOf", ())))
