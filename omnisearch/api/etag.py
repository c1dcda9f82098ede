"""Entity tags: a client that holds the content of a tag gets 304 instead of the content (RFC 9110, 13.1.2)."""

from http import HTTPStatus

from fastapi import Request, Response


def not_modified(request: Request, etag: str, headers: dict[str, str]) -> Response | None:
    """Return a 304 response if the client holds the content of `etag` (with quotes); else None."""
    given = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if etag not in given and "*" not in given:
        return None
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag, **headers})
