"""`omnisearch serve`."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from time import sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.cli.listening import listen
from omnisearch.cli.serve import serve
from omnisearch.config import load_settings
from omnisearch.errors import BusyError, SettingsError, UsageError
from omnisearch.stores.absent_folders import AbsentFolder, write_absent_folders


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_machines_are_kept_out_unless_told(host: str) -> None:
    with pytest.raises(UsageError, match="--insecure"):
        serve(host=host)


def test_other_machines_need_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key the next check is reached, which is that of the port."""
    KeyFile(tmp_path).add("app", [Scope.SEARCH])
    with socket.create_server(("0.0.0.0", 0)) as taken, pytest.raises(BusyError):
        serve(host="0.0.0.0", port=taken.getsockname()[1], data_dir=tmp_path)
    KeyFile(tmp_path).revoke("app")
    with pytest.raises(UsageError, match="omnisearch keys add"):
        serve(host="0.0.0.0", port=0, data_dir=tmp_path)


def test_insecure_is_loud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken, pytest.raises(BusyError):
        serve(host="0.0.0.0", port=taken.getsockname()[1], insecure=True, data_dir=tmp_path)
    assert "WARNING" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "http://a.example", "a.example:8000", "[::1]:80", "*", "a b", "a@b", "a,b"])
def test_an_allowed_host_is_a_name(name: str) -> None:
    with pytest.raises(SettingsError, match=r"allow_host.*without scheme and port"):
        serve(port=0, allow_host=[name])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_response_does_not_wait_for_an_acknowledgement(host: str) -> None:
    with listen(host, 0) as listening, socket.create_connection(listening.getsockname()[:2]):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BusyError, match=f"port {port}.*--port"):
            serve(port=port)


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(BusyError, match=r"192\.0\.2\.1 .*--host"):
        serve(host="192.0.2.1", port=0, insecure=True)


def test_places_that_the_last_run_did_not_find_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    data_dir = load_settings().data_dir
    data_dir.mkdir()
    write_absent_folders(data_dir, [AbsentFolder("/mnt/photos", 12, "it holds no files now")])
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BusyError):
        serve(port=taken.getsockname()[1])
    assert "/mnt/photos" in capsys.readouterr().err


def _ask(url: str | Request) -> Any:
    """The answer, whatever its status; a server that is slow to start, or to serve, is asked again."""
    while True:
        try:
            return urlopen(url, timeout=120)
        except HTTPError as refused:
            return refused
        except OSError:
            sleep(0.05)


def _status(url: str, host: str) -> int:
    with _ask(Request(f"{url}/livez", headers={"Host": host})) as answer:
        return int(answer.status)


@pytest.mark.slow
def test_a_server_for_all_addresses_answers_to_its_names_alone(tmp_path: Path) -> None:
    script = "from omnisearch.cli.serve import serve; serve('0.0.0.0', 0, insecure=True, allow_host=['Search.LAN'])"
    environment = {**os.environ, "OMNISEARCH_DATA_DIR": str(tmp_path / "none")}
    server = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        assert url.startswith("http://localhost:")
        names = ("localhost", "127.0.0.1:8000", "search.lan:80", "0.0.0.0", "evil.example", "192.0.2.1")
        assert [_status(url, name) for name in names] == [200, 200, 200, 421, 421, 421]
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


@pytest.mark.slow
def test_it_prints_its_address_answers_and_stops(tmp_path: Path) -> None:
    """Without an index: the probes and the page work, and say what is missing."""
    script = "from omnisearch.cli.serve import serve; serve(port=0)"
    environment = {**os.environ, "OMNISEARCH_DATA_DIR": str(tmp_path / "none")}
    server = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        with _ask(f"{url}/livez") as answer:
            assert json.load(answer) == {"status": "alive"}
        with _ask(f"{url}/readyz") as refused:
            assert refused.status == 503
            assert json.load(refused)["detail"]
        with _ask(url) as page:
            assert b"<title>omnisearch</title>" in page.read()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()
