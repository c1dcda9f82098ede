"""Query parameters: those that a route does not have are refused, so that a misspelt one is not ignored."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError


async def known_parameters(request: Request) -> None:
    """Compare the names in the address with the description of the route, which lists all that it reads.

    Raises:
        RequestValidationError: the route has no parameter of a name.
    """
    if not request.query_params:
        return
    known = _known(request.app, request.scope["route"].path_format, request.method)
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("query", name), "msg": "no such parameter"} for name in unknown]
        )


def _known(app: FastAPI, path: str, method: str) -> frozenset[str]:
    operations = app.openapi()["paths"].get(path, {})
    operation = operations.get(method.lower()) or operations.get("get", {})  # HEAD is that of GET
    return frozenset(p["name"] for p in operation.get("parameters", ()) if p["in"] == "query")
