"""/v1/jobs: queueing within the roots, lists, events that resume, cancel, retry and errors."""

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from omnisearch.api import job_table
from omnisearch.api.app import create_app
from omnisearch.config import Settings, load_settings
from omnisearch.cursors import pack
from omnisearch.jobs.job import Failure, Progress, State
from omnisearch.jobs.store import JobStore
from tests.api.conftest import ScriptedEngine, ToyRenderer, open_client, serving


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(root: Path) -> Settings:
    return load_settings(index_roots=(root,))


@pytest.fixture
def store(client: TestClient, settings: Settings) -> Iterator[JobStore]:
    with closing(JobStore.open(settings)) as store:
        yield store


def queue(client: TestClient, **body: Any) -> httpx2.Response:
    return client.post("/v1/jobs", json=body)


def test_an_index_job_is_queued_and_found_where_location_says(client: TestClient, root: Path) -> None:
    answer = queue(client, kind="index", paths=[str(root)])
    assert answer.status_code == 202
    job = answer.json()
    assert (job["state"], job["kind"], job["params"]["paths"]) == ("queued", "index", [str(root)])
    assert client.get(answer.headers["Location"]).json() == job
    assert client.get("/v1/jobs").json() == {"jobs": [job], "next_cursor": None}


@pytest.mark.parametrize("place", ["{root}/..", "{root}/link", "{root}/../photos2", "/etc", "/", "photos", "{root}\0"])
def test_no_path_leaves_the_roots(client: TestClient, root: Path, store: JobStore, place: str) -> None:
    (root / "link").symlink_to("/etc")
    root.with_name("photos2").mkdir()
    answer = queue(client, kind="index", paths=[place.format(root=root)])
    assert answer.status_code in (403, 422), answer.text
    if answer.status_code == 403:
        assert answer.json()["code"] == "outside_roots"
    assert store.page() == []


def test_a_path_may_be_as_long_as_the_system_allows(client: TestClient, root: Path) -> None:
    deep = f"{root}/{'folder/' * 550}x"
    assert queue(client, kind="index", paths=[deep]).json()["params"]["paths"] == [deep]
    assert queue(client, kind="index", paths=[deep + "x" * 4096]).status_code == 422


def test_paths_below_a_root_are_allowed_and_links_are_resolved(client: TestClient, root: Path) -> None:
    (root / "a").mkdir()
    (root / "to-a").symlink_to(root / "a")
    answer = queue(client, kind="index", paths=[f"{root}/to-a", f"{root}/a/../missing"])
    assert answer.json()["params"]["paths"] == [f"{root}/a", f"{root}/missing"]


def test_a_link_to_a_name_that_is_no_utf8_is_shown_escaped(client: TestClient, root: Path) -> None:
    odd = root / os.fsdecode(b"odd\xff")
    odd.mkdir()
    (root / "link").symlink_to(odd)
    answer = queue(client, kind="index", paths=[f"{root}/link"])
    assert answer.json()["params"]["paths"] == [f"{root}/odd%FF"]


