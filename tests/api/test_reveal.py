"""POST /v1/items/{id}/reveal: the folder is shown on the server's own machine, and only to its user."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from omnisearch.api import opener
from omnisearch.api.app import create_app
from omnisearch.config import Settings
from omnisearch.stores.base import Payload
from tests.api.conftest import IDS, ScriptedEngine, ToyRenderer, wait_until_ready

REVEAL = f"/v1/items/{IDS['im']}/reveal"


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file to which an `xdg-open` writes its arguments, one a line."""
    programs, written = tmp_path / "bin", tmp_path / "shown"
    programs.mkdir()
    program = programs / "xdg-open"
    program.write_text(f'#!/bin/sh\nfor each; do echo "$each"; done >"{written}"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("DISPLAY", ":0")
    return written


@pytest.fixture
def local(engine: ScriptedEngine, settings: Settings) -> Iterator[TestClient]:
    """A client on the machine of a server that listens on loopback."""
    yield from opened(engine, settings, reveals=True)


def opened(engine: ScriptedEngine, settings: Settings, reveals: bool, host: str = "127.0.0.1") -> Iterator[TestClient]:
    app = create_app(
        settings, engine_factory=lambda _: engine, renderer_factory=lambda _: ToyRenderer(), reveals=reveals
    )
    with TestClient(app, base_url="http://127.0.0.1:8000", client=(host, 1)) as client:
        wait_until_ready(client)
        yield client


def test_the_folder_is_one_argument(local: TestClient, shown: Path, engine: ScriptedEngine, tmp_path: Path) -> None:
    assert local.get("/v1/status").json()["reveal"] is True
    assert local.post(REVEAL).status_code == 204
    assert shown.read_text() == f"{tmp_path / 'collection'}\n"
    hostile = tmp_path / "-x; touch $(pwned) `a` 'b' \"c\""
    hostile.mkdir()
    (hostile / "a.png").write_bytes(b"")
    engine.payloads = [_at(engine.payloads[0], hostile / "a.png")]
    assert local.post(REVEAL).status_code == 204
    assert shown.read_text() == f"{hostile}\n"


def test_a_missing_file_is_not_found(local: TestClient, shown: Path, engine: ScriptedEngine, tmp_path: Path) -> None:
    engine.payloads = [_at(engine.payloads[0], tmp_path / "gone" / "a.png")]
    assert local.post(REVEAL).status_code == 404
    assert local.post(f"/v1/items/{'0' * 32}/reveal").status_code == 404
    assert not shown.exists()


def test_a_program_that_fails_or_is_missing_is_told(
    local: TestClient, shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown.parent / "bin" / "xdg-open").write_text("#!/bin/sh\nexit 4\n")
    assert "status 4" in local.post(REVEAL).json()["detail"]
    (shown.parent / "bin" / "xdg-open").write_text("#!/nonsense\n")
    assert "cannot be started" in local.post(REVEAL).json()["detail"]
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert local.get("/v1/status").json()["reveal"] is False
    assert (local.post(REVEAL).status_code, local.post(REVEAL).json()["code"]) == (404, "not_found")


def test_a_program_that_stays_open_is_left_running(
    local: TestClient, shown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opener, "START_SECONDS", 0.05)
    (shown.parent / "bin" / "xdg-open").write_text("#!/bin/sh\nexec sleep 0.3\n")
    assert local.post(REVEAL).status_code == 204


@pytest.mark.parametrize("header", opener.FORWARDED)
def test_a_request_through_a_proxy_is_refused(local: TestClient, shown: Path, header: str) -> None:
    assert local.get("/v1/status", headers={header: "x"}).json()["reveal"] is False
    assert local.post(REVEAL, headers={header: "x"}).status_code == 403
    assert not shown.exists()


def test_a_foreign_page_cannot_show_folders(local: TestClient, shown: Path) -> None:
    assert local.post(REVEAL, headers={"origin": "http://evil.example"}).status_code == 403
    assert local.get(REVEAL).status_code == 405
    assert not shown.exists()


@pytest.mark.parametrize(("reveals", "host", "status"), [(True, "192.0.2.7", 403), (False, "127.0.0.1", 404)])
def test_other_machines_and_servers_for_them_show_none(
    engine: ScriptedEngine, settings: Settings, shown: Path, reveals: bool, host: str, status: int
) -> None:
    for client in opened(engine, settings, reveals, host):
        assert client.get("/v1/status").json()["reveal"] is False
        assert client.post(REVEAL).status_code == status
    assert not shown.exists()


def _at(payload: Payload, path: Path) -> Payload:
    return replace(payload, path=str(path))
