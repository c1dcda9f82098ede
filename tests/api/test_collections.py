"""Collections over HTTP: made, listed, asked and removed, with few of them open at a time."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from fastapi.testclient import TestClient

from omnisearch.api import collections as module
from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.errors import FingerprintError, NoIndexError
from omnisearch.types import Modality
from tests.api.conftest import IDS, PATIENCE_SECONDS, ScriptedEngine, open_client, wait_until_ready


class Engines:
    """A scripted engine for each collection, made when it is opened. Those in `empty` have no index."""

    def __init__(self, first: ScriptedEngine) -> None:
        self.payloads, self.opened, self.empty = first.payloads, [("default", first)], set[str]()

    def open(self, settings: Settings) -> ScriptedEngine:
        name = settings.collection
        if name in self.empty:
            raise NoIndexError(f"nothing was indexed in {name} yet")
        if name == "default":
            return self.opened[0][1]
        made = ScriptedEngine(self.payloads[: len(name)])
        self.opened.append((name, made))
        return made

    def of(self, name: str) -> list[ScriptedEngine]:
        return [engine for opened, engine in self.opened if opened == name]


@pytest.fixture
def engines(engine: ScriptedEngine) -> Engines:
    return Engines(engine)


@pytest.fixture
def many(engines: Engines) -> Iterator[TestClient]:
    with served(engines) as client:
        yield client


@contextmanager
def served(engines: Engines, settings: Settings | None = None) -> Iterator[TestClient]:
    with open_client(settings or load_settings(), engine_factory=engines.open) as client:
        wait_until_ready(client)
        yield client


def create(client: TestClient, *names: str) -> None:
    for name in names:
        assert client.post("/v1/collections", json={"name": name}).status_code == 201


def test_a_collection_is_made_listed_asked_and_removed(many: TestClient, engines: Engines) -> None:
    engines.empty.add("photos")
    made = many.post("/v1/collections", json={"name": "photos"})
    assert (made.status_code, made.headers["location"]) == (201, "/v1/collections/photos")
    empty = {"name": "photos", "default": False, "model": None, "dim": None, "segments": {}}
    assert made.json() == many.get("/v1/collections/photos").json() == empty
    entries = [{"name": "default", "default": True}, {"name": "photos", "default": False}]
    assert many.get("/v1/collections").json() == {"collections": entries}
    refused = many.get("/v1/search?q=dog&collection=photos")
    assert (refused.status_code, refused.json()["code"]) == (503, "no_index")

    engines.empty.clear()  # it was indexed: the next request finds that
    found = many.post("/v1/search?collection=photos", json={"query": [{"text": "dog"}]})
    assert found.status_code == 200
    assert many.get("/v1/collections/photos").json()["segments"]["image"] == 1
    assert many.get("/v1/status?collection=photos").json()["collection"] == "photos"
    assert many.get("/v1/status").json()["collection"] == "default"
    assert many.get("/v1/collections/default").json()["model"] == "toy"

    assert many.delete("/v1/collections/photos").status_code == 204
    assert [each.closed for each in engines.of("photos")] == [True]
    for gone in (
        many.get("/v1/collections/photos"),
        many.delete("/v1/collections/photos"),
        many.get("/v1/search?q=dog&collection=photos"),
        many.get(f"/v1/items/{IDS['im']}?collection=photos"),
    ):
        assert (gone.status_code, gone.json()["code"]) == (404, "collection_not_found")
        assert str(many.app.state.collections.default.settings.data_dir) not in gone.text  # type: ignore[attr-defined]


def test_each_route_of_an_index_asks_the_collection_that_is_named(many: TestClient, engines: Engines) -> None:
    create(many, "abc")
    three = {Modality.IMAGE: 1, Modality.AUDIO: 2}
    answers = [
        many.get("/v1/status?collection=abc"),
        many.get("/v1/search?q=dog&collection=abc"),
        many.post("/v1/search?collection=abc", json={"query": [{"text": "dog"}]}),
        many.post("/v1/search/batch?collection=abc", json={"queries": [{"query": [{"text": "dog"}]}]}),
        many.get(f"/v1/items/{IDS['im']}?collection=abc"),
        many.get(f"/v1/items/{IDS['im']}/content?collection=abc"),
        many.get(f"/v1/items/{IDS['im']}/preview?collection=abc"),
        many.post("/v1/locate?collection=abc", json={"query": [{"text": "dog"}], "item_id": IDS["im"]}),
        many.post("/v1/embeddings?collection=abc", json={"model": "toy", "input": "dog"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * len(answers), [a.text for a in answers]
    assert {m: n for m, n in answers[0].json()["segments"].items() if n} == three
    (one,) = engines.of("abc")  # opened once
    assert len(one.queries) == 4  # the warm-up and three searches
    assert len(one.embedded) == len(one.located) == 1
    assert many.get(f"/v1/items/{IDS['tx']}?collection=abc").status_code == 404  # it is in the default one alone
    assert many.get(f"/v1/items/{IDS['tx']}").status_code == 200


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "A", "-a", "a" * 41, "a\n", "é", 7, None])
def test_a_name_that_is_not_safe_is_refused(many: TestClient, name: object) -> None:
    assert many.post("/v1/collections", json={"name": name}).status_code == 422
    if isinstance(name, str):
        assert many.get("/v1/status", params={"collection": name}).status_code == 422


def test_what_cannot_be_made_or_removed_says_why(many: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    create(many, "photos")
    for name in ("photos", "default"):
        taken = many.post("/v1/collections", json={"name": name})
        assert (taken.status_code, taken.json()["code"]) == (409, "conflict")
    assert many.post("/v1/collections", json={"name": "a", "more": 1}).status_code == 422
    kept = many.delete("/v1/collections/default")
    assert (kept.status_code, kept.json()["code"]) == (422, "usage")
    assert many.get("/v1/status").status_code == 200


def test_serve_may_have_another_default(engines: Engines) -> None:
    (load_settings().data_dir / "collections" / "photos").mkdir(parents=True)
    engines.empty.add("default")
    with served(engines, load_settings(collection="photos")) as client:
        assert client.get("/v1/status").json()["collection"] == "photos"
        assert [each["default"] for each in client.get("/v1/collections").json()["collections"]] == [False, True]
        assert client.delete("/v1/collections/photos").status_code == 422
        assert client.get("/v1/status?collection=default").json()["code"] == "no_index"


def test_the_one_that_was_not_used_for_longest_is_closed(
    many: TestClient, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_OPEN", 2)
    create(many, "a", "b", "c")
    for name in ("a", "b", "a", "c"):
        assert many.get(f"/v1/status?collection={name}").status_code == 200
    assert [[each.closed for each in engines.of(name)] for name in "abc"] == [[False], [True], [False]]
    assert many.get("/v1/status?collection=b").status_code == 200  # opened again, in the place of a
    assert [[each.closed for each in engines.of(name)] for name in "abc"] == [[True], [True, False], [False]]
    assert not engines.of("default")[0].closed


def test_one_that_is_in_use_is_not_closed(many: TestClient, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another is refused meanwhile, and a removal waits."""
    monkeypatch.setattr(module, "MOST_OPEN", 1)
    create(many, "a", "b")
    many.get("/v1/status?collection=a")
    going, asked = threading.Event(), threading.Event()

    def before(_: object) -> None:
        asked.set()
        going.wait(PATIENCE_SECONDS)

    engines.of("a")[0].before = before
    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(many.get, "/v1/search?q=dog&collection=a")
        assert asked.wait(PATIENCE_SECONDS)
        busy = many.get("/v1/status?collection=b")
        assert (busy.status_code, busy.json()["code"]) == (503, "busy")
        assert busy.headers["retry-after"]
        removal = threads.submit(many.delete, "/v1/collections/a")
        while many.get("/v1/status?collection=a").status_code != 404:
            sleep(0.01)
        assert not engines.of("a")[0].closed
        going.set()
        assert running.result().status_code == 200
        assert removal.result().status_code == 204
    assert engines.of("a")[0].closed
    assert many.get("/v1/status?collection=b").status_code == 200


