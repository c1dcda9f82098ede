"""Every operation of docs/openapi.json is a method of both clients, with every parameter that it takes."""

import asyncio
import inspect
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from omnisearch import AsyncClient, Client, UploadRef
from omnisearch.client.call import Sent, SentEach
from omnisearch.client.calls import Calls
from omnisearch.config import Settings, load_settings
from omnisearch.jobs.job import State
from omnisearch.search.map import Map, MapPoint, write_map
from omnisearch.types import Modality
from tests.api.conftest import IDS, tone

DESCRIBED = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8"))["paths"]
OPERATIONS = {f"{method.upper()} {path}" for path, methods in DESCRIBED.items() for method in methods}
LEFT_OUT = {
    "GET /livez": "a probe of whoever supervises the server",
    "GET /readyz": "a probe of whoever supervises the server; a search waits for readiness by itself",
    "GET /metrics": "for Prometheus",
    "GET /v1/search": "the form for links of POST /v1/search",
}
SELECTED: dict[str, Any] = {
    "modalities": ["image", "audio"],
    "where": ["size<1GB", "mime:image/*"],
    "area": [(-1, -1), (1.0, -1e-9), (0, 1)],
}
# Operations in an order in which they succeed; `known` holds the ids that answers gave.
CALLS: dict[str, Callable[[Any, dict[str, str]], Any]] = {
    "POST /v1/uploads": lambda client, known: client.create_upload(tone(), "bark.wav", idempotency_key="a"),
    "GET /v1/uploads/{upload_id}": lambda client, known: client.upload(known["upload"]),
    "GET /v1/uploads/{upload_id}/preview": lambda client, known: client.upload_preview(known["upload"], "large"),
    "GET /v1/uploads/{upload_id}/peaks": lambda client, known: client.upload_peaks(known["upload"]),
    "POST /v1/search": lambda client, known: client.search(UploadRef(known["upload"]), limit=2),
    "POST /v1/search/batch": lambda client, known: client.search_batch(["a dog", "wrong"]),
    "GET /v1/suggestions": lambda client, known: client.suggestions("dog", 3),
    "POST /v1/locate": lambda client, known: client.locate("a dog", UploadRef(known["upload"])),
    "POST /v1/embeddings": lambda client, known: client.embed(["a dog", UploadRef(known["upload"])], "toy"),
    "GET /v1/models": lambda client, known: client.models(),
    "GET /v1/items": lambda client, known: client.items(**SELECTED, order="sample", seed=7, cursor="0"),
    "GET /v1/items/{item_id}": lambda client, known: client.item(IDS["au"]),
    "GET /v1/items/{item_id}/text": lambda client, known: client.text(IDS["tx"], cursor="0"),
    "GET /v1/items/{item_id}/neighbours": lambda client, known: client.neighbours(
        IDS["im"], 0, **SELECTED, limit=3, min_relevance=0.1
    ),
    "GET /v1/items/{item_id}/content": lambda client, known: client.content(IDS["im"]),
    "GET /v1/items/{item_id}/preview": lambda client, known: client.preview(IDS["im"], "large"),
    "GET /v1/items/{item_id}/frame": lambda client, known: client.frame(IDS["vi"], 2.5),
    "GET /v1/items/{item_id}/page": lambda client, known: client.page(IDS["tx"], 2),
    "GET /v1/items/{item_id}/copies": lambda client, known: client.copies(IDS["im"]),
    "GET /v1/items/{item_id}/model.glb": lambda client, known: client.glb(IDS["3d"]),
    "GET /v1/items/{item_id}/peaks": lambda client, known: client.peaks(IDS["au"]),
    "POST /v1/items/{item_id}/reveal": lambda client, known: client.reveal(IDS["im"]),
    "DELETE /v1/items/{item_id}": lambda client, known: client.delete_item(IDS["im"]),
    "POST /v1/jobs": lambda client, known: client.index(
        [Path(known["folder"])], [known["upload"]], idempotency_key="b"
    ),
    "GET /v1/jobs": lambda client, known: client.jobs([State.QUEUED, State.DONE], "index", cursor=known["cursor"]),
    "GET /v1/jobs/{job_id}": lambda client, known: client.job(known["job"]),
    "GET /v1/jobs/{job_id}/errors": lambda client, known: client.errors(known["job"], cursor=known["cursor"]),
    "POST /v1/jobs/{job_id}/cancel": lambda client, known: client.cancel(known["job"]),
    "GET /v1/jobs/{job_id}/events": lambda client, known: client.events(known["job"], 1),
    "POST /v1/jobs/{job_id}/retry": lambda client, known: client.retry(known["job"]),
    "GET /v1/storage": lambda client, known: client.storage(),
    "GET /v1/roots": lambda client, known: client.roots(),
    "GET /v1/roots/{number}/folders": lambda client, known: client.folders(0, "inner"),
    "GET /v1/failures": lambda client, known: client.failures("damaged", cursor=known["cursor"]),
    "GET /v1/stats": lambda client, known: client.stats(),
    "GET /v1/facets": lambda client, known: client.facets(**SELECTED, limit=3),
    "GET /v1/map": lambda client, known: client.map(),
    "GET /v1/status": lambda client, known: client.status(),
    "POST /v1/collections": lambda client, known: client.create_collection("photos", idempotency_key="c"),
    "GET /v1/collections": lambda client, known: client.collections(),
    "GET /v1/collections/{name}": lambda client, known: client.collection("photos"),
    "DELETE /v1/collections/{name}": lambda client, known: client.delete_collection("photos"),
    "GET /v1/models/{name}": lambda client, known: client.model("toy"),
    "GET /v1/models/{name}/plan": lambda client, known: client.plan("toy"),
    "POST /v1/models/{name}/pull": lambda client, known: client.pull("toy", idempotency_key="d"),
    "POST /v1/models/{name}/check": lambda client, known: client.check("toy"),
    "DELETE /v1/uploads/{upload_id}": lambda client, known: client.delete_upload(known["upload"]),
}
SAME = {"enrich", "forget", "make_map"}  # send POST /v1/jobs, as `index` does


