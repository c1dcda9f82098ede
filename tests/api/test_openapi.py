"""The OpenAPI description tells the truth: every refusal that it lists can be met, and is a problem document."""

import errno
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from omnisearch.api.errors import MEDIA_TYPE
from omnisearch.api.idempotency import StoredAnswers
from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.api.upload_store import UploadStore
from omnisearch.config import load_settings
from omnisearch.errors import ConflictError, DiskFullError, FingerprintError
from omnisearch.jobs.job import Progress, State
from omnisearch.jobs.store import JobStore
from omnisearch.schema.problem import Problem
from tests.api.conftest import IDS, ScriptedEngine, description, open_client, tone, wait_until_ready, write_payloads
from tests.api.test_access import filled

MAX_BODY = 4096
KEY = "k" * 40
NO_ITEM = "0" * 32
DESCRIBED = description()
OPERATIONS = [(method, path) for path, methods in DESCRIBED["paths"].items() for method in methods]
REFUSALS = [
    (method, path, int(status))
    for method, path in OPERATIONS
    for status in DESCRIBED["paths"][path][method]["responses"]
    if int(status) >= 400
]
# For operations whose 404 is not about a part of the path: parameters and bodies that name nothing.
NAMES_NOTHING: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/v1/search"): {"json": {"query": {"item_id": NO_ITEM}}},
    ("get", "/v1/search"): {"params": {"q": f"id:{NO_ITEM}"}},
    ("post", "/v1/locate"): {"json": {"query": {"text": "dog"}, "item_id": NO_ITEM}},
    ("post", "/v1/embeddings"): {"json": {"model": "nonsense", "input": "dog"}},
}
# Requests of operations that check their parameters before they ask the index.
VALID: dict[tuple[str, str], dict[str, Any]] = {
    ("get", "/v1/search"): {"params": {"q": "dog"}},
    ("get", "/v1/suggestions"): {"params": {"q": "dog"}},
    ("post", "/v1/uploads"): {"files": {"file": ("a.wav", b"x" * 100)}},
    ("post", "/v1/jobs"): {"json": {"kind": "forget", "item_ids": [NO_ITEM]}},
    ("post", "/v1/collections"): {"json": {"name": "default"}},
    ("get", "/v1/collections/{name}"): {"url": "/v1/collections/default"},
}
# Items that have what only some modalities have, by the end of its path.
OWNERS = {"frame": "vi", "model.glb": "3d", "page": "tx", "peaks": "au", "text": "tx"}
NO_COLLECTION = {"params": {"collection": "nothing"}}
# Multipart bodies with a file, for operations that write one to the disk.
WITH_FILE = {
    "/v1/search": {"query": {"file": "a"}},
    "/v1/search/batch": {"queries": [{"query": {"file": "a"}}]},
    "/v1/locate": {"query": {"text": "dog"}, "file": "a"},
    "/v1/embeddings": {"model": "toy", "input": [{"type": "file", "file": {"file_id": "a"}}]},
}


# Answer a repeated request once, by its Idempotency-Key.
CREATING = {"/v1/jobs", "/v1/uploads", "/v1/models/{name}/pull"}


class LostEngine(ScriptedEngine):
    """Knows the six items and no other one."""

    def search(self, query: Any, *more: Any) -> Any:
        """As the real engine, look up the items of the query."""
        for term in query.terms:
            if hasattr(term.source, "id"):
                self.item(term.source.id)
        return super().search(query, *more)

    def locate(self, query: Any, source: Any, *more: Any) -> Any:
        """As the real engine, look up the item."""
        if hasattr(source, "id"):
            self.item(source.id)
        return super().locate(query, source, *more)


# Statuses whose refusals are met by the request alone: all of them are sent to one app.
BY_REQUEST = {400, 401, 403, 404, 413, 415, 416, 421, 422, 429}


@contextmanager
def opened(folder: Path) -> Iterator[TestClient]:
    settings = load_settings(
        data_dir=folder / "data", weights_dir=folder / "weights", api_keys=f"all:admin:{KEY}", key_rate=1e6
    )
    written = write_payloads(folder / "collection")
    payloads = [replace(p, mime="application/pdf") if p.item_id == IDS["tx"] else p for p in written]
    slow_key = KeyFile(settings.data_dir).add("slow", [Scope.ADMIN], rate=1e-3)
    with open_client(settings, engine_factory=lambda _: LostEngine(payloads), max_body_bytes=MAX_BODY) as client:
        wait_until_ready(client)
        client.headers["x-api-key"], state(client).slow_key = KEY, slow_key
        yield client


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with opened(tmp_path) as client:
        yield client


@pytest.fixture(scope="module")
def shared_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """For requests that change nothing."""
    with opened(tmp_path_factory.mktemp("shared")) as client:
        yield client


# Refused for a header, whatever else is sent.
HEADERS = {
    401: {"x-api-key": "wrong"},
    403: {"origin": "http://evil.example"},
    415: {"content-encoding": "gzip"},
    416: {"range": "bytes=999999-"},
    421: {"host": "evil.example"},
}


