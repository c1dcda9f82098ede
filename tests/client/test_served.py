"""`omnisearch search` and `locate` print the same with a running server as without one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from omnisearch.api.app import create_app
from omnisearch.api.keys import Key, Scope, hash_key, to_json
from omnisearch.cli import served
from omnisearch.cli.commands import build
from omnisearch.client import light
from omnisearch.client.running import announced
from omnisearch.config import load_settings
from omnisearch_indexer.session import index_files
from tests.api.conftest import picture, serving, tone, wait_until_ready

SECRET = "the-secret-of-this-server"
HEAVY = {"torch", "numpy", "fastapi", "uvicorn", "httpx2", "httpx", "qdrant_edge", "mcp"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with files, some of them in `indexed`."""
    place = tmp_path_factory.mktemp("place")
    (place / "indexed").mkdir()
    for name, data in {
        "indexed/red.png": picture((220, 30, 30)),
        "indexed/blue.png": picture((30, 30, 220)),
        "indexed/long.wav": tone(25.0),
        "indexed/poem.txt": b"A dog barks at the moon.\n\n" * 90,
        "green \u00fc.png": picture((30, 220, 30)),
        "short.wav": tone(1.0),
        "damaged.png": picture()[:60],
    }.items():
        (place / name).write_bytes(data)
    return place


