"""Questions that take long have threads of their own, end at a deadline, and end when nobody waits for them."""

import concurrent.futures
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import httpx2
import pytest
from fastapi.testclient import TestClient

from omnisearch.api import service
from omnisearch.api.app import create_app
from omnisearch.config import Settings, load_settings
from omnisearch.query.query import Query
from omnisearch.search.plan.budget import Budget
from tests.api.conftest import (
    IDS,
    PATIENCE_SECONDS,
    ScriptedEngine,
    ToyRenderer,
    open_client,
    serving,
    tone,
    wait_until_ready,
)

TEXT = {"query": [{"text": "dog"}]}
FILE = {"query": json.dumps({"query": [{"text": "dog"}, {"file": "a"}]})}
SLICE = {"query": {"and": [{"text": "dog"}, {"item_id": IDS["au"], "slice": "0-1"}]}}


@pytest.fixture
def go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def _upload(client: httpx2.Client) -> httpx2.Response:
    return client.post("/v1/search", data=FILE, files={"a": ("a.wav", tone())})


def _slice(client: httpx2.Client) -> httpx2.Response:
    return client.post("/v1/search", json=SLICE)


@pytest.mark.parametrize("ask", [_upload, _slice])
def test_texts_do_not_wait_for_files(
    client: TestClient, engine: ScriptedEngine, go: threading.Event, ask: Callable[[httpx2.Client], httpx2.Response]
) -> None:
    def wait(query: Query, _: Budget) -> None:
        if any(term.reads_file for term in query.terms):
            go.wait(60)

    engine.while_searching = wait
    many = sum(service.POOL_SIZES["media"])
    with ThreadPoolExecutor(many + 1) as pool:
        waiting = [pool.submit(ask, client) for _ in range(many + 1)]
        (first,) = concurrent.futures.wait(waiting, PATIENCE_SECONDS, concurrent.futures.FIRST_COMPLETED).done
        refused = first.result()
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        for _ in range(3):
            assert client.post("/v1/search", json=TEXT).status_code == 200
        assert sum(one.done() for one in waiting) == 1
        go.set()
        assert sorted(one.result().status_code for one in waiting) == [*[200] * many, 503]


def test_texts_beyond_the_queue_are_refused_unread_and_files_are_not(
    client: TestClient, engine: ScriptedEngine, go: threading.Event
) -> None:
    def wait(query: Query, _: Budget) -> None:
        if not any(term.reads_file for term in query.terms):
            go.wait(60)

    engine.while_searching = wait
    many = sum(service.POOL_SIZES["search"])
    with ThreadPoolExecutor(many) as pool:
        waiting = [pool.submit(client.post, "/v1/search", json=TEXT) for _ in range(many)]
        end = monotonic() + PATIENCE_SECONDS
        while (refused := client.get("/v1/search")).status_code != 503:  # 422 while there is room, for it has no `q`
            assert monotonic() < end
            sleep(0.01)
        assert (refused.json()["code"], refused.headers["retry-after"]) == ("busy", "2")
        assert client.post("/v1/search", content=b"{").status_code == 503
        assert _upload(client).status_code == 200
        go.set()
        assert {one.result().status_code for one in waiting} == {200}
    assert client.get("/v1/search").status_code == 422
    assert 'status="503"' in "".join(
        line for line in client.get("/metrics").text.splitlines() if 'route="/v1/search"' in line
    )


def test_texts_do_not_wait_for_previews(
    client: TestClient, engine: ScriptedEngine, renderer: ToyRenderer, go: threading.Event
) -> None:
    asked = threading.Event()

    def wait() -> None:
        asked.set()
        go.wait(60)

    renderer.while_asked = wait
    with ThreadPoolExecutor() as pool:
        previews = [pool.submit(client.get, f"/v1/items/{IDS[name]}/preview") for name in ("im", "au", "vi", "3d") * 3]
        assert asked.wait(60)
        assert client.post("/v1/search", json=TEXT).status_code == 200
        assert client.get(f"/v1/items/{IDS['im']}/content").status_code == 200
        assert not any(each.done() for each in previews)
        go.set()
        assert {each.result().status_code for each in previews} == {200}
    assert len(renderer.asked) == 4


def test_a_search_ends_at_its_deadline(engine: ScriptedEngine) -> None:
    ended = threading.Event()

    def work(query: Query, budget: Budget) -> None:
        while any(term.reads_file for term in query.terms) and not budget.stopped():
            sleep(0.01)
        ended.set()

    with open_client(load_settings(query_timeout=0.3), engine_factory=lambda _: engine) as client:
        wait_until_ready(client)
        ended.clear()
        engine.while_searching = work
        answer = _upload(client)
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert answer.headers["retry-after"].isdecimal()
        assert "0.3 seconds" in answer.json()["detail"]
        assert ended.wait(60)
        assert client.post("/v1/search", json=TEXT).status_code == 200


def test_the_length_of_files_is_bounded_by_the_setting(engine: ScriptedEngine) -> None:
    budgets: list[Budget] = []
    engine.while_searching = lambda _, budget: budgets.append(budget)
    with open_client(load_settings(query_seconds=7), engine_factory=lambda _: engine) as client:
        wait_until_ready(client)
        assert _upload(client).status_code == 200
    assert budgets[-1].seconds == 7


def test_a_search_ends_when_its_client_hangs_up(settings: Settings, engine: ScriptedEngine) -> None:
    began, ended = threading.Event(), threading.Event()

    def work(query: Query, budget: Budget) -> None:
        if any(term.reads_file for term in query.terms):
            began.set()
            end = monotonic() + PATIENCE_SECONDS / 2
            while not budget.stopped() and monotonic() < end:
                sleep(0.01)
            if budget.stopped():
                ended.set()

    engine.while_searching = work
    body = json.dumps(SLICE).encode()
    head = "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with serving(create_app(settings, lambda _: engine, lambda _: ToyRenderer())) as port:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_SECONDS) as ready:
            wait_until_ready(ready)
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert began.wait(PATIENCE_SECONDS)
        assert ended.wait(PATIENCE_SECONDS / 3)
