"""Files at https addresses, from a server on the loopback. Only TLS itself is stood in for."""

import fcntl
import http.client
import json
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.weights import download as downloading
from omnisearch.spaces.weights.download import download
from omnisearch.spaces.weights.pull import pull, pull_all
from omnisearch.spaces.weights.spec import LocalFile, Source, Url, WeightSpec, sha256_of
from tests.spaces.loopback import LoopbackServer

CONTENT = bytes(range(256)) * 40
TLS = http.client.HTTPSConnection


class Server(LoopbackServer):
    """Serves one file as its attributes say, and notes the headers of each request."""

    def __init__(self) -> None:
        super().__init__(_Handler, CONTENT, '"first"')
        self.ranges = True
        self.said: str | None = str(len(CONTENT))
        self.redirect: str | None = None
        self.requests: list[Any] = []

    @property
    def address(self) -> str:
        return f"https://{self.host}/model.bin"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.headers)
        if self.path == "/elsewhere" or self.server.redirect is None:
            return self._give()
        self.send_response(302)
        self.send_header("Location", self.server.redirect)
        return self.end_headers()

    def _give(self) -> None:
        server, start = self.server, 0
        if server.ranges and "Range" in self.headers and self.headers["If-Range"] == server.tag:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        elif server.said is not None:
            self.send_header("Content-Length", server.said)
        if server.tag:
            self.send_header("ETag", server.tag)
            self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        self.wfile.write(server.content[start : server.cut])

    def log_message(self, *args: object) -> None:
        pass


class _NoTls(HTTPConnection):
    def __init__(self, host: str, context: object = None, check_hostname: object = None, **given: Any) -> None:
        super().__init__(host, **given)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(_NoTls, "_http_vsn", TLS._http_vsn)
    monkeypatch.setattr(http.client, "HTTPSConnection", _NoTls)
    made = Server()
    with made.running(monkeypatch):
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(weights_dir=tmp_path / "weights")


def spec(*sources: Source, size: int | None = None) -> WeightSpec:
    return WeightSpec("toy.bin", None, size, "MIT", sources)


def refused(server: Server, settings: Settings, said: str, size: int | None = None) -> None:
    with pytest.raises(WeightsError, match=said):
        pull(spec(Url(server.address), size=size), settings)
    assert not (settings.weights_dir / "toy.bin").exists()


def test_a_file_arrives_whole_is_counted_and_recorded(server: Server, settings: Settings) -> None:
    counted: list[int] = []
    assert pull(spec(Url(server.address)), settings, counted.append).read_bytes() == CONTENT
    assert sum(counted) == len(CONTENT)
    entries = json.loads((settings.weights_dir / "weights.lock").read_text())
    held = {"sha256": sha256_of(settings.weights_dir / "toy.bin"), "size": len(CONTENT), "source": server.address}
    assert entries == {"toy.bin": held}


def test_a_pinned_hash_is_held_to(server: Server, settings: Settings) -> None:
    pinned = WeightSpec("toy.bin", "0" * 64, len(CONTENT), "MIT", (Url(server.address),))
    with pytest.raises(WeightsError, match="should have sha256 0000"):
        pull(pinned, settings)
    assert not (settings.weights_dir / "toy.bin").exists()


def test_an_interrupted_download_goes_on_where_it_stopped(server: Server, settings: Settings) -> None:
    server.cut = 1000
    refused(server, settings, f"ended {len(CONTENT) - 1000} bytes before the end of the file")
    server.cut = None
    pull_all([spec(Url(server.address))], settings)
    assert (settings.weights_dir / "toy.bin").read_bytes() == CONTENT
    assert [(each["Range"], each["If-Range"]) for each in server.requests] == [
        (None, None),
        (None, None),
        ("bytes=1000-", '"first"'),
    ]
    assert sorted(path.name for path in settings.weights_dir.iterdir()) == ["toy.bin", "weights.lock"]


def test_what_came_is_kept_while_another_file_is_pulled(server: Server, settings: Settings, tmp_path: Path) -> None:
    server.cut = 1000
    refused(server, settings, "before the end")
    (tmp_path / "other").write_bytes(b"other")
    pull_all([WeightSpec("other.bin", None, None, "MIT", (LocalFile(tmp_path / "other"),))], settings)
    server.cut = None
    assert pull(spec(Url(server.address)), settings).read_bytes() == CONTENT
    assert [each["Range"] for each in server.requests] == [None, None, "bytes=1000-"]


