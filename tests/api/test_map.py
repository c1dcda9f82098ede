"""GET /v1/map and DELETE /v1/items/{id}."""

from contextlib import closing
from pathlib import Path
from threading import Event

import pytest
from fastapi.testclient import TestClient

from omnisearch.config import Settings, load_settings
from omnisearch.jobs.store import JobStore
from omnisearch.jobs.worker import Worker
from omnisearch.search.map import MAP_FILE, Map, MapPoint, write_map
from omnisearch.types import Modality
from omnisearch_indexer.session import index_files
from tests.api.conftest import IDS, ScriptedEngine, open_client, wait_until_ready


def kept(settings: Settings) -> None:
    settings.index_dir.mkdir(parents=True, exist_ok=True)
    points = (MapPoint(IDS["im"], Modality.IMAGE, 0.5, -1.0),)
    write_map(Map("toy", len(IDS), 1.7e9, points), settings.index_dir)


def test_without_a_map_the_answer_says_how_to_make_one(client: TestClient) -> None:
    answer = client.get("/v1/map")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "/v1/jobs" in answer.json()["detail"]
    job = client.post("/v1/jobs", json={"kind": "map"})
    assert (job.status_code, job.json()["kind"], job.json()["params"]) == (202, "map", {})
    assert client.post("/v1/jobs", json={"kind": "map", "paths": ["/"]}).status_code == 422


def test_a_map_is_shown_and_held_by_its_etag(client: TestClient, settings: Settings, engine: ScriptedEngine) -> None:
    kept(settings)
    answer = client.get("/v1/map")
    point = {"id": IDS["im"], "modality": "image", "x": 0.5, "y": -1.0}
    assert answer.json() == {"items": 6, "made": 1.7e9, "stale": False, "points": [point]}
    held = {"if-none-match": answer.headers["etag"]}
    again = client.get("/v1/map", headers=held)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", answer.headers["etag"])

    engine.payloads = engine.payloads[1:]
    changed = client.get("/v1/map", headers=held)
    assert (changed.status_code, changed.json()["stale"]) == (200, True)


@pytest.mark.parametrize("text", ["", "{}", '{"points": [[1]]}'])
def test_a_damaged_map_counts_as_none(client: TestClient, settings: Settings, text: str) -> None:
    kept(settings)
    (settings.index_dir / MAP_FILE).write_text(text)
    assert client.get("/v1/map").status_code == 404


def test_an_item_is_deleted_by_a_job(client: TestClient, settings: Settings) -> None:
    answer = client.delete(f"/v1/items/{IDS['im']}")
    job = answer.json()
    assert (answer.status_code, job["kind"], job["params"]) == (202, "forget", {"item_ids": [IDS["im"]]})
    assert (job["collection"], answer.headers["location"]) == ("default", f"/v1/jobs/{job['id']}")
    assert client.get(answer.headers["location"]).json() == job
    for unknown in ("0" * 32, "nothing"):
        refused = client.delete(f"/v1/items/{unknown}")
        assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    for hostile in ("..%2F..", "a" * 129, "a%00b", "*"):
        assert client.delete(f"/v1/items/{hostile}").status_code in (404, 422)
    assert len(client.get("/v1/jobs").json()["jobs"]) == 1


def test_jobs_of_a_real_index(hashed_model: Path, tmp_path: Path) -> None:
    """The map is made, an item is deleted while its file stays, and the map is stale."""
    folder = tmp_path / "files"
    folder.mkdir()
    for word in ("one", "two", "three"):
        (folder / f"{word}.txt").write_text(word)
    settings = load_settings(model=str(hashed_model))
    assert not index_files([folder], settings).failed
    with open_client(settings) as client, closing(JobStore.open(settings)) as jobs:
        wait_until_ready(client)
        worker = Worker(settings, jobs, Event())
        client.post("/v1/jobs", json={"kind": "map"})
        assert worker.run_one()
        shown = client.get("/v1/map").json()
        assert (shown["items"], len(shown["points"]), shown["stale"]) == (3, 3, False)

        gone = shown["points"][0]["id"]
        location = client.delete(f"/v1/items/{gone}").headers["location"]
        assert worker.run_one()
        assert client.get(location).json()["state"] == "done"
        assert client.get(f"/v1/items/{gone}").status_code == 404
        assert {entry["id"] for entry in client.get("/v1/items").json()["items"]} == {
            point["id"] for point in shown["points"][1:]
        }
        assert client.get("/v1/map").json()["stale"]
        assert client.get("/v1/stats").json()["items"]["text"] == 2
    assert len(list(folder.iterdir())) == 3