def test_without_roots_nothing_is_indexed_and_the_answer_says_how(engine: ScriptedEngine, root: Path) -> None:
    with open_client(load_settings(), engine_factory=lambda _: engine) as client:
        answer = queue(client, kind="index", paths=[str(root)])
    assert answer.status_code == 403
    assert "OMNISEARCH_INDEX_ROOTS" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "index"},
        {"kind": "index", "paths": []},
        {"kind": "index", "paths": ["/a"], "item_ids": ["x"]},
        {"kind": "index", "paths": ["/a"], "prune": 1},
        {"kind": "index", "uploads": ["../../etc"]},
        {"kind": "enrich", "read": "none"},
        {"kind": "forget"},
        {"kind": "forget", "item_ids": ["../x"]},
        {"kind": "pull", "names": ["mini"]},
        {"kind": "dance"},
        {"paths": ["/a"]},
        [],
    ],
)
def test_bodies_are_typed_by_their_kind(client: TestClient, body: Any) -> None:
    answer = client.post("/v1/jobs", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_other_types_of_body_are_refused(client: TestClient) -> None:
    assert client.post("/v1/jobs", data={"kind": "index"}).status_code == 415
    assert client.post("/v1/jobs", content=b'{"a":1,"a":2}', headers={"Content-Type": "application/json"}).is_error


def test_the_list_is_filtered_and_paged(client: TestClient, store: JobStore) -> None:
    ids = [store.add("index", {}).id for _ in range(5)]
    store.cancel(ids[0])
    seen: list[str] = []
    cursor = ""
    while True:
        page = client.get("/v1/jobs", params={"limit": 2, "cursor": cursor, "state": ["queued"]}).json()
        seen += [job["id"] for job in page["jobs"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == ids[:0:-1]
    assert client.get("/v1/jobs", params={"kind": "pull"}).json()["jobs"] == []
    for wrong in ({"state": "odd"}, {"limit": 0}, {"cursor": "%"}, {"sort": "x"}):
        assert client.get("/v1/jobs", params=wrong).status_code == 422
    errors = f"/v1/jobs/{ids[0]}/errors"
    forged = [("/v1/jobs", pack("jobs", "\udcff")), ("/v1/jobs", pack(f"errors of {ids[0]}", "/a"))]
    forged += [(errors, pack(f"errors of {ids[0]}", 5)), (errors, pack(f"errors of {ids[1]}", "/a"))]
    for url, cursor in forged:
        assert client.get(url, params={"cursor": cursor}).json()["code"] == "query"
    odd = "/" + "caf\udce9\U0001f436" * 500  # as long as a path may be, and not in UTF-8
    assert client.get(errors, params={"cursor": pack(f"errors of {ids[0]}", odd)}).json()["errors"] == []


def test_cancel_and_retry(client: TestClient, store: JobStore) -> None:
    job = store.add("index", {"paths": [], "retry_failed": False})
    assert client.post(f"/v1/jobs/{job.id}/cancel").json()["state"] == "cancelled"
    again = client.post(f"/v1/jobs/{job.id}/retry")
    assert again.status_code == 202
    assert again.headers["Location"] == f"/v1/jobs/{job.id}"
    assert again.json()["params"]["retry_failed"] is True
    refused = client.post(f"/v1/jobs/{job.id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize("path", ["", "/events", "/errors", "/cancel", "/retry"])
def test_unknown_jobs_are_404_and_odd_ids_422(client: TestClient, path: str) -> None:
    ask = client.post if path in ("/cancel", "/retry") else client.get
    assert ask(f"/v1/jobs/{'0' * 16}{path}").status_code == 404
    assert ask(f"/v1/jobs/..%2fx{path}").status_code in (404, 422)
    assert ask(f"/v1/jobs/x{path}").status_code == 422


def events_of(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    event: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            event[name] = value
        elif event:
            yield event
            event = {}


def test_events_tell_progress_resume_after_a_cut_and_end_with_the_job(
    engine: ScriptedEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_table, "POLL_SECONDS", 0.01)
    app = create_app(settings, lambda _: engine, lambda _: ToyRenderer())
    with serving(app) as port, closing(JobStore.open(settings)) as store:
        job = store.add("index", {})
        url = f"http://127.0.0.1:{port}/v1/jobs/{job.id}/events"
        with httpx2.stream("GET", url, timeout=60) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            seen = events_of(answer.iter_lines())
            assert json.loads(next(seen)["data"])["state"] == "queued"
            running = store.claim("w")
            assert running is not None
            event = next(seen)
            assert (event["event"], json.loads(event["data"])["state"]) == ("progress", "running")
            last = event["id"]
        store.beat(running, "w", Progress(1, 2, "bytes"))  # while nobody watches
        with httpx2.stream("GET", url, headers={"Last-Event-ID": last}, timeout=60) as answer:
            seen = events_of(answer.iter_lines())
            missed = next(seen)
            assert json.loads(missed["data"])["progress"]["done"] == 1
            assert int(missed["id"]) > int(last)
            store.end(running, "w", State.DONE, Progress(2, 2, "bytes"), {"seen": 2})
            (end,) = list(seen)
        assert (end["event"], json.loads(end["data"])["result"]) == ("end", {"seen": 2})
        again = httpx2.get(url, headers={"Last-Event-ID": end["id"]}, timeout=60)
        assert [event["id"] for event in events_of(iter(again.text.split("\n")))] == [end["id"]]
        assert httpx2.get(url, headers={"Last-Event-ID": "x"}).status_code == 422


def test_watchers_are_bounded_and_leave_their_places(
    engine: ScriptedEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_table, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(job_table, "MAX_WATCHERS", 1)
    app = create_app(settings, lambda _: engine, lambda _: ToyRenderer())
    with serving(app) as port, closing(JobStore.open(settings)) as store:
        job = store.add("index", {})
        url = f"http://127.0.0.1:{port}/v1/jobs/{job.id}/events"
        with httpx2.stream("GET", url, timeout=60) as answer:
            lines = answer.iter_lines()  # the connection is closed when this is collected
            next(lines)
            refused = httpx2.get(url, timeout=60)
            assert refused.status_code == 503
            assert refused.headers["Retry-After"]
        store.cancel(job.id)
        while (after := httpx2.get(url, timeout=60)).status_code == 503:
            pass
        assert after.status_code == 200


def test_watchers_that_come_at_once_are_bounded_too(
    engine: ScriptedEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_table, "MAX_WATCHERS", 1)
    app, clients = create_app(settings, lambda _: engine, lambda _: ToyRenderer()), 8
    with serving(app) as port, closing(JobStore.open(settings)) as store, ThreadPoolExecutor(clients) as threads:
        url = f"http://127.0.0.1:{port}/v1/jobs/{store.add('index', {}).id}/events"
        everyone = threading.Barrier(clients)

        def watch(_: int) -> int:
            everyone.wait(60)
            with httpx2.stream("GET", url, timeout=60) as answer:
                everyone.wait(60)
                return answer.status_code

        assert sorted(threads.map(watch, range(clients))) == [200] + [503] * (clients - 1)


def test_watchers_do_not_hold_up_a_server_that_stops(
    engine: ScriptedEngine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_table, "POLL_SECONDS", 0.01)
    app = create_app(settings, lambda _: engine, lambda _: ToyRenderer())
    with serving(app) as port, closing(JobStore.open(settings)) as store:
        job = store.add("index", {})
        with httpx2.stream("GET", f"http://127.0.0.1:{port}/v1/jobs/{job.id}/events", timeout=60) as answer:
            lines = answer.iter_lines()
            next(lines)
            app.state.draining.set()
            list(lines)  # ends


def test_a_full_disk_is_507_and_queues_nothing(
    client: TestClient, root: Path, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omnisearch.errors import DiskFullError

    def full(*_: object) -> None:
        raise DiskFullError("the disk is full")

    monkeypatch.setattr(JobStore, "add", full)
    answer = queue(client, kind="index", paths=[str(root)])
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")


def test_the_errors_of_an_index_job_are_paged(
    client: TestClient, store: JobStore, root: Path, settings: Settings, hashed_model: Path
) -> None:
    from omnisearch.jobs.worker import Worker

    for n in range(3):
        (root / f"{n}.png").write_bytes(b"\x89PNG damaged")
    (root / "a.txt").write_text("a dog")
    other = root.with_name("other")
    other.mkdir()
    (other / "x.png").write_bytes(b"\x89PNG damaged")
    whole = settings.model_copy(update={"model": str(hashed_model), "index_roots": (root, other)})
    ids = [store.add("index", {"paths": [str(folder)], "retry_failed": False}).id for folder in (root, other)]
    one = Worker(whole, store, threading.Event())
    assert one.run_one()
    assert one.run_one()
    done = store.get(ids[0])
    assert done.state is State.DONE, done.error
    assert done.result is not None
    assert (done.result["indexed"], done.result["failed"]) == (1, 3)
    assert (done.progress.done, done.progress.message) == (done.progress.total, "4 of 4 files")
    first = client.get(f"/v1/jobs/{ids[0]}/errors", params={"limit": 2}).json()
    assert [Path(row["path"]).name for row in first["errors"]] == ["0.png", "1.png"]
    assert first["errors"][0]["reason"] == "damaged"
    rest = client.get(f"/v1/jobs/{ids[0]}/errors", params={"cursor": first["next_cursor"]}).json()
    assert [Path(row["path"]).name for row in rest["errors"]] == ["2.png"]
    assert rest["next_cursor"] is None


def test_an_index_job_whose_path_left_the_roots_fails(store: JobStore, settings: Settings, tmp_path: Path) -> None:
    from omnisearch.jobs.worker import Worker

    job = store.add("index", {"paths": [str(tmp_path)]})
    Worker(settings, store, threading.Event()).run_one()
    failed = store.get(job.id)
    assert failed.error == Failure("outside_roots", failed.error.detail if failed.error else "")
