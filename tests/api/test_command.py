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
from urllib.request import urlopen

import pytest

from omnisearch.api.command import serve
from omnisearch.config import load_settings
from omnisearch.errors import BusyError, UsageError
from omnisearch.stores.kept_places import KeptPlace, write_kept_places


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_other_machines_are_kept_out_unless_told(host: str) -> None:
    with pytest.raises(UsageError, match="--insecure"):
        serve(host=host)


def test_a_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BusyError, match=f"port {port}.*--port"):
            serve(port=port)


def test_places_that_the_last_run_did_not_find_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    data_dir = load_settings().data_dir
    data_dir.mkdir()
    write_kept_places(data_dir, [KeptPlace("/mnt/photos", 12, "it holds no files now")])
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BusyError):
        serve(port=taken.getsockname()[1])
    assert "/mnt/photos" in capsys.readouterr().err


def _ask(url: str) -> Any:
    """The answer, whatever its status; a server that is slow to start, or to serve, is asked again."""
    while True:
        try:
            return urlopen(url, timeout=120)
        except HTTPError as refused:
            return refused
        except OSError:
            sleep(0.05)


def test_it_prints_its_address_answers_and_stops(tmp_path: Path) -> None:
    """Without an index: the probes and the page work, and say what is missing."""
    script = "from omnisearch.api.command import serve; serve(port=0)"
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