def test_readiness_names_a_broken_collection_and_depends_on_all(many: TestClient, engines: Engines) -> None:
    create(many, "ab", "cd")
    assert many.get("/readyz").json() == {"status": "ready", "collections": {"default": "ready"}}
    engines.empty.add("cd")
    many.get("/v1/status?collection=ab")
    many.get("/v1/status?collection=cd")
    answer = many.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["collections"] == {"default": "ready", "ab": "ready", "cd": "no_index"}
    default = many.app.state.collections.default  # type: ignore[attr-defined]
    default._engine, default._missing = None, FingerprintError("another model made it")
    answer = many.get("/readyz")
    assert (answer.status_code, answer.json()["collections"]["default"]) == (200, "fingerprint")
    many.delete("/v1/collections/ab")
    answer = many.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (409, "fingerprint")


def test_metrics_count_the_segments_of_open_collections(many: TestClient) -> None:
    create(many, "ab", "closed")
    many.get("/v1/status?collection=ab")
    text = many.get("/metrics").text
    assert 'omnisearch_segments{collection="ab",modality="image"} 1.0' in text
    assert 'omnisearch_segments{collection="default",modality="text"} 2.0' in text
    assert 'collection="closed"' not in text


def test_two_collections_share_one_model_and_no_cursor(
    hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omnisearch_indexer.session import index_files

    loads: list[str] = []
    load = OmniBind.load

    def counted(name: str, settings: Settings, **options: Any) -> OmniBind:
        loads.append(name)
        return load(name, settings, **options)

    monkeypatch.setattr(OmniBind, "load", counted)
    settings = load_settings(model=str(hashed_model))
    for name, words in (("default", "rain snow"), ("pets", "dog cat mouse")):
        for word in words.split():
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{word}.txt").write_text(f"a {word}")
        index_files([tmp_path / name], settings.model_copy(update={"collection": name}), False, False)
    loads.clear()
    with open_client(settings) as client:
        wait_until_ready(client)
        found = client.get("/v1/search?q=dog&collection=pets&limit=2").json()
        assert {Path(hit["path"]).parent.name for hit in found["hits"]} == {"pets"}
        following = found["next_cursor"]
        assert len(client.get(f"/v1/search?q=dog&collection=pets&limit=2&cursor={following}").json()["hits"]) == 1
        refused = client.get(f"/v1/search?q=dog&limit=2&cursor={following}")
        assert (refused.status_code, refused.json()["code"]) == (422, "query")
        assert {Path(hit["path"]).parent.name for hit in client.get("/v1/search?q=dog").json()["hits"]} == {"default"}
    assert loads == [settings.model]
