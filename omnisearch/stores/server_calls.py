"""Calls of a Qdrant server: the client, and repetition while the server is unreachable or overloaded."""

import random
import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from omnisearch.errors import NoIndexError, OmnisearchError, StoreError

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_SECONDS = 30
# A search must fail within two seconds if the server is down. Every call here may be repeated safely.
PAUSES = (0.1, 0.3, 0.8)
# A run may write for hours, so a write waits about half a minute: enough for a server to restart.
WRITE_PAUSES = (*PAUSES, 2.0, 4.0, 8.0, 16.0)


def connect(url: str, api_key: str | None) -> QdrantClient:
    """Return a client of the server at `url`; nothing is sent yet.

    Raises:
        StoreError: `url` is not a valid URL.
    """
    try:
        return QdrantClient(url=url, api_key=api_key, timeout=TIMEOUT_SECONDS, check_compatibility=False)
    except ValueError as error:
        raise StoreError(f"store = {url!r} is not the URL of a Qdrant server: {error}") from error


def patiently(call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Call the server, and repeat the call after a pause if it was unreachable or overloaded.

    The server may have carried out a call that seemed to fail, so `call` must have the same result when it is repeated.

    Raises:
        NoIndexError: the collection is gone.
        StoreError: the server stayed unreachable, or refused; the message has its answer.
    """
    return _repeated(PAUSES, lambda: call(*args, **named))


def write_patiently(call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """As `patiently`, for a write of points: wait until a server that restarts is back."""
    return _repeated(WRITE_PAUSES, lambda: call(*args, **named))


def _repeated(pauses: Sequence[float], call: Callable[[], T]) -> T:
    for pause in (*pauses, None):
        try:
            return call()
        except ResponseHandlingException as error:
            failure: OmnisearchError = StoreError(f"the Qdrant server{_place(error)} cannot be reached: {error}")
        except QdrantException as error:  # the client's form of HTTP 429 with the header Retry-After
            failure = StoreError(f"the Qdrant server is overloaded (HTTP 429): {error}")
        except UnexpectedResponse as error:
            failure = _refusal(error)
            if error.status_code != 429 and (error.status_code or 0) < 500:
                raise failure from error
        if pause is not None:
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
    raise failure


def _place(error: ResponseHandlingException) -> str:
    request = getattr(error.source, "request", None)  # the HTTP library sets it on errors of sent requests
    return f" at {request.url.copy_with(path='/', query=None)}" if request is not None else ""


def _refusal(error: UnexpectedResponse) -> OmnisearchError:
    said = error.content.decode(errors="replace")[:500]
    if error.status_code == 404:
        return NoIndexError(f"the collection is gone, because it was rebuilt or removed: try again ({said})")
    if error.status_code in {401, 403}:
        return StoreError(f"the Qdrant server refused the key (HTTP {error.status_code}): set store_api_key")
    return StoreError(f"the Qdrant server answered HTTP {error.status_code}: {said}")
