"""A real server on a real socket: patience with slow clients ends."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import pytest

from omnisearch.api.app import create_app
from omnisearch.api.http_timeouts import ImpatientProtocol
from omnisearch.config import Settings
from tests.api.conftest import PATIENCE_SECONDS, ScriptedEngine, ToyRenderer, serving

POST = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n"
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


class _Hasty(ImpatientProtocol):
    head_seconds = 0.3
    body_seconds = 0.3


@pytest.fixture
def port(settings: Settings, engine: ScriptedEngine) -> Iterator[int]:
    app = create_app(settings, lambda _: engine, lambda _: ToyRenderer())
    with serving(app, http=_Hasty, timeout_keep_alive=30) as port:
        yield port


def _is_hung_up_on(client: socket.socket, drip: bytes = b"") -> bool:
    """Send `drip` now and then until the other side hangs up."""
    client.setblocking(False)
    end = monotonic() + PATIENCE_SECONDS
    while monotonic() < end:
        try:
            if drip:
                client.send(drip)
            if client.recv(65536) == b"":
                return True
        except BlockingIOError:
            sleep(0.05)
        except OSError:
            return True
    return False


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: loc", POST, POST + b'{"query"'])
def test_a_request_that_never_ends_is_hung_up_on(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(sent)
        assert _is_hung_up_on(client)


@pytest.mark.parametrize("sent", [b"", POST])
def test_a_byte_now_and_then_buys_no_time(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(sent)
        assert _is_hung_up_on(client, drip=b"G")


def _answer(client: socket.socket, request: bytes) -> bytes:
    client.sendall(request)
    answer = b""
    while not answer.endswith(b"}"):  # head and body may come apart
        received = client.recv(65536)
        assert received, "it hung up"
        answer += received
    return answer


@contextmanager
def _connected(port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A connection that has had an answer: there was time for its first head, and there is little for the next."""
    with monkeypatch.context() as patient, socket.create_connection(("127.0.0.1", port)) as client:
        patient.setattr(_Hasty, "head_seconds", PATIENCE_SECONDS)
        client.settimeout(PATIENCE_SECONDS)
        assert _answer(client, GET).startswith(b"HTTP/1.1 200")
        patient.undo()
        yield client


def test_a_kept_connection_is_not_a_slow_one(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with _connected(port, monkeypatch) as client:
        for _ in range(2):
            assert _answer(client, GET).startswith(b"HTTP/1.1 200")
            sleep(2 * _Hasty.head_seconds)  # but none has begun


def test_a_slow_answer_is_waited_for(port: int, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    while not engine.queries:  # the one that warms it up
        sleep(0.01)
    engine.before = lambda query: sleep(3 * _Hasty.head_seconds)
    with _connected(port, monkeypatch) as client:
        assert _answer(client, POST + b'{"query":[{"text":"dog"}]}').startswith(b"HTTP/1.1 200")
