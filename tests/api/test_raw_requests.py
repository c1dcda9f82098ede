"""Heads as no client library sends them, over a real socket: each one is answered, and none fails the server."""

import re
import socket
from collections.abc import Iterator

import pytest

from omnisearch.api.app import create_app
from omnisearch.api.http_timeouts import ImpatientProtocol
from omnisearch.config import load_settings
from tests.api.conftest import PATIENCE_SECONDS, ScriptedEngine, ToyRenderer, serving

OWN = [b"localhost", b"LOCALHOST:8000", b"localhost.", b"localhost.:80", b"127.0.0.1", b"127.0.0.1:65535", b"[::1]"]
OWN += [b"[::1]:8000", b" localhost ", b"\tlocalhost"]
FOREIGN = [b"", b" ", b":", b":80", b"evil.example", b"0.0.0.0", b"127.0.0.2", b"127.1", b"2130706433", b"0x7f000001"]
FOREIGN += [b"localhost:", b"localhost:x", b"localhost:-1", b"localhost:999999", b"localhost:80:80", b"localhost,evil"]
FOREIGN += [b"evil@localhost", b"localhost@evil", b"evil:pw@localhost:80", b"localhost/", b"localhost#", b"localhost?a"]
FOREIGN += [b"localhost\\", b"http://localhost", b"//localhost", b"localhost..", b".localhost", b"a.localhost"]
FOREIGN += [b"localhost.evil.example", b"local host", b"localhost\xa0", b"localhost\xff", b"\xe2\x84\xaaocalhost"]
FOREIGN += [b"::1", b"[::1", b"::1]", b"[", b"]", b"[]", b"[]:80", b"[::1]x", b"[::1]:", b"[::ffff:127.0.0.1]"]
FOREIGN += [b"[::1%25lo]", b"[v1.x]", b"[[::1]]", b"[localhost]", b"%6cocalhost", b"localhost%00", b"a" * 5000]
FOREIGN_ORIGINS = [b"", b"null", b"evil", b"http://", b"http://evil.example", b"http://[::1", b"http://[", b"http://]"]
FOREIGN_ORIGINS += [b"http://[v1.x]", b"http://[::1%25lo]", b"//localhost", b"localhost", b"file://localhost"]
FOREIGN_ORIGINS += [b"http://evil@localhost", b"http://localhost@evil", b"http://localhost:x", b"http://localhost:8000"]
FOREIGN_ORIGINS += [b"http://localhost/", b"http://localhost/a", b"http://localhost?a", b"http://localhost.", b"\xff"]
FOREIGN_ORIGINS += [b"http://localhost http://evil", b"http://localhost, http://evil", b"http://" + b"a" * 5000]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    settings = load_settings(data_dir=tmp_path_factory.mktemp("data"))
    app = create_app(settings, lambda _: ScriptedEngine(()), lambda _: ToyRenderer())
    with serving(app, http=ImpatientProtocol) as port:
        yield port


def _ask(port: int, *headers: bytes, target: bytes = b"/livez", version: bytes = b"1.1") -> int:
    """The status of the answer; 0 where the server hangs up without one."""
    head = b"\r\n".join([b"GET " + target + b" HTTP/" + version, *headers, b"Connection: close"])
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as client:
        client.sendall(head + b"\r\n\r\n")
        answer = b""
        while received := client.recv(65536):
            answer += received
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("host", OWN)
def test_the_server_answers_to_its_names_in_every_spelling(port: int, host: bytes) -> None:
    assert _ask(port, b"Host: " + host) == 200


@pytest.mark.parametrize("host", FOREIGN)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_foreign_or_malformed_host_is_refused(port: int, host: bytes, version: bytes) -> None:
    assert _ask(port, b"Host: " + host, version=version) in {400, 421}


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (b"Host: localhost", b"Host: localhost"),
        (b"Host: localhost", b"host: evil.example"),
        (b"Host : localhost",),
        (b"Host: localhost\x00",),
        (b"Host: localhost\r\n evil.example",),
        (b"Host\x00: localhost",),
        (b"X-Forwarded-Host: localhost", b"Host: evil.example"),
    ],
)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_missing_or_doubtful_host_is_refused(port: int, headers: tuple[bytes, ...], version: bytes) -> None:
    assert _ask(port, *headers, version=version) in {400, 421}


def test_a_page_of_this_server_may_ask(port: int) -> None:
    for host, origin in ((b"localhost", b"http://localhost"), (b"[::1]:1", b"https://[::1]:1"), (b"LocalHost",) * 2):
        written = origin if b"://" in origin else b"HTTP://" + origin
        assert _ask(port, b"Host: " + host, b"Origin: " + written) == 200


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_foreign_or_malformed_origin_is_refused(port: int, origin: bytes) -> None:
    assert _ask(port, b"Host: localhost", b"Origin: " + origin) in {400, 403}
    assert _ask(port, b"Host: localhost", b"Origin: http://localhost", b"Origin: " + origin) in {400, 403}


@pytest.mark.parametrize(
    "target",
    [
        b"http://[::1/livez",
        b"http://evil.example/livez",
        b"//evil.example/livez",
        b"*",
        b"/%",
        b"/%ff%00",
        b"/%zz?%",
        b"/?\xff",
        b"/" + b"a" * 9000,
        b"/v1/items/%",
        b"/v1/items/[::1",
    ],
)
def test_an_odd_target_is_the_clients_fault(port: int, target: bytes) -> None:
    assert 400 <= _ask(port, b"Host: localhost", target=target) < 500


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: \xb2",
        b"Content-Length: +1",
        b"Content-Length: 1, 2",
        b"Transfer-Encoding: gzip",
        b"Content-Encoding: \xff",
        b"Content-Encoding: ",
        b"Upgrade: websocket\r\nConnection: upgrade",
        b"If-None-Match: \xff",
        b"Range: bytes=\xb2-",
        b"Accept: \x01",
    ],
)
def test_an_odd_header_fails_nothing(port: int, header: bytes) -> None:
    assert 200 <= _ask(port, b"Host: localhost", header, target=b"/") < 500
