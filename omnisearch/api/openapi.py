"""The OpenAPI description: FastAPI's own, with exactly the errors that can occur.

Errors that depend on the work of a route are declared at the route (`refused(404)`). The others follow from its
parameters and dependencies, so a new route needs no list of them.
"""

from collections.abc import Iterator
from typing import Any, get_args

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from omnisearch.api.errors import MEDIA_TYPE
from omnisearch.api.service import Asked
from omnisearch.schema.problem import Problem

PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
MEANINGS = {
    400: "The multipart body or the Range cannot be read",
    401: "No valid key was sent",
    403: "The key lacks the scope of the route, or a page of another origin asks",
    404: "Nothing has this name or id",
    409: "The index was made by another model",
    413: "The body is too large",
    415: "The body is of another type, or compressed",
    416: "The Range lies beyond the end of the file",
    421: "The Host is not a name of this server",
    422: "A parameter or a field is wrong or unknown; a file cannot be read",
    429: "The key sent too many requests; see Retry-After",
    503: "The server is busy, not ready or stopping; see Retry-After",
    507: "The server's disk is full",
}
GUARDED = {403, 413, 415, 421, 422}  # of every request
KEPT_OUT = {401, 403, 429}  # of routes that need a key
WITH_FILES = {400, 507}  # of routes that take multipart bodies
FASTAPI_SCHEMAS = ("HTTPValidationError", "ValidationError")
ALWAYS_ALIVE = "/livez"
INDEX = get_args(Asked)[1].dependency  # a route that depends on it reads the index


def refused(*statuses: int, **meanings: str) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that can refuse a request with these statuses.

    `meanings` replaces the usual text of a status: `refused(409, s409="The name is taken")`.
    """
    return {status: _described(status, meanings.get(f"s{status}")) for status in statuses}


def describe_problems(app: FastAPI) -> None:
    """Complete the description of an app."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is not None:
            return app.openapi_schema
        described = generate()
        schemas = described.setdefault("components", {}).setdefault("schemas", {})
        for name in FASTAPI_SCHEMAS:
            schemas.pop(name, None)
        schemas.setdefault("Problem", Problem.model_json_schema())
        for route in iter_route_contexts(app.routes):
            for operation in _operations(described, route):
                _name_schemas(operation, schemas)
                _complete(operation, route)
        return described

    app.openapi = openapi  # type: ignore[method-assign]


def _operations(described: dict[str, Any], route: RouteContext) -> Iterator[dict[str, Any]]:
    path = described["paths"].get(getattr(route, "path_format", None), {})
    for method in getattr(route, "methods", None) or ():
        if (operation := path.get(method.lower())) is not None:
            yield operation


def _name_schemas(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Move the schemas of a body to the named schemas, which the references of `request_body.described` point to."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = dict(body.get("schema", {}))
    if "$ref" in schema or "title" not in schema:
        return
    schemas |= schema.pop("$defs", {})
    schemas[schema["title"]] = schema
    operation["requestBody"]["content"]["application/json"] = {
        "schema": {"$ref": f"#/components/schemas/{schema['title']}"}
    }


def _complete(operation: dict[str, Any], route: RouteContext) -> None:
    """Add the errors that follow from the route to those that it declares."""
    statuses = set(GUARDED)
    if operation.get("security"):
        statuses |= KEPT_OUT
    if "multipart/form-data" in operation.get("requestBody", {}).get("content", {}):
        statuses |= WITH_FILES
    if any(
        parameter["in"] == "path" or parameter["name"] == "collection" for parameter in operation.get("parameters", ())
    ):
        statuses.add(404)
    if route.path_format != ALWAYS_ALIVE:
        statuses.add(503)
    if route.dependant is not None and _depends_on_index(route.dependant):
        statuses |= {404, 409}  # no such collection; made by another model
    responses = operation["responses"]
    responses.pop("422", None)  # FastAPI's own
    for status in statuses:
        responses.setdefault(str(status), _described(status))
    operation["responses"] = dict(sorted(responses.items()))


def _depends_on_index(dependant: Dependant) -> bool:
    return dependant.call is INDEX or any(map(_depends_on_index, dependant.dependencies))


def _described(status: int, meaning: str | None = None) -> dict[str, Any]:
    return {"description": meaning or MEANINGS[status], "content": PROBLEM}