@pytest.fixture(scope="module")
def data_dir(place: Path, hashed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("data")
    settings = load_settings(data_dir=made, model=str(hashed_model), workers=1)
    index_files([place / "indexed"], settings)
    index_files([place / "indexed" / "red.png"], settings.model_copy(update={"collection": "photos"}))
    key = Key("other", hash_key("x"), frozenset({Scope.SEARCH}))
    (made / "keys.json").write_text(to_json([key]))  # so that a request needs a key
    (made / "keys.json").chmod(0o600)
    return made


@pytest.fixture(scope="module")
def server(data_dir: Path, hashed_model: Path, place: Path) -> Iterator[str]:
    settings = load_settings(data_dir=data_dir, model=str(hashed_model), weights_dir=place / "weights")
    with serving(create_app(settings, own_secret=SECRET)) as port:
        url = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=url) as http, announced(settings, url, SECRET):
            wait_until_ready(http)
            yield url


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that a server answered."""
    answered: list[str] = []
    send = light.post

    def post(*arguments: object) -> object:
        found = send(*arguments)  # type: ignore[arg-type]
        answered.append(str(arguments[1]))
        return found

    monkeypatch.setattr(served, "post", post)
    monkeypatch.setattr(light, "post", post)
    return answered


@pytest.fixture(autouse=True)
def _here(place: Path, data_dir: Path, hashed_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("OMNISEARCH_DATA_DIR", str(data_dir))
    monkeypatch.setenv("OMNISEARCH_MODEL", str(hashed_model))
    monkeypatch.setenv("OMNISEARCH_WEIGHTS_DIR", str(place / "weights"))


def run(*words: str) -> tuple[int, bytes, str]:
    done = CliRunner().invoke(build(words[0]), list(words))
    return done.exit_code, done.stdout_bytes, done.stderr + repr(done.exception)


SEARCHES = [
    ["dog"],
    ["dog", "-k", "2", "--format", "json"],
    ["dog", "+", "./indexed/red.png", "-", "0.5:./green \u00fc.png", "--format", "table"],
    ["./indexed/../short.wav", "--in", "audio,text", "--explain"],
    ["./indexed/red.png", "--include-self"],
    ["./indexed/long.wav@2-9", "THEN", "moon", "--explain"],
    ["dog", "AND", "(", "moon", "OR", "NOT", "./short.wav", ")", "--explain", "--segments", "9"],
    ["moon", "--no-words", "--where", "size<1MB", "--where", "!mtime:2001", "--group", "modality"],
    ["dog", "--sort", "modified", "--min-relevance", "0.01", "--format", "table"],
    ["dog", "--group", "day"],
    ["dog", "--quota", "image:1-1", "--min-relevance", "0.2", "-0"],
    ["dog", "--where", "tag:none"],
    ["dog", "--collection", "photos"],
    ["dog", "--batch"],
]
REFUSED = [
    ["./damaged.png"],
    ["id:none"],
    ["dog", "-", "dog"],
    ["dog", "--cursor", "abc"],
    ["dog", "-k", "300"],  # more than the API gives
    ["x" * 5000],
    ["dog", "--collection", "none"],
]


@pytest.mark.parametrize("words", SEARCHES, ids=" ".join)
def test_a_search_prints_the_same(words: list[str], server: str, asked: list[str], tmp_path: Path) -> None:
    if words[-1] == "--batch":
        (tmp_path / "queries").write_text('dog\n\n"blue sky" + ./short.wav\nnight OR moon\n')
        words = ["--batch", str(tmp_path / "queries")]
    with_server = run("search", *words)
    assert asked == ["v1/search/batch" if words[0] == "--batch" else "v1/search"]
    assert with_server == run("search", *words, "--no-server")
    assert with_server[0] == 0
    assert len(asked) == 1


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: " ".join(words)[:40])
def test_what_a_server_refuses_is_asked_here(words: list[str], server: str, asked: list[str]) -> None:
    assert run("search", *words) == run("search", *words, "--no-server")
    assert asked == []


@pytest.mark.parametrize(
    "words",
    [
        ["dog", "./indexed/long.wav"],
        ["./green \u00fc.png", "-", "night", "indexed/blue.png", "--format", "json"],
        ["moon", "THEN", "dog", "./indexed/long.wav", "-k", "2", "--format", "table"],
        ["dog", "AND", "moon", "indexed/poem.txt", "--min-relevance", "0.1"],
        ["dog", "./green \u00fc.png", "--collection", "photos"],
    ],
    ids=" ".join,
)
def test_locating_prints_the_same(words: list[str], server: str, asked: list[str]) -> None:
    with_server = run("locate", *words)
    assert asked == ["v1/locate"]
    assert with_server == run("locate", *words, "--no-server")
    assert with_server[0] == 0


def test_a_named_server_is_asked_or_named_as_what_failed(
    server: str, asked: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMNISEARCH_API_KEY", "x")
    here = run("search", "dog", "--no-server")
    monkeypatch.setenv("OMNISEARCH_DATA_DIR", str(tmp_path / "elsewhere"))
    assert run("search", "dog", "--server", server) == here
    monkeypatch.setenv("OMNISEARCH_SERVER", server)
    assert run("search", "dog") == here
    assert len(asked) == 2
    found = run("search", "dog", "--format", "paths", "--collection", "photos")
    assert found[:2] == (0, f"{Path('indexed/red.png').absolute()}\n".encode())
    assert len(asked) == 3
    assert "nothing was indexed" in run("search", "dog", "--data-dir", str(tmp_path / "none"))[2]
    assert "leave one of them out" in run("search", "dog", "--server", server, "--data-dir", str(tmp_path))[2]
    assert "no item 'none'" in run("search", "id:none")[2]
    monkeypatch.setenv("OMNISEARCH_API_KEY", "wrong")
    assert "send a key" in run("search", "dog")[2]
    assert "http://127.0.0.1:1 does not answer" in run("search", "dog", "--server", "http://127.0.0.1:1")[2]
    assert "is no address" in run("search", "dog", "--server", "localhost:8000")[2]


def test_asking_a_server_imports_nothing_heavy(server: str) -> None:
    command_line = [sys.executable, "-X", "importtime", "-m", "omnisearch", "search", "dog", "+", "./short.wav"]
    done = subprocess.run(command_line, capture_output=True, text=True, check=True, env={**os.environ})
    imported = {line.rsplit("|", 1)[-1].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "http.client" in imported
    assert imported & HEAVY == set()
    assert done.stdout.count("\n") > 1
