"""Errors over HTTP."""

from pydantic import BaseModel


class OpenAIError(BaseModel):
    """An error in the shape of OpenAI's API. `param` points at the wrong field."""

    message: str
    type: str
    param: str | None
    code: str


class Problem(BaseModel):
    """An error (RFC 9457). `code` is stable; `request_id` names the request in the server's log.

    `errors` lists the wrong fields of a request, each with its JSON `pointer` and a `detail`. `error` repeats the
    problem for OpenAI's clients, on the routes that have the shape of OpenAI's API.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str | None = None
    errors: list[dict[str, str]] | None = None
    error: OpenAIError | None = None