def test_every_operation_has_a_method_or_a_reason_to_have_none() -> None:
    assert {*CALLS, *LEFT_OUT} == OPERATIONS
    assert not set(CALLS) & set(LEFT_OUT)


@pytest.fixture
def settings(tmp_path: Path, hashed_model: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("omnisearch.api.routes.items.open_folder", lambda path: None)
    made = load_settings(index_roots=(tmp_path / "collection",), model=str(hashed_model))
    made.index_dir.mkdir(parents=True)
    (tmp_path / "collection" / "inner").mkdir(parents=True)
    write_map(Map("toy", len(IDS), 1.7e9, (MapPoint(IDS["im"], Modality.IMAGE, 0.5, -1.0),)), made.index_dir)
    return made


@pytest.fixture
def known(tmp_path: Path) -> dict[str, str]:
    return {"folder": str(tmp_path / "collection"), "cursor": ""}


async def finished(value: Any) -> Any:
    """What a method of either client gives at last."""
    if inspect.isawaitable(value):
        return await value
    if isinstance(value, AsyncIterator):
        return [each async for each in value]
    return list(value) if isinstance(value, Iterator) else value


async def send_all(client: Any, known: dict[str, str]) -> dict[str, list[httpx2.Request]]:
    """Call every method of the table; returns the requests that each sent, by its operation."""
    sent: list[httpx2.Request] = []
    awaits = isinstance(client, AsyncClient)

    def note(request: httpx2.Request) -> None:
        sent.append(request)

    async def note_later(request: httpx2.Request) -> None:
        sent.append(request)

    client._http.event_hooks["request"].append(note_later if awaits else note)
    requests = {}
    for operation, call in CALLS.items():
        answer = await finished(call(client, known))
        if operation in ("POST /v1/uploads", "POST /v1/jobs"):
            known[operation.rpartition("/")[2].rstrip("s")] = answer.id
        requests[operation], sent[:] = list(sent), []
    return requests


def check(requests: dict[str, list[httpx2.Request]]) -> None:
    """Compare what was sent with what is described: methods, paths and all parameters."""
    for operation, (request,) in requests.items():
        method, path = operation.split()
        assert request.method == method
        assert re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)), request.url.path), operation
        parameters = DESCRIBED[path][method.lower()].get("parameters", [])
        named = {each["name"] for each in parameters if each["in"] == "query"}
        given = set(request.url.params)
        assert given | ({"cursor"} & named) == named, operation
        assert request.url.params.get("collection", "default") == "default"
        assert {each["name"] for each in parameters if each["in"] == "header"} <= {*request.headers}, operation


@pytest.mark.parametrize("asynchronously", [False, True])
def test_both_clients_send_every_operation(asynchronously: bool, server: str, known: dict[str, str]) -> None:
    async def ask() -> dict[str, list[httpx2.Request]]:
        async with AsyncClient(server, collection="default") as client:
            return await send_all(client, known)

    if asynchronously:
        check(asyncio.run(ask()))
    else:
        with Client(server, collection="default") as client:
            check(asyncio.run(send_all(client, known)))


def test_every_method_is_in_the_table() -> None:
    methods = {name for name in dir(Calls) if isinstance(inspect.getattr_static(Calls, name), Sent | SentEach)}
    used = {name for call in CALLS.values() for name in call.__code__.co_names}
    assert methods - used == SAME
    assert {name for name in vars(Client) if name[0] != "_"} == {name for name in vars(AsyncClient) if name[0] != "_"}
