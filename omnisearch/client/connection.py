"""The connection of both clients: the server's address, the requests of calls, and repeated requests."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import httpx2

from omnisearch import __version__
from omnisearch.client.call import Call, Parameter
from omnisearch.client.problems import error_of
from omnisearch.client.query_json import RequestBody, UploadBody
from omnisearch.config import load_settings, read_secret
from omnisearch.errors import NotReadyError, OmnisearchError, ServerError, SettingsError
from omnisearch.paths import show_path

SERVER = "http://127.0.0.1:8000"  # where `omnisearch serve` listens
CONNECT_SECONDS = 5.0
SILENT_SECONDS = 60.0  # the server writes a comment to an event stream every 15 s
MAX_WAIT_SECONDS = 30.0  # a server that needs longer has more than a full queue
LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
T = TypeVar("T")


class Connection:
    """The address of the server, the key, and the number of repetitions."""

    def __init__(
        self, server: str | None, key: str | None, collection: str | None, timeout: float, retries: int
    ) -> None:
        settings = load_settings(server=server, collection=collection)
        key = read_secret(settings, "api_key") if key is None else key
        self.server, self.collection, self._retries = settings.server or SERVER, settings.named_collection, retries
        _check(self.server)
        self.options: dict[str, Any] = {
            "base_url": self.server,
            "headers": {"Authorization": f"Bearer {key}"} if key else {},
            "timeout": httpx2.Timeout(timeout, connect=min(timeout, CONNECT_SECONDS)),
        }
        # A stream of events may be silent for a while.
        self.watching = httpx2.Timeout(max(timeout, SILENT_SECONDS), connect=min(timeout, CONNECT_SECONDS))

    def read(self, reader: Callable[[Any], T], content: bytes | str) -> T:
        """Read an answer, or an event.

        Raises:
            ServerError: it is not the answer of a server of this version.
        """
        try:
            return reader(content)
        except ValueError:
            raise ServerError(
                f"{self.server} gave an answer that omnisearch {__version__} cannot read: name the address of an "
                "`omnisearch serve` of the same version"
            ) from None

    def unreachable(self, error: httpx2.TransportError) -> OmnisearchError:
        """Return the error of a request without an answer."""
        why = str(error) or type(error).__name__
        return NotReadyError(f"{self.server} does not answer: {why}; start `omnisearch serve`, or name its address")

    def wait(self, response: httpx2.Response, tried: int) -> float | None:
        """Return the seconds to wait before a request is repeated; None if it is not repeated."""
        if response.status_code not in LATER or tried >= self._retries:
            return None
        given = response.headers.get("Retry-After", "")
        seconds = float(given) if given.isdecimal() else 2.0**tried
        return seconds if seconds <= MAX_WAIT_SECONDS else None


def _check(server: str) -> None:
    """Check the address of a server.

    Raises:
        SettingsError: it is not one.
    """
    try:
        url = httpx2.URL(server)
        if url.scheme not in ("http", "https") or not url.host or url.query:
            raise ValueError("write it like http://127.0.0.1:8000")
    except (httpx2.InvalidURL, ValueError) as error:
        raise SettingsError(f"server = {server!r} is no address of a server: {error}") from None


@contextmanager
def request_of(call: Call[Any]) -> Iterator[dict[str, Any]]:
    """Open the files of a call, and yield the arguments of its request.

    Raises:
        OSError: a file cannot be opened.
    """
    parameters = {name: _listed(value) for name, value in call.parameters.items() if value is not None}
    sent: dict[str, Any] = {"method": call.method, "url": call.path, "params": parameters, "headers": call.headers}
    with ExitStack() as files:
        yield sent | ({} if call.body is None else _body(call.body, files))


def _listed(value: Parameter) -> Any:
    return value if isinstance(value, str | int | float) else [str(each) for each in value or ()]


def _body(body: RequestBody | UploadBody, files: ExitStack) -> dict[str, Any]:
    if isinstance(body, UploadBody):
        content = body.content if isinstance(body.content, bytes) else files.enter_context(body.content.open("rb"))
        return {"files": {"file": (show_path(body.name), content)}}
    if not body.files:
        return {"json": body.fields}
    parts = {name: (show_path(path.name), files.enter_context(path.open("rb"))) for name, path in body.files.items()}
    return {"data": {"query": json.dumps(body.fields)}, "files": parts}


def failure(response: httpx2.Response) -> OmnisearchError:
    """Return the exception of an error response."""
    try:
        problem = response.json()
    except ValueError:  # a proxy answered
        problem = {}
    return error_of(response.status_code, problem if isinstance(problem, dict) else {})
