"""A real server on a real socket: patience with slow clients ends."""

import socket
import threading
from collections.abc import Iterator
from time import monotonic, sleep

import pytest
import uvicorn

from omnisearch.api.app import create_app
from omnisearch.api.protocol import ImpatientProtocol
from omnisearch.config import Settings
from tests.api.conftest import ScriptedEngine, ToyRenderer

POST = b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n"
GET = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


class _Hasty(ImpatientProtocol):
    head_seconds = 0.4
    body_seconds = 0.4


@pytest.fixture
def port(settings: Settings, engine: ScriptedEngine) -> Iterator[int]:
    app = create_app(settings, lambda _: engine, lambda _: ToyRenderer())
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=_Hasty, ws="none", log_level="critical", timeout_keep_alive=30)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def _hung_up_within(client: socket.socket, seconds: float, drip: bytes = b"") -> bool:
    """Send `drip` byte by byte until the other side hangs up."""
    client.setblocking(False)
    end = monotonic() + seconds
    rest = iter(drip)
    while monotonic() < end:
        try:
            byte = next(rest, None)
            if byte is not None:
                client.send(bytes([byte]))
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
        assert _hung_up_within(client, 5)


@pytest.mark.parametrize("sent", [b"", POST])
def test_a_byte_now_and_then_buys_no_time(port: int, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(sent)
        assert _hung_up_within(client, 3, drip=b"G" * 1000)


def test_a_kept_connection_is_not_a_slow_one(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(5)
        for _ in range(2):
            client.sendall(GET)
            answer = b""
            while not answer.endswith(b"}"):  # head and body may come apart
                answer += client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200")
            sleep(0.6)  # longer than a head may take: but none has begun


def test_a_slow_answer_is_waited_for(port: int, engine: ScriptedEngine) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.settimeout(10)
        while not engine.queries:
            sleep(0.01)
        engine.before = lambda query: sleep(1)
        sleep(0.1)
        client.sendall(POST + b'{"query":[{"text":"dog"}]}')
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
