"""Files by URL: off by default; private addresses are refused without a connection; all else is bounded."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from omnisearch.api import fetch
from omnisearch.api.fetch import Fetcher
from omnisearch.api.public_address import is_public
from omnisearch.config import load_settings
from omnisearch.errors import BusyError, FetchError
from tests.api.conftest import ScriptedEngine, open_client, wait_until_ready

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

# Addresses as a resolver writes them.
PRIVATE_V4 = ["0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1"]
PRIVATE_V4 += ["127.0.0.53", "127.255.255.254", "168.63.129.16", "169.254.0.1", "169.254.169.254", "172.16.0.1"]
PRIVATE_V4 += ["172.31.255.255", "192.0.0.8", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1"]
PRIVATE_V4 += ["198.19.255.255", "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1"]
PRIVATE_V4 += ["255.255.255.255"]
PRIVATE_V6 = ["::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:8.8.8.8"]
PRIVATE_V6 += ["::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1"]
PRIVATE_V6 += ["2001:0:7f00:1::", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1"]
PRIVATE_V6 += ["2002:c0a8:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1"]
PRIVATE_V6 += ["ff02::1", "ff0e::1", "2606:4700::1111%eth0"]
# Hosts as a user may write them, for the resolver of this machine.
LOCAL_HOSTS = ["127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0"]
LOCAL_HOSTS += [
    "0.0.0.0",
    "0x0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "[::1]",
    "[::]",
    "[::ffff:7f00:1]",
]
LOCAL_HOSTS += ["[::ffff:127.0.0.1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]", "[fe80::1]"]
PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.215.14", "172.32.0.1", "192.167.255.255", "100.128.0.1", "223.255.255.255"]
PUBLIC += ["2606:4700:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001:80e::200e"]

MALFORMED = [
    "",
    "https://",
    "https:///a",
    "http://a.example/",
    "ftp://a.example/",
    "file:///etc/passwd",
    "//a.example/",
]
MALFORMED += [
    "HTTPS://a.example/",
    "https:a.example",
    "https://a.example:80/",
    "https://a.example:8443/",
    "gopher://a/",
]
MALFORMED += [
    "https://a.example:443:443/",
    "https://user@a.example/",
    "https://user:pw@a.example/",
    "https://@a.example/",
]
MALFORMED += [
    "https://a.example#b",
    "https://a.example\\@b.example/",
    "https://a.example/ b",
    "https://a.example/\r\nX: y",
]
MALFORMED += [
    "https://a.example/\u00fc",
    "https://\u24d0.example/",
    "https://127。0。0。1/",
    "https://[::1/",
    "https://::1/",
]
MALFORMED += [
    "https://[fe80::1%25eth0]/",
    "https://%31%32%37.0.0.1/",
    "https://a b/",
    "https://a.example\x00/",
    "data:,a",
]


class Net:
    """A resolver that is asked once a name, and connections that are counted."""

    def __init__(self, *addresses: str) -> None:
        self.addresses, self.asked, self.connected = addresses, list[str](), list[tuple[str, str]]()
        self.open: Callable[[], Awaitable[Streams]] | None = None

    async def resolve(self, host: str) -> list[str]:
        self.asked.append(host)
        if not self.addresses:
            raise OSError(errno.ENOENT, "no such host")
        return list(self.addresses)

    async def connect(self, address: str, host: str) -> Streams:
        self.connected.append((address, host))
        if self.open is None:
            raise ConnectionRefusedError
        return await self.open()

    def fetcher(self) -> Fetcher:
        return Fetcher(True, self.resolve, self.connect)


async def get(fetcher: Fetcher, *urls: str) -> dict[str, tuple[str, bytes]]:
    async with fetcher.fetched(urls) as uploads:
        kept = {url: (upload.label, upload.path.read_bytes()) for url, upload in uploads.items()}
        paths = [upload.path for upload in uploads.values()]
    assert not any(path.exists() for path in paths)
    return kept


def served(net: Net, answer: bytes, *urls: str, then: Coroutine[Any, Any, None] | None = None) -> Any:
    """Fetch from a server that sends these bytes, whatever it is asked; gives the files and what it was asked."""

    async def run() -> tuple[dict[str, tuple[str, bytes]], bytes]:
        heads = b""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal heads
            heads += await reader.readuntil(b"\r\n\r\n")
            try:
                writer.write(answer)
                if then is not None:
                    await then
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        net.open = lambda: asyncio.open_connection("127.0.0.1", port)
        async with server:
            return await get(net.fetcher(), *(urls or ("https://a.example/x",))), heads

    return asyncio.run(run())


def ok(body: bytes, *headers: str) -> bytes:
    head = ["HTTP/1.1 200 OK", *(headers or ("Content-Type: image/png",)), f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode() + body


def test_it_is_off_unless_set(client: TestClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", None)
    answer = client.post("/v1/search", json={"query": [{"url": "https://a.example/dog.png"}]})
    assert (answer.status_code, answer.json()["code"]) == (422, "fetch")
    assert "does not fetch files" in answer.json()["detail"]
    assert not engine.queries


@pytest.mark.parametrize("address", PRIVATE_V4 + PRIVATE_V6)
def test_a_name_with_a_private_address_is_not_connected_to(address: str) -> None:
    assert not is_public(address)
    for addresses in ([address], ["1.1.1.1", address], [address, "1.1.1.1"]):
        net = Net(*addresses)
        with pytest.raises(FetchError, match=r"^rebind\.example has no public address"):
            asyncio.run(get(net.fetcher(), "https://rebind.example/a"))
        assert net.asked == ["rebind.example"]
        assert not net.connected


@pytest.mark.parametrize("host", LOCAL_HOSTS)
def test_no_spelling_of_this_machine_is_connected_to(host: str) -> None:
    net = Net()
    with pytest.raises(FetchError, match="no public address"):
        asyncio.run(get(Fetcher(True, connect=net.connect), f"https://{host}/a"))
    assert not net.connected


@pytest.mark.parametrize("url", MALFORMED)
def test_a_url_that_is_not_plain_https_is_not_even_resolved(client: TestClient, url: str) -> None:
    net = Net("1.1.1.1")
    with pytest.raises(FetchError, match="begins with https://"):
        asyncio.run(get(net.fetcher(), url))
    assert not net.asked
    assert client.post("/v1/search", json={"query": [{"url": url}]}).status_code == 422


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_connected_to_as_it_was_checked(address: str) -> None:
    assert is_public(address)
    net = Net(address, "9.9.9.9")
    files, head = served(net, ok(b"png"), "https://a.example/photos/Dog%20%C3%BC.PNG?size=1")
    assert files == {"https://a.example/photos/Dog%20%C3%BC.PNG?size=1": ("Dog \u00fc.PNG", b"png")}
    assert (net.asked, net.connected) == (["a.example"], [(address, "a.example")])
    assert head.startswith(b"GET /photos/Dog%20%C3%BC.PNG?size=1 HTTP/1.1\r\nHost: a.example\r\n")
    assert b"ookie" not in head
    assert b"uthorization" not in head


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    net = Net("1.1.1.1")
    answer = f"HTTP/1.1 {status} Moved\r\nLocation: https://a.example/b\r\nContent-Length: 0\r\n\r\n".encode()
    with pytest.raises(FetchError, match="redirects"):
        served(net, answer)
    assert len(net.connected) == 1


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"),
        (b"HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\na", "status 206"),
        (ok(b"a", "Content-Type: application/json"), "neither text"),
        (ok(b"a", "Content-Type: application/x-sh"), "neither text"),
        (ok(b"a", "Content-Type: image/png", "Content-Encoding: gzip"), "compressed"),
        (ok(b"abc")[:-1], "whole file"),
        (b"", "whole file"),
        (b"hello", "whole file"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "whole file"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "whole file"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"a" * (40 << 10) + b"\r\n\r\n", "whole file"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 9000 + b"\r\n", "whole file"),
    ],
)
def test_an_answer_that_is_no_file_is_refused(answer: bytes, message: str) -> None:
    with pytest.raises(FetchError, match=message):
        served(Net("1.1.1.1"), answer)


def test_a_large_file_is_refused_by_its_length_and_cut_off_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 1000)
    assert served(Net("1.1.1.1"), ok(b"a" * 1000))[0]["https://a.example/x"][1] == b"a" * 1000
    with pytest.raises(FetchError, match="too large"):
        served(Net("1.1.1.1"), ok(b"a" * 1001))
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"64\r\n" + b"a" * 100 + b"\r\n"
    with pytest.raises(FetchError, match="too large"):
        served(Net("1.1.1.1"), endless + (b"64\r\n" + b"a" * 100 + b"\r\n") * 10)
    with pytest.raises(FetchError, match="too large"):  # together
        served(Net("1.1.1.1"), ok(b"a" * 600), "https://a.example/1", "https://a.example/2")


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\n", ok(b"abc")[:-1]])
def test_a_slow_server_is_given_up(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(fetch, "FETCH_SECONDS", 0.2)
    with pytest.raises(FetchError, match=r"within 0\.2 seconds"):
        served(Net("1.1.1.1"), sent, then=asyncio.sleep(60))


def test_a_slow_resolver_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(_: str) -> list[str]:
        await asyncio.sleep(60)
        return []

    monkeypatch.setattr(fetch, "FETCH_SECONDS", 0.1)
    with pytest.raises(FetchError, match="seconds"):
        asyncio.run(get(Fetcher(True, resolve), "https://a.example/"))


def test_only_some_requests_fetch_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "FETCH_SECONDS", 0.5)

    async def resolve(_: str) -> list[str]:
        await asyncio.sleep(60)
        return []

    async def run() -> list[BaseException | Any]:
        fetcher = Fetcher(True, resolve)
        asked = [get(fetcher, "https://a.example/") for _ in range(fetch.MAX_RUNNING + 2)]
        first = await asyncio.gather(*asked, return_exceptions=True)
        return [*first, *await asyncio.gather(get(fetcher, "https://a.example/"), return_exceptions=True)]

    kinds = [type(error) for error in asyncio.run(run())]
    assert kinds == [FetchError] * fetch.MAX_RUNNING + [BusyError] * 2 + [FetchError]


@pytest.mark.parametrize("batch", [False, True])
def test_a_fetched_file_is_a_term_of_the_query(engine: ScriptedEngine, batch: bool) -> None:
    net = Net("1.1.1.1")

    async def opened() -> Streams:
        return await asyncio.open_connection(sock=ours)

    net.open = opened
    ours, theirs = socket.socketpair()
    theirs.sendall(ok(b"a sound"))
    with theirs, open_client(load_settings(fetch_urls=True), engine_factory=lambda _: engine) as client:
        wait_until_ready(client)
        engine.queries.clear()
        client.app.state.fetcher = net.fetcher()  # type: ignore[attr-defined]
        query = {"query": [{"url": "https://a.example/bark.WAV", "slice": "0-2"}, {"text": "dog"}]}
        path, body = ("/v1/search/batch", {"queries": [query]}) if batch else ("/v1/search", query)
        assert client.post(path, json=body).status_code == 200
    (asked,) = engine.queries
    assert engine.contents == [b"a sound"]
    assert asked.terms[0].label == "bark.WAV"
    assert isinstance(asked.terms[0].source, Path)
    assert asked.terms[0].source.suffix == ".wav"
    assert not asked.terms[0].source.exists()


def test_the_certificate_is_that_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pinned address is connected to; name and certificate are checked for the host."""
    seen: dict[str, Any] = {}

    async def open_connection(address: str, port: int, **options: Any) -> None:
        seen.update(options, address=address, port=port)

    monkeypatch.setattr(asyncio, "open_connection", open_connection)
    asyncio.run(fetch.connect("1.1.1.1", "a.example"))  # type: ignore[arg-type]
    assert (seen["address"], seen["port"], seen["server_hostname"]) == ("1.1.1.1", 443, "a.example")
    assert (seen["ssl"].check_hostname, seen["ssl"].verify_mode) == (True, ssl.CERT_REQUIRED)
