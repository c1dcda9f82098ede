"""Opening in the background, and the bound on what waits."""

import asyncio
import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from omnisearch.api import service as module
from omnisearch.api.service import Pools, SearchEngine, Service
from omnisearch.api.thread_pool import ThreadPool
from omnisearch.config import Settings, load_settings
from omnisearch.errors import BusyError, FingerprintError, NoIndexError
from omnisearch.types import Modality
from tests.api.conftest import ScriptedEngine, ToyRenderer, open_client, wait_until_ready


def test_livez_answers_while_the_engine_opens(settings: Settings, engine: ScriptedEngine) -> None:
    go = threading.Event()

    def slow(_: Settings) -> SearchEngine:
        go.wait(120)
        return engine

    with open_client(settings, engine_factory=slow) as client:
        assert client.get("/livez").json() == {"status": "alive"}
        for answer in (client.get("/readyz"), client.post("/v1/search", json={"query": [{"text": "a"}]})):
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["retry-after"].isdecimal()
            assert answer.json()["code"] == "not_ready"
        go.set()
        wait_until_ready(client)
    assert [str(term) for query in engine.queries for term in query.terms] == ["warm up"]
    assert engine.closed


def test_probes_answer_head_without_a_body(client: TestClient) -> None:
    for path in ("/livez", "/readyz"):
        answer = client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert client.head(f"{path}?x=1").status_code == 422


def test_a_path_with_a_slash_too_many_is_no_path(client: TestClient) -> None:
    for path in ("/livez/", "/v1/items/", "/v1/collections/", "/v1/jobs/"):
        answer = client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_index_that_appears_later_is_found_and_the_log_says_once_what_is_missing(
    settings: Settings, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)
    there, tries = threading.Event(), []

    def open_engine(_: Settings) -> SearchEngine:
        if not there.is_set():
            tries.append(1)
            raise NoIndexError("nothing is indexed: run omnisearch index PATH")
        return engine

    with open_client(settings, engine_factory=open_engine) as client:
        while client.get("/readyz").json()["code"] == "not_ready":
            pass
        problem = client.get("/readyz").json()
        assert (problem["status"], problem["code"]) == (503, "no_index")
        assert "omnisearch index" in problem["detail"]
        while len(tries) < 3:
            client.get("/livez")
        there.set()
        wait_until_ready(client)
    assert caplog.messages.count("not ready: nothing is indexed: run omnisearch index PATH") == 1


def test_an_index_of_another_model_is_a_conflict(settings: Settings) -> None:
    def refuse(_: Settings) -> SearchEngine:
        raise FingerprintError("the index was made by another model")

    with open_client(settings, engine_factory=refuse) as client:
        while (answer := client.get("/readyz")).json()["code"] == "not_ready":
            pass
        assert (answer.status_code, answer.json()["code"]) == (409, "fingerprint")


def test_the_encoders_that_are_set_are_loaded_before_it_is_ready(
    engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISEARCH_WARM", "image, audio")
    with open_client(load_settings(), engine_factory=lambda _: engine) as client:
        wait_until_ready(client)
        assert engine.warmed == [Modality.IMAGE, Modality.AUDIO]


def test_a_failing_warm_up_closes_the_engine(settings: Settings, engine: ScriptedEngine) -> None:
    def crash(_: object) -> None:
        raise RuntimeError("no such tower")

    engine.before = crash
    with open_client(settings, engine_factory=lambda _: engine) as client:
        while not engine.closed:
            assert client.get("/readyz").status_code == 503


def test_a_question_too_many_is_refused_and_a_place_is_free_again(settings: Settings, engine: ScriptedEngine) -> None:
    async def scenario() -> None:
        pools: Pools = {kind: ThreadPool(kind, 1, 1) for kind in ("open", "search")}
        service = Service(settings, lambda _: engine, pools)
        await service.start()
        while service.problem:
            await asyncio.sleep(0.01)
        go = threading.Event()
        running = [asyncio.create_task(service.ask(lambda _: go.wait(120))) for _ in range(2)]
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError):
            await service.ask(lambda _: None)
        running[0].cancel()  # its client hung up, but its thread still works
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError):
            await service.ask(lambda _: None)
        go.set()
        assert await running[1] is True
        assert await service.ask(lambda _: "free") == "free"
        assert service.is_idle
        await service.close()
        for pool in pools.values():
            pool.close()

    asyncio.run(scenario())


def test_the_renderer_is_closed(settings: Settings, engine: ScriptedEngine) -> None:
    renderer = ToyRenderer()
    with open_client(settings, engine_factory=lambda _: engine, renderer_factory=lambda _: renderer):
        assert not renderer.closed
    assert renderer.closed
    assert not (Path(settings.data_dir) / "previews").exists()
