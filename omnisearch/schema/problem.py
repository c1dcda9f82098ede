"""Errors over HTTP."""

from pydantic import BaseModel


class Problem(BaseModel):
    """An error (RFC 9457). `code` is stable; `request_id` names the request in the server's log.

    `errors` lists the wrong fields of a request, each with its JSON `pointer` and a `detail`.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None = None
    errors: list[dict[str, str]] | None = None
