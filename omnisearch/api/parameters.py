"""Query parameters: those that a route does not have are refused, so that a misspelt one is not ignored."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError


async def known_parameters(request: Request) -> None:
    """Compare the names in the address with the description of the route, which lists all that it reads.

    Raises:
        RequestValidationError: the route has no parameter of a name, or one is repeated that is no list.
    """
    if not request.query_params:
        return
    known = _known(request.app, request.scope["route"].path_format, request.method)
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise RequestValidationError(
            [{"type": "extra_forbidden", "loc": ("query", name), "msg": "no such parameter"} for name in unknown]
        )
    repeated = [n for n in request.query_params if not known[n] and len(request.query_params.getlist(n)) > 1]
    if repeated:
        raise RequestValidationError(
            [{"type": "repeated", "loc": ("query", name), "msg": "is given more than once"} for name in repeated]
        )


def _known(app: FastAPI, path: str, method: str) -> dict[str, bool]:
    """Return the parameters of an operation, and whether each is a list."""
    operations = app.openapi()["paths"].get(path, {})
    operation = operations.get(method.lower()) or operations.get("get", {})  # HEAD is that of GET
    return {p["name"]: "array" in str(p["schema"]) for p in operation.get("parameters", ()) if p["in"] == "query"}
