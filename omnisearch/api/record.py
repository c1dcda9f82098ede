"""The record of one request: data for logs and metrics, which are written when it is answered."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class RequestRecord:
    """`code` is the code of the problem in the response, `caller` the name of the key, `body` the JSON body."""

    request_id: str
    path: str
    code: str | None = None
    caller: str | None = None
    body: bytes | str = b""


_current: ContextVar[RequestRecord | None] = ContextVar("request_record", default=None)


def begin(record: RequestRecord) -> None:
    """Set the record of the running task; the server runs each request in its own task."""
    _current.set(record)


def current() -> RequestRecord | None:
    """Return the record of the request that this code runs for; None outside of requests."""
    return _current.get()