def provoke(
    status: int, method: str, path: str, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> httpx2.Response:
    """Send a request of an operation that is to be refused with this status."""
    if path.startswith("/v1/uploads/{upload_id}/") and status != 404:
        sent = client.post("/v1/uploads", files={"file": ("a.wav", tone())}).json()
        path = path.replace("{upload_id}", sent["id"])
    if status == 429:
        monkeypatch.setitem(client.headers, "x-api-key", state(client).slow_key)
        client.get("/v1/status")
    if status == 503:
        state(client).draining.set()
    if status == 409 and "{job_id}" in path:
        return client.request(method, path.replace("{job_id}", job(client, path)))
    if status == 409 and path in CREATING:
        monkeypatch.setattr(StoredAnswers, "begin", begun)
    elif status == 409:
        service = state(client).collections.default
        service._engine, service._missing = None, FingerprintError("another model made it")
    with full_disk(monkeypatch) if status == 507 else nullcontext():
        item = OWNERS.get(path.rpartition("/")[2], "im")
        url = filled(path.replace("{item_id}", IDS[item]).replace("{name}/pull", "mini/pull"))
        return client.request(method, **{"url": url, **wrong(status, method, path)})


def wrong(status: int, method: str, path: str) -> dict[str, Any]:
    """What is wrong with a request that is refused with this status."""
    if status in HEADERS:
        return {"headers": HEADERS[status]}
    if status == 400 and method == "get":
        return {"headers": {"range": "bytes=9-1"}}
    if status == 404:
        if "{" not in path:
            return NAMES_NOTHING.get((method, path), NO_COLLECTION)
        return {"url": filled(path.replace("{item_id}", NO_ITEM).replace("{name}", "nothing"))}
    if status == 507 and path in WITH_FILE:
        return {"data": {"query": json.dumps(WITH_FILE[path])}, "files": {"a": ("a.wav", b"x" * 100)}}
    return {
        400: {"content": b"--x", "headers": {"content-type": "multipart/form-data"}},
        409: {**VALID.get((method, path), {}), "headers": {"idempotency-key": "a-key"}},
        507: VALID.get((method, path), {}),
        413: {"content": b"x" * (MAX_BODY + 1)},
        422: {"params": {"nonsense": "1"}},
    }.get(status, {})


def job(client: TestClient, path: str) -> str:
    """The id of a job in a state in which an operation refuses it: one that has ended, or that waits."""
    with closing(JobStore.open(state(client).collections.default.settings)) as store:
        added = store.add("forget", {"item_ids": []})
        if path.endswith("/cancel"):
            claimed = store.claim("worker")
            assert claimed is not None
            store.end(claimed, "worker", State.DONE, Progress())
    return added.id


async def begun(*_: object) -> None:
    """Refuse a request whose Idempotency-Key another one is using."""
    raise ConflictError("the first request with this key is still being answered")


def state(client: TestClient) -> Any:
    """The parts of the app."""
    app: Any = client.app
    return app.state


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let every temporary folder and every table be on a full disk."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def full_table(*_: object, **__: object) -> None:
        raise DiskFullError("the disk of the table is full")

    with monkeypatch.context() as patch:
        patch.setattr("tempfile.mkdtemp", refuse)
        patch.setattr(JobStore, "add", full_table)
        patch.setattr(JobStore, "cancel", full_table)
        patch.setattr(JobStore, "retry", full_table)
        patch.setattr(UploadStore, "keep", full_table)
        patch.setattr(UploadStore, "remove", full_table)
        yield


@pytest.mark.parametrize(("method", "path", "status"), REFUSALS)
def test_every_refusal_in_the_description_can_be_met(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, method: str, path: str, status: int
) -> None:
    client = request.getfixturevalue("shared_client" if status in BY_REQUEST else "client")
    answer = provoke(status, method, path, client, monkeypatch)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem = Problem.model_validate_json(answer.text)
    assert problem.status == status
    assert set(answer.json()) <= set(Problem.model_fields)
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    described = DESCRIBED["paths"][path][method]["responses"][str(status)]["content"]
    assert described == {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def test_only_our_problems_are_described() -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(DESCRIBED["components"]["schemas"])


@pytest.mark.parametrize("status", [401, 404, 422, 429, 503])
@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/models"])
def test_routes_in_the_shape_of_openai_have_its_errors(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, status: int
) -> None:
    method = "post" if path == "/v1/embeddings" else "get"
    if status == 404 and method == "get":
        pytest.skip("the list of models is never missing")
    answer = provoke(status, method, path, client, monkeypatch).json()
    assert answer["error"]["message"] == answer["detail"]
    assert answer["error"]["code"] == answer["code"]
    usual = "server_error" if status == 503 else "invalid_request_error"
    assert answer["error"]["type"] == {401: "authentication_error", 429: "rate_limit_error"}.get(status, usual)
    assert answer["error"]["param"] == ("/query/nonsense" if status == 422 else None)


def test_other_routes_have_no_such_errors(client: TestClient) -> None:
    assert "error" not in client.get(f"/v1/items/{NO_ITEM}").json()
    assert client.get(f"/v1/items/{IDS['im']}").status_code == 200


def test_an_unknown_parameter_is_named_and_a_known_one_is_not(client: TestClient) -> None:
    answer = client.get("/v1/search", params={"q": "dog", "limt": 3})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/limt")
    assert client.get("/v1/search", params={"q": "dog", "limit": 3}).status_code == 200


def test_a_parameter_that_is_no_list_is_given_once(client: TestClient) -> None:
    answer = client.get("/v1/jobs?kind=index&kind=forget")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/kind")
    assert client.get("/v1/search?q=dog&where=path:a*&where=path:b*").status_code == 200
