"""Replicas: servers that only search, behind a balancer, over a Qdrant server whose index the main server keeps."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from omnisearch.api.upload_store import UploadStore
from omnisearch.cli.serve import serve
from omnisearch.config import Settings, load_settings
from omnisearch.errors import NoIndexError, UsageError
from omnisearch_indexer.session import index_files
from tests.api.conftest import IDS, PATIENCE_SECONDS, ScriptedEngine, open_client, picture, wait_until_ready
from tests.api.test_access import BODY, OPERATIONS, filled
from tests.indexer.mixed_files import write_mixed
from tests.stores.fake_server import FakeServer, running
from tests.test_docs import ROOT

KEY = "k" * 40
AUTHORIZED = {"authorization": f"Bearer {KEY}"}
FILES = 40
DEPLOY = ROOT / "docs" / "deploy.md"
REPEATED = {404, 503}  # the statuses after which a balancer asks the next server
# What needs the data directory of the index.
REFUSED = {
    *((method, path) for method, path in OPERATIONS if path.startswith(("/v1/jobs", "/v1/uploads", "/v1/roots"))),
    ("DELETE", "/v1/items/{item_id}"),
    ("GET", "/v1/items/{item_id}/copies"),
    ("GET", "/v1/failures"),
    ("GET", "/v1/storage"),
    ("GET", "/v1/collections"),
    ("POST", "/v1/collections"),
    ("DELETE", "/v1/collections/{name}"),
    ("POST", "/v1/models/{name}/pull"),
}
BODIES = {
    "/v1/collections": b'{"name":"new"}',
    "/v1/locate": json.dumps({"query": [{"text": "dog"}], "item_id": IDS["im"]}).encode(),
    "/v1/embeddings": b'{"input":"dog","model":"toy"}',
    "/v1/search/batch": b'{"queries":[{"query":[{"text":"dog"}]}]}',
}


@pytest.fixture
def replica(engine: ScriptedEngine) -> Iterator[TestClient]:
    """A replica whose Qdrant server has the collections `default` and `photos`."""

    def open_engine(settings: Settings) -> ScriptedEngine:
        if settings.collection not in {"default", "photos"}:
            raise NoIndexError("nothing was indexed")
        return engine

    with open_client(load_settings(), engine_factory=open_engine, is_replica=True) as client:
        wait_until_ready(client)
        yield client


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_a_replica_refuses_exactly_what_needs_the_data_directory(replica: TestClient, method: str, path: str) -> None:
    sent: dict[str, Any] = {"content": BODIES.get(path, BODY), "headers": {"content-type": "application/json"}}
    if (method, path) == ("POST", "/v1/uploads"):
        sent = {"files": {"file": ("red.png", picture())}}
    answer = replica.request(method, filled(path), **sent)
    is_refused = answer.status_code == 404 and answer.json()["code"] == "replica"
    assert is_refused == ((method, path) in REFUSED), answer.text
    assert not list(load_settings().data_dir.glob("*.sqlite*"))


def test_a_replica_refuses_uploads_as_terms(replica: TestClient) -> None:
    answer = replica.post("/v1/search", json={"query": [{"upload_id": "0" * 32}]})
    assert (answer.status_code, answer.json()["code"]) == (404, "replica")


def test_a_replica_does_not_look_for_expired_uploads(engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = list[Settings]()
    monkeypatch.setattr(UploadStore, "exists", looked.append)
    for is_replica in (True, False):
        with open_client(load_settings(), engine_factory=lambda _: engine, is_replica=is_replica) as client:
            wait_until_ready(client)
        assert bool(looked) != is_replica


def test_a_replica_opens_the_collections_of_its_qdrant_server(replica: TestClient) -> None:
    assert replica.get("/v1/search?q=dog&collection=photos").status_code == 200
    assert replica.get("/v1/collections/photos").json()["name"] == "photos"
    for n in range(3):
        for path in (f"/v1/search?q=dog&collection=none{n}", f"/v1/collections/none{n}"):
            answer = replica.get(path)
            assert (answer.status_code, answer.json()["code"]) == (404, "collection_not_found")
    assert set(replica.get("/readyz").json()["collections"]) == {"default", "photos"}


def test_a_replica_needs_a_qdrant_server_and_watches_nothing() -> None:
    with pytest.raises(UsageError, match="--store"):
        serve(port=0, replica=True)
    with pytest.raises(UsageError, match="--watch"):
        serve(port=0, replica=True, watch=True, store="http://127.0.0.1:1")


def test_the_documented_balancer_repeats_requests_after_these_statuses() -> None:
    (rule,) = re.findall(r"proxy_next_upstream (.*);", DEPLOY.read_text(encoding="utf-8"))
    assert {int(word[-3:]) for word in rule.split() if word.startswith("http_")} == REPEATED


class Balancer(ThreadingHTTPServer):
    """Asks servers in turn. After an error of the connection or a status of REPEATED, it asks the next one."""

    daemon_threads = True

    def __init__(self, urls: Sequence[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.urls, self.turn = urls, 0
        self.answered: list[str] = []
        self.client = httpx2.Client(timeout=PATIENCE_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Balancer

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        self.server.turn += 1
        answer = None
        for n in range(len(self.server.urls)):
            url = self.server.urls[(self.server.turn + n) % len(self.server.urls)]
            try:
                answer = self.server.client.request(self.command, url + self.path, content=body, headers=headers)
            except httpx2.TransportError:
                continue
            if answer.status_code not in REPEATED:
                self.server.answered.append(url)
                break
        assert answer is not None, "no server answers"
        self.send_response(answer.status_code)
        for name in ("content-type", "location"):
            if name in answer.headers:
                self.send_header(name, answer.headers[name])
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@contextmanager
def balancing(urls: Sequence[str]) -> Iterator[tuple[Balancer, httpx2.Client]]:
    """A balancer, and a client of it."""
    with Balancer(urls) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}"
            with httpx2.Client(base_url=url, headers=AUTHORIZED, timeout=PATIENCE_SECONDS) as client:
                yield server, client
        finally:
            server.shutdown()
            thread.join()
            server.client.close()


class Servers:
    """Processes of `omnisearch serve` with data directories of their own, over one Qdrant server and one folder."""

    def __init__(self, place: Path, model: Path, store: str) -> None:
        self._place, self._processes = place, dict[str, subprocess.Popen[str]]()
        self.settings = load_settings(data_dir=place / "main", model=str(model), store=store, workers=1)
        (place / "keys").write_text(f"me:admin:{KEY}\n")

    def start(self, *names: str) -> list[str]:
        """Start the main server, or replicas, and return their addresses once they are ready."""
        processes = [self._begin(name) for name in names]
        urls = list[str]()
        for process in processes:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            self._processes[url] = process
            with httpx2.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
                wait_until_ready(client)
            urls.append(url)
        return urls

    def _begin(self, name: str) -> subprocess.Popen[str]:
        variables = {
            "OMNISEARCH_DATA_DIR": str(self._place / name),
            "OMNISEARCH_MODEL": self.settings.model,
            "OMNISEARCH_STORE": str(self.settings.store),
            "OMNISEARCH_API_KEYS_FILE": str(self._place / "keys"),
            "OMNISEARCH_INDEX_ROOTS": str(self._place / "media"),
        }
        command = [sys.executable, "-m", "omnisearch", "serve", "--port", "0"]
        command += [] if name == "main" else ["--replica"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables})

    def end(self, url: str, how: signal.Signals) -> None:
        process = self._processes.pop(url)
        process.send_signal(how)
        process.wait(PATIENCE_SECONDS)
        assert process.stdout is not None
        process.stdout.close()

    def close(self) -> None:
        for url in list(self._processes):
            self.end(url, signal.SIGTERM)


@pytest.fixture
def servers(tmp_path: Path, hashed_model: Path) -> Iterator[Servers]:
    """A folder of media that is indexed in a Qdrant server, which is a fake, and no server yet."""
    write_mixed(tmp_path / "media", FILES)
    with running(FakeServer()) as store:
        made = Servers(tmp_path, hashed_model, store.url)
        assert index_files([tmp_path / "media"], made.settings).failed == 0
        # The previews of all servers are in one folder, as on a shared mount.
        (tmp_path / "replica").mkdir()
        (tmp_path / "replica" / "previews").symlink_to(tmp_path / "main" / "previews")
        try:
            yield made
        finally:
            made.close()


def queries(ids: Sequence[str]) -> list[dict[str, Any]]:
    """Fifty queries of words and items, with conditions, operators and groups."""
    made: list[dict[str, Any]] = []
    for n, item in enumerate(ids[:10]):
        made += [
            {"query": [{"text": f"note {n} word{n % 7}"}], "limit": 20},
            {"query": [{"item_id": item}], "limit": 7},
            {"query": [{"item_id": item}, {"text": "more words", "weight": -0.5}], "modalities": ["image", "audio"]},
            {"query": {"and": [{"text": "page number"}, {"not": {"text": f"note {n}"}}]}, "group": "modality"},
            {"query": [{"text": f"{n}.png"}], "where": [f"path:**/*{n}*"], "sort": "name", "min_relevance": 0.01},
        ]
    return made


def hits(client: httpx2.Client, query: dict[str, Any]) -> dict[str, Any]:
    """The answer to a query, without its times."""
    answer = client.post("/v1/search", json=query)
    assert answer.status_code == 200, answer.text
    return {name: value for name, value in answer.json().items() if name != "took_ms"}


def pages(ask: Callable[[str], dict[str, Any]], name: str) -> list[str]:
    """The ids of a list on all its pages."""
    found, cursor = list[str](), ""
    while cursor is not None:
        page = ask(cursor)
        found += [one["id"] for one in page[name]]
        cursor = page["next_cursor"]
    return found


@pytest.mark.slow
def test_replicas_answer_as_one_server(servers: Servers, tmp_path: Path) -> None:
    main, replica = servers.start("main", "replica")
    with ExitStack() as held:
        own, other = (
            held.enter_context(httpx2.Client(base_url=url, headers=AUTHORIZED, timeout=PATIENCE_SECONDS))
            for url in (main, replica)
        )
        balancer, client = held.enter_context(balancing([main, replica]))
        ids = [item["id"] for item in own.get("/v1/items?limit=200").json()["items"]]
        assert len(ids) == FILES
        asked = queries(ids)
        assert len(asked) == 50
        for query in asked:
            assert hits(own, query) == hits(other, query)
        for path in ("/v1/stats", "/v1/facets", "/v1/suggestions?q=no", *(f"/v1/items/{item}" for item in ids)):
            assert own.get(path).json() == other.get(path).json()
        for item in ids:
            one, two = (each.get(f"/v1/items/{item}/preview") for each in (own, other))
            assert one.status_code == two.status_code
            assert one.content == two.content or one.status_code == 404
            assert own.get(f"/v1/items/{item}/content").content == other.get(f"/v1/items/{item}/content").content

        # A cursor goes from one server to the other.
        whole = {"query": [{"text": "page number"}], "fold": False}
        balancer.answered.clear()
        listed = pages(lambda cursor: hits(client, {**whole, "limit": 4, "cursor": cursor}), "hits")
        assert listed == [hit["id"] for hit in hits(own, {**whole, "limit": 200})["hits"]]
        assert len(listed) == FILES
        for order in ("order=mtime", "order=sample&seed=3"):
            link = f"/v1/items?{order}&limit=3&cursor="
            listed = pages(lambda cursor, link=link: client.get(link + cursor).json(), "items")  # type: ignore[misc]
            assert sorted(listed) == sorted(ids)
        assert set(balancer.answered) == {main, replica}

        # An upload is on the main server, which gets the queries that name it.
        sent = client.post("/v1/uploads", files={"file": ("red.png", picture())})
        assert sent.status_code == 201
        named = {"query": [{"upload_id": sent.json()["id"]}], "limit": 5}
        assert all(hits(client, named) == hits(own, named) for _ in range(4))
        assert client.get(f"/v1/uploads/{sent.json()['id']}/preview").status_code == 200

        # A job runs on the main server, and all servers find what it indexed.
        (tmp_path / "media" / "new.txt").write_text("a zebra that nobody saw before")
        queued = client.post("/v1/jobs", json={"kind": "index", "paths": [str(tmp_path / "media")]})
        assert queued.status_code == 202, queued.text
        end = time.monotonic() + PATIENCE_SECONDS
        while (job := client.get(queued.headers["location"]).json())["state"] != "done":
            assert job["state"] in {"queued", "running"}, job
            assert time.monotonic() < end, job
            time.sleep(0.2)
        for each in (own, other):
            found = hits(each, {"query": [{"text": "a zebra that nobody saw before"}], "modalities": ["text"]})
            assert found["hits"][0]["path"].endswith("new.txt")


@pytest.mark.slow
def test_a_killed_server_is_replaced_by_the_other(servers: Servers) -> None:
    main, replica = servers.start("main", "replica")
    query = {"query": [{"text": "page number"}], "limit": 4}
    with balancing([main, replica]) as (balancer, client):
        expected = [hits(client, query) for _ in range(4)]
        assert set(balancer.answered) == {main, replica}
        assert all(answer == expected[0] for answer in expected)
        cursor = expected[0]["next_cursor"]
        following = hits(client, {**query, "cursor": cursor})

        def assert_answered_by(server: str) -> None:
            balancer.answered.clear()
            for _ in range(4):
                assert hits(client, query) == expected[0]
                assert hits(client, {**query, "cursor": cursor}) == following
            assert set(balancer.answered) == {server}

        servers.end(replica, signal.SIGKILL)
        assert_answered_by(main)

        [again] = servers.start("replica")
        balancer.urls = [main, again]
        servers.end(main, signal.SIGKILL)
        assert_answered_by(again)
        refused = client.post("/v1/jobs", json={"kind": "map"})
        assert (refused.status_code, refused.json()["code"]) == (404, "replica")


@contextmanager
def nginx(folder: Path, urls: Sequence[str]) -> Iterator[tuple[Path, httpx2.Client]]:
    """Run the documented balancer over three addresses; yield its log of the servers that were asked, and a client."""
    (server,) = re.findall(r"^```nginx\n(upstream main .*?)^```", DEPLOY.read_text(encoding="utf-8"), re.M | re.S)
    for n, url in enumerate(urls, 1):
        server = server.replace(f"192.0.2.{n}:8000", url.removeprefix("http://"))
    port, log = free_port(), folder / "asked.log"
    server = server.replace("listen 80;", f"listen 127.0.0.1:{port};")
    log_lines = f"log_format asked '$upstream_addr'; access_log {log} asked;"
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/pid; events {{}} http {{ {places} {log_lines}\n{server}\n}}"
    )
    process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf", "-e", folder / "error.log"])
    try:
        url = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=url, headers=AUTHORIZED, timeout=PATIENCE_SECONDS) as client:
            wait_until_it_listens(port)
            wait_until_ready(client)
            yield log, client
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def wait_until_it_listens(port: int) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    with socket.socket() as one:
        while one.connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < end
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.slow
def test_the_documented_nginx_sends_each_request_to_a_server_that_can_answer(servers: Servers, tmp_path: Path) -> None:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    main, replica = servers.start("main", "replica")
    query = {"query": [{"text": "page number"}], "limit": 4}
    (tmp_path / "nginx").mkdir()
    with nginx(tmp_path / "nginx", [main, replica, f"http://127.0.0.1:{free_port()}"]) as (log, client):
        first, *others = (hits(client, query) for _ in range(6))
        assert all(answer == first for answer in others)
        sent = client.post("/v1/uploads", files={"file": ("red.png", picture())})
        assert sent.status_code == 201
        named = {"query": [{"upload_id": sent.json()["id"]}], "limit": 5}
        assert len({json.dumps(hits(client, named)) for _ in range(4)}) == 1
        asked = log.read_text()
        assert all(url.removeprefix("http://") in asked for url in (main, replica))

        servers.end(main, signal.SIGKILL)
        assert all(hits(client, query) == first for _ in range(6))
        assert client.post("/v1/jobs", json={"kind": "map"}).status_code == 502
