"""A server that is asked to stop: what runs is finished, what is new is refused, and then it ends."""

import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import sleep

import httpx2
import pytest
import uvicorn

from omnisearch.api.app import create_app
from omnisearch.api.drain import DrainingServer
from omnisearch.config import Settings
from tests.api.conftest import PATIENCE_SECONDS, ScriptedEngine, ToyRenderer, wait_until_ready

TEXT = {"query": [{"text": "dog"}]}


@dataclass
class Running:
    server: DrainingServer
    thread: threading.Thread
    client: httpx2.Client
    began: threading.Event
    go: threading.Event


@pytest.fixture
def running(settings: Settings, engine: ScriptedEngine, request: pytest.FixtureRequest) -> Iterator[Running]:
    """A server whose searches wait for `go`."""
    app = create_app(settings, lambda _: engine, lambda _: ToyRenderer())
    config = uvicorn.Config(app, ws="none", log_level="critical", timeout_graceful_shutdown=1)
    server = DrainingServer(config, app.state.draining, getattr(request, "param", PATIENCE_SECONDS))
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    began, go = threading.Event(), threading.Event()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
        wait_until_ready(client)

        def wait(*_: object) -> None:
            began.set()
            go.wait(PATIENCE_SECONDS)

        engine.while_searching = wait
        yield Running(server, thread, client, began, go)
        go.set()
    server.should_exit = True
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


def test_what_runs_is_finished_and_what_is_new_is_refused(running: Running) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(running.client.post, "/v1/search", json=TEXT)
        assert running.began.wait(PATIENCE_SECONDS)
        running.server.handle_exit(signal.SIGTERM, None)
        for refused in (running.client.post("/v1/search", json=TEXT), running.client.get("/readyz")):
            assert (refused.status_code, refused.json()["code"]) == (503, "stopping")
            assert refused.headers["retry-after"].isdecimal()
            assert refused.headers["connection"] == "close"
        assert running.client.get("/livez").status_code == 200
        running.go.set()
        assert answer.result(PATIENCE_SECONDS).status_code == 200
    running.thread.join(PATIENCE_SECONDS)
    assert not running.thread.is_alive()
    with pytest.raises(httpx2.ConnectError):
        running.client.get("/livez")


def test_an_idle_server_ends_at_once(running: Running) -> None:
    running.server.handle_exit(signal.SIGTERM, None)
    running.thread.join(PATIENCE_SECONDS)
    assert not running.thread.is_alive()


def test_a_second_signal_does_not_wait(running: Running) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(running.client.post, "/v1/search", json=TEXT)
        assert running.began.wait(PATIENCE_SECONDS)
        running.server.handle_exit(signal.SIGTERM, None)
        running.server.handle_exit(signal.SIGTERM, None)
        while not running.server.should_exit:
            sleep(0.01)
        running.go.set()
        answer.exception(PATIENCE_SECONDS)


@pytest.mark.parametrize("running", [0.2], indirect=True)
def test_draining_has_an_end(running: Running) -> None:
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(running.client.post, "/v1/search", json=TEXT)
        assert running.began.wait(PATIENCE_SECONDS)
        running.server.handle_exit(signal.SIGTERM, None)
        while not running.server.should_exit:
            sleep(0.01)
        running.go.set()
        answer.exception(PATIENCE_SECONDS)
