"""The record of one request: what logs and metrics tell of it once it is answered."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class RequestRecord:
    """`code` is that of the problem it was answered with, `caller` the name of its key, `body` the JSON it sent."""

    request_id: str
    code: str | None = None
    caller: str | None = None
    body: bytes | str = b""


_current: ContextVar[RequestRecord | None] = ContextVar("request_record", default=None)


def begin(record: RequestRecord) -> None:
    """Make a record the one of the running task; a server runs each request in a task of its own."""
    _current.set(record)


def current() -> RequestRecord | None:
    """Return the record of the request that this code runs for; None outside of requests."""
    return _current.get()
