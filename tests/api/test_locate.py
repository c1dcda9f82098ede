"""POST /v1/locate: the shapes, as JSON and as multipart; one file at a time, and none that nobody waits for."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from time import monotonic, sleep

import httpx2
import pytest
import uvicorn
from fastapi.testclient import TestClient

from omnisearch.api import service as module
from omnisearch.api.app import create_app
from omnisearch.api.collections import Collections
from omnisearch.config import Settings
from omnisearch.errors import BusyError, MediaError, QueryError, Reason
from omnisearch.query.expressions import ItemRef, Sum, Term
from omnisearch.query.query import Query
from omnisearch.search.locate.location_json import location_json
from omnisearch.search.plan.budget import UNLIMITED
from tests.api.conftest import IDS, ScriptedEngine, ToyRenderer, picture, tone, wait_until_ready

IMAGE = IDS["im"]
DOG = {"query": {"text": "dog"}}


def test_an_item_is_looked_at(client: TestClient, engine: ScriptedEngine) -> None:
    query = {"and": [{"text": "dog"}, [{"text": "cat"}, {"text": "fur", "weight": -0.5}]]}
    answer = client.post("/v1/locate", json={"query": query, "item_id": IMAGE, "limit": 1})
    assert answer.status_code == 200, answer.text
    asked = Term("dog") & Sum((Term("cat"), Term("fur", -0.5)))
    assert engine.located == [(asked, IMAGE, 1)]
    found = answer.json()
    assert (found["modality"], found["windows"], found["nothing_matches"]) == ("image", 181, False)
    (place,) = engine.locate(asked, ItemRef(IMAGE), 1, UNLIMITED).places
    assert found["places"] == [json.loads(json.dumps(location_json(place, engine.item(IMAGE)[0].path)))]
    assert found["places"][0]["slice"] == "0.5,0.25,0.25,0.5"
    assert [part["query"] for part in found["places"][0]["parts"]] == ["dog", "cat - 0.5:fur"]


def test_a_file_is_looked_at_and_leaves_no_trace(client: TestClient, engine: ScriptedEngine) -> None:
    query = {"query": [{"file": "term"}, {"text": "night"}], "file": "it", "min_relevance": 0.5}
    files = {"it": ("../walk \u00fc.PNG", picture()), "term": ("bark.wav", tone())}
    answer = client.post("/v1/locate", data={"query": json.dumps(query)}, files=files)
    assert answer.status_code == 200, answer.text
    ((asked, content, limit),) = engine.located
    assert [str(term) for term in asked.terms] == ["bark.wav", "night"]
    assert (content, limit) == (picture(), 5)
    assert [(p["path"], p["relevance"]) for p in answer.json()["places"]] == [("walk \u00fc.PNG", 0.9)]
    source = asked.terms[0].source
    assert not source.exists()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (DOG, ""),
        ({**DOG, "file": "a", "item_id": IMAGE}, ""),
        ({**DOG, "path": "/etc/passwd"}, "/path"),
        ({**DOG, "item_id": "../../etc/passwd"}, "/item_id"),
        ({**DOG, "item_id": IMAGE, "limit": 0}, "/limit"),
        ({**DOG, "item_id": IMAGE, "min_relevance": 2}, "/min_relevance"),
        ({"item_id": IMAGE}, "/query"),
        ({"query": [{"text": "a"}] * 17, "item_id": IMAGE}, "/query"),
    ],
)
def test_a_wrong_body_is_refused_where_it_is_wrong(
    client: TestClient, engine: ScriptedEngine, body: object, pointer: str
) -> None:
    answer = client.post("/v1/locate", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not engine.located


def test_a_file_needs_its_part(client: TestClient, engine: ScriptedEngine) -> None:
    query = json.dumps({**DOG, "file": "a"})
    as_json = client.post("/v1/locate", content=query, headers={"content-type": "application/json"})
    no_part = client.post("/v1/locate", data={"query": query}, files={"b": ("b.png", picture())})
    no_item = client.post("/v1/locate", json={**DOG, "item_id": "x"})
    as_text = client.post("/v1/locate", content=query, headers={"content-type": "text/plain"})
    assert [answer.status_code for answer in (as_json, no_part, no_item, as_text)] == [422, 422, 404, 415]
    assert "'a'" in as_json.json()["detail"]
    assert "'a'" in no_part.json()["detail"]
    assert not engine.located


@pytest.mark.parametrize(
    ("error", "code"),
    [(QueryError("the file is text"), "query"), (MediaError(Reason.NO_FRAMES, "0 frames"), "no_frames")],
)
def test_the_refusals_keep_their_code(client: TestClient, engine: ScriptedEngine, error: Exception, code: str) -> None:
    def refuse(_: Callable[[], bool]) -> None:
        raise error

    engine.while_looking = refuse
    answer = client.post("/v1/locate", json={**DOG, "item_id": IMAGE})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_one_at_a_time_few_wait_and_searches_go_on(settings: Settings, engine: ScriptedEngine) -> None:
    async def scenario() -> None:
        collections = Collections(settings, lambda _: engine)
        service = collections.default
        await collections.start()
        while service.problem:
            await asyncio.sleep(0.01)
        go, at_once, most = threading.Event(), 0, 0

        def look(_: object) -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            go.wait(20)
            at_once -= 1

        looking = [asyncio.create_task(service.ask(look, "locate")) for _ in range(sum(module.POOL_SIZES["locate"]))]
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError):
            await service.ask(look, "locate")
        assert await service.ask(lambda asked: len(asked.search(Query(Term("a"))).hits)) == 6
        go.set()
        await asyncio.gather(*looking)
        assert most == 1
        await collections.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("how", ["hangs up", "stops"])
def test_nobody_looks_on_when_the_client_hangs_up_or_the_server_stops(
    settings: Settings, engine: ScriptedEngine, how: str
) -> None:
    began, ended = threading.Event(), threading.Event()

    def look(stopped: Callable[[], bool]) -> None:
        began.set()
        end = monotonic() + 60
        while not stopped() and monotonic() < end:
            sleep(0.01)
        if stopped():
            ended.set()

    engine.while_looking = look
    app = create_app(settings, lambda _: engine, lambda _: ToyRenderer())
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    body = json.dumps({**DOG, "item_id": IMAGE}).encode()
    head = (
        f"POST /v1/locate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    address = "127.0.0.1", listening.getsockname()[1]
    with httpx2.Client(base_url=f"http://127.0.0.1:{address[1]}", timeout=60) as ready:
        wait_until_ready(ready)
    with socket.create_connection(address) as client:
        client.sendall(f"{head}\r\n\r\n".encode() + body)
        assert began.wait(30)
        if how == "hangs up":
            client.close()
            assert ended.wait(30)
        server.should_exit = True
        thread.join(60)
    assert not thread.is_alive()
    assert ended.is_set()
