"""Pulling from a model hub: a server on the loopback that acts as one, through the hub's own client."""

import fcntl
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omnisearch.cli.models import app
from omnisearch.config import Settings, load_settings
from omnisearch.errors import StoppedError, WeightsError
from omnisearch.spaces.weights.modern_files import EMBEDDING_GEMMA, EMBEDDING_GEMMA_TOKENIZER
from omnisearch.spaces.weights.pull import pull, pull_all
from omnisearch.spaces.weights.spec import Hub
from tests.spaces.loopback import LoopbackServer

CONTENT = bytes(range(256)) * 400
(SOURCE,) = EMBEDDING_GEMMA.sources
assert isinstance(SOURCE, Hub)


class FakeHub(LoopbackServer):
    """Serves every file of every repository as its attributes say, and notes the requests."""

    def __init__(self) -> None:
        super().__init__(_Handler, CONTENT, "first")
        self.refusal: tuple[int, str] | None = None
        self.gets: list[tuple[str, str | None]] = []

    @property
    def address(self) -> str:
        return f"http://{self.host}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def do_HEAD(self) -> None:
        self._head(200, len(self.server.content))

    def do_GET(self) -> None:
        hub, asked = self.server, self.headers["Range"]
        if "/resolve/" in self.path:
            hub.gets.append((self.path, asked))
        start = int(re.findall(r"bytes=(\d+)-", asked)[0]) if asked else 0
        if self._head(206 if asked else 200, len(hub.content) - start):
            self.wfile.write(hub.content[start : hub.cut])

    def _head(self, status: int, length: int) -> bool:
        hub = self.server
        if hub.refusal:
            self.send_response(hub.refusal[0])
            self.send_header("X-Error-Code", hub.refusal[1])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        self.send_response(status)
        if status == 206:
            size = len(hub.content)
            self.send_header("Content-Range", f"bytes {size - length}-{size - 1}/{size}")
        self.send_header("Content-Length", str(length))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", f'"{hub.tag}"')
        self.send_header("X-Repo-Commit", SOURCE.revision)
        self.end_headers()
        return True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    from huggingface_hub import constants, file_download

    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    made = FakeHub()
    monkeypatch.setattr(constants, "ENDPOINT", made.address)
    template = made.address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    with made.running(monkeypatch):
        yield made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(weights_dir=tmp_path / "weights")


def refused(settings: Settings, said: str) -> str:
    with pytest.raises(WeightsError, match=said) as raised:
        pull(EMBEDDING_GEMMA, settings)
    assert not (settings.weights_dir / EMBEDDING_GEMMA.name).exists()
    assert str(SOURCE) in str(raised.value)
    assert f"copy the file to {settings.weights_dir}" in str(raised.value)
    return str(raised.value)


def test_one_command_pulls_everyday_and_what_is_there_is_not_asked_for_again(hub: FakeHub, settings: Settings) -> None:
    def run() -> str:
        done = CliRunner(env={"OMNISEARCH_WEIGHTS_DIR": str(settings.weights_dir)}).invoke(
            app, ["pull", "everyday", "--no-check"]
        )
        assert done.exit_code == 0, done.output
        return done.output

    # A terminal of any width breaks the path anywhere.
    assert f"weightfilesarein{settings.weights_dir}" in "".join(run().split())
    for spec in (EMBEDDING_GEMMA, EMBEDDING_GEMMA_TOKENIZER):
        assert (settings.weights_dir / spec.name).read_bytes() == CONTENT
    assert {path for path, _ in hub.gets} == {
        f"/google/embeddinggemma-2/resolve/{SOURCE.revision}/{name}" for name in ("model.safetensors", "tokenizer.json")
    }
    run()
    assert len(hub.gets) == 2
    assert sorted(path.name for path in settings.weights_dir.iterdir()) == sorted(
        [EMBEDDING_GEMMA.name, EMBEDDING_GEMMA_TOKENIZER.name, "weights.lock"]
    )


def test_an_interrupted_pull_is_resumed_within_the_file(hub: FakeHub, settings: Settings) -> None:
    hub.cut = 30_000
    refused(settings, "broke off .*pull again; what has come is kept")
    hub.cut, earlier = None, len(hub.gets)  # the client itself has tried again a few times
    counted: list[int] = []
    assert pull(EMBEDDING_GEMMA, settings, counted.append).read_bytes() == CONTENT
    assert [asked for _, asked in hub.gets[earlier:]] == ["bytes=30000-"]
    assert sum(counted) == len(CONTENT)


def test_a_stop_within_a_file_keeps_what_came(hub: FakeHub, settings: Settings) -> None:
    def stop(size: int) -> None:
        raise StoppedError("stopped")

    with pytest.raises(StoppedError):
        pull(EMBEDDING_GEMMA, settings, stop)
    assert pull(EMBEDDING_GEMMA, settings).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "GatedRepo", "accept terms: sign in at http://.*/google/embeddinggemma-2, accept them, and set HF_TOKEN"),
        (401, "GatedRepo", "accept terms: sign in at http://.*/google/embeddinggemma-2, accept them, and set HF_TOKEN"),
        (401, "RepoNotFound", "does not exist or is private: if you have access to it, set HF_TOKEN"),
        (404, "EntryNotFound", "has no file model.safetensors at [0-9a-f]{40}: update omnisearch, or copy"),
        (404, "RevisionNotFound", "has no revision [0-9a-f]{40}: update omnisearch, or copy"),
    ],
)
def test_a_refusal_says_what_to_do(hub: FakeHub, settings: Settings, status: int, code: str, said: str) -> None:
    hub.refusal = status, code
    refused(settings, said)
    assert hub.gets == []


def test_without_a_network_the_message_names_the_hub_and_the_ways_out(
    hub: FakeHub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/{revision}/{filename}")
    refused(settings, f"{hub.address} cannot be reached.*check the network and HTTPS_PROXY, or set HF_ENDPOINT")


def test_a_full_disk_is_named(hub: FakeHub, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import file_download

    def full(*given: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file_download, "http_get", full)
    refused(settings, "the disk of weights_dir is full: free space")


def test_a_second_pull_at_the_same_time_is_refused(hub: FakeHub, settings: Settings) -> None:
    hub.cut = 30_000
    refused(settings, "broke off")
    (part,) = (settings.weights_dir / "parts").iterdir()
    with part.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        refused(settings, f"another process is fetching it into {part}")
    hub.cut = None
    assert pull(EMBEDDING_GEMMA, settings).read_bytes() == CONTENT


def test_another_content_than_at_the_first_pull_is_refused_with_both_hashes(hub: FakeHub, settings: Settings) -> None:
    pull_all([EMBEDDING_GEMMA], settings)
    (settings.weights_dir / EMBEDDING_GEMMA.name).unlink()
    hub.content, hub.tag = CONTENT[::-1], "second"
    said = r"should have sha256 [0-9a-f]{64}, this file has [0-9a-f]{64}; it was recorded"
    with pytest.raises(WeightsError, match=said):
        pull(EMBEDDING_GEMMA, settings)
    assert not (settings.weights_dir / EMBEDDING_GEMMA.name).exists()
    hub.content, hub.tag = CONTENT, "first"
    assert pull(EMBEDDING_GEMMA, settings).read_bytes() == CONTENT