def test_what_came_before_counts_as_progress_and_a_whole_file_is_not_asked_for_again(
    server: Server, tmp_path: Path
) -> None:
    server.cut = 1000
    with pytest.raises(OSError, match="before the end"):
        download(server.address, tmp_path, None, lambda count: None)
    server.cut = None
    for _ in range(2):
        counted: list[int] = []
        assert download(server.address, tmp_path, None, counted.append).read_bytes() == CONTENT
        assert sum(counted) == len(CONTENT)
    assert [each["Range"] for each in server.requests] == [None, None, "bytes=1000-", None]


@pytest.mark.parametrize("tag", ['"second"', "", 'W/"first"'])
def test_another_version_or_one_that_cannot_be_told_begins_anew(server: Server, settings: Settings, tag: str) -> None:
    server.cut = 1000
    server.tag = server.tag if tag == '"second"' else tag
    refused(server, settings, "before the end")
    server.cut, server.tag, server.content = None, tag, CONTENT[::-1]
    assert pull(spec(Url(server.address)), settings).read_bytes() == CONTENT[::-1]
    assert all(each["Range"] is None for each in server.requests)


def test_a_server_that_starts_over_is_not_appended(server: Server, settings: Settings) -> None:
    server.cut = 1000
    refused(server, settings, "before the end")
    server.cut, server.ranges = None, False
    refused(server, settings, "did not resume the download")
    assert pull(spec(Url(server.address)), settings).read_bytes() == CONTENT


def test_a_redirect_is_followed_to_https(server: Server, settings: Settings) -> None:
    server.redirect = server.address.replace("model.bin", "elsewhere")
    assert pull(spec(Url(server.address)), settings).read_bytes() == CONTENT


@pytest.mark.parametrize("scheme", ["http", "ftp", "file"])
def test_no_other_scheme_is_followed_to_or_asked(server: Server, settings: Settings, scheme: str) -> None:
    server.redirect = server.address.replace("https", scheme).replace("model.bin", "elsewhere")
    refused(server, settings, rf"{scheme}://.*not (https|allowed)")
    with pytest.raises(OSError, match=f"unknown url type: {scheme}"):
        download(server.redirect, settings.weights_dir, None, lambda count: None)
    assert len(server.requests) == 1


def test_a_size_is_held_to_before_anything_is_fetched(
    server: Server, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(server, settings, f"offers {len(CONTENT)} bytes, not 7", size=7)
    monkeypatch.setattr(downloading, "MOST", 5000)
    refused(server, settings, f"offers {len(CONTENT)} bytes, and no file may have more than 5000")
    server.said = None
    refused(server, settings, "does not say how large")
    assert list(settings.weights_dir.glob("parts/*")) == []


def test_no_more_is_read_than_was_offered(server: Server, settings: Settings) -> None:
    server.said = "5000"
    assert pull(spec(Url(server.address)), settings).read_bytes() == CONTENT[:5000]


def test_two_processes_do_not_write_into_one_file(server: Server, tmp_path: Path) -> None:
    server.cut = 1000
    with pytest.raises(OSError, match="before the end"):
        download(server.address, tmp_path, None, lambda count: None)
    (part,) = tmp_path.iterdir()
    with part.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="another process is fetching it"):
            download(server.address, tmp_path, None, lambda count: None)
    assert part.read_bytes() == CONTENT[:1000]


def test_another_source_is_asked_where_an_address_refuses(server: Server, settings: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "copy.bin"
    copy.write_bytes(CONTENT)
    server.said = None
    assert pull(spec(Url(server.address), LocalFile(copy)), settings).read_bytes() == CONTENT
    entries = json.loads((settings.weights_dir / "weights.lock").read_text())
    assert entries["toy.bin"]["source"] == f"file {copy}"


def test_plain_http_at_an_https_address_is_no_answer(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http.client, "HTTPSConnection", TLS)
    with pytest.raises(OSError, match="SSL"):
        download(server.address, tmp_path, None, lambda count: None)
    assert server.requests == []
