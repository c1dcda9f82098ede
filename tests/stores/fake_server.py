"""A fake of the Qdrant server's REST interface on the loopback, for the requests that omnisearch makes.

Bodies are read by the client's own models and answered by its in-memory mode. This tests what goes over the wire, the
key, retries and errors; it says nothing about a real server's speed, durability or limits.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from weakref import WeakKeyDictionary

from qdrant_client import QdrantClient
from qdrant_client.http import models


class FakeServer(ThreadingHTTPServer):
    """Answers one request at a time. `failures` are statuses given in place of the next answers."""

    daemon_threads = True

    def __init__(self, api_key: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.local = QdrantClient(":memory:")
        self.api_key = api_key
        self.failures: list[int] = []
        self.requests: list[str] = []
        self.queries: list[tuple[str, str]] = []
        self.turn = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def running(server: FakeServer) -> Iterator[FakeServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeServer

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if len(body := self.rfile.read(length)) < length:
            self.close_connection = True
            return  # the client is gone
        with self.server.turn:
            status, result = self._result(json.loads(body) if body else {})
        data = json.dumps({"result": result, "status": "ok" if status == 200 else result, "time": 0.0}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815

    def _result(self, body: dict[str, Any]) -> tuple[int, Any]:
        path, _, query = self.path.partition("?")
        self.server.requests.append(f"{self.command} {path}")
        self.server.queries.append((self.command, query))
        if self.server.failures:
            return self.server.failures.pop(0), "injected"
        if self.server.api_key and self.headers.get("api-key") != self.server.api_key:
            return 403, "forbidden"
        for pattern, answer in ROUTES.items():
            found = re.fullmatch(pattern, f"{self.command} {path}")
            if found is not None:
                try:
                    return 200, _plain(answer(self.server.local, body, *found.groups()))
                except ValueError as error:
                    return (404 if "not found" in str(error) else 400), str(error)
        return 501, f"the fake does not know {self.command} {path}"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _create(local: QdrantClient, body: dict[str, Any], name: str) -> bool:
    asked = models.CreateCollection.model_validate(body)
    assert isinstance(asked.vectors, models.VectorParams)
    CREATED.setdefault(local, {})[name] = asked
    return local.create_collection(name, asked.vectors, asked.sparse_vectors)


# What the collections of each fake were created with, and their indexing thresholds, which change nothing in it.
CREATED: WeakKeyDictionary[QdrantClient, dict[str, models.CreateCollection]] = WeakKeyDictionary()
THRESHOLDS: WeakKeyDictionary[QdrantClient, dict[str, int]] = WeakKeyDictionary()


def _update(local: QdrantClient, body: dict[str, Any], name: str) -> bool:
    asked = models.UpdateCollection.model_validate(body)
    for vector, change in (asked.vectors or {}).items():
        local._client.collections[name].config.vectors[vector].on_disk = change.on_disk  # type: ignore[attr-defined]
    threshold = asked.optimizers_config and asked.optimizers_config.indexing_threshold
    if threshold is not None:
        THRESHOLDS.setdefault(local, {})[name] = threshold
    return local.update_collection(name, metadata=asked.metadata)


# The indexed fields of the collections of each fake, which has no indexes itself.
SCHEMAS: WeakKeyDictionary[QdrantClient, dict[str, dict[str, Any]]] = WeakKeyDictionary()


def _index(local: QdrantClient, body: dict[str, Any], name: str) -> dict[str, Any]:
    field = {"data_type": body["field_schema"], "points": 0}
    SCHEMAS.setdefault(local, {}).setdefault(name, {})[body["field_name"]] = field
    return {"operation_id": 0, "status": "completed"}


def _described(local: QdrantClient, body: dict[str, Any], name: str) -> dict[str, Any]:
    found = local.get_collection(name).model_dump(mode="json")
    threshold = THRESHOLDS.get(local, {}).get(name)
    if threshold is not None:
        found["config"]["optimizer_config"]["indexing_threshold"] = threshold
    created = CREATED.get(local, {}).get(name)
    found["config"]["quantization_config"] = _plain(created and created.quantization_config)
    return found | {"payload_schema": SCHEMAS.get(local, {}).get(name, {})}


def _create_vector(local: QdrantClient, body: dict[str, Any], name: str, vector: str) -> Any:
    kind = models.DenseVectorNameConfig if "dense" in body else models.SparseVectorNameConfig
    return local.create_vector_name(name, vector, kind.model_validate(body))


def _vectors(local: QdrantClient, body: dict[str, Any], name: str) -> Any:
    local.update_vectors(name, models.UpdateVectors.model_validate(body).points)
    return {"operation_id": 0, "status": "completed"}


def _upsert(local: QdrantClient, body: dict[str, Any], name: str) -> Any:
    return local.upsert(name, models.PointsList.model_validate(body).points)


def _search(local: QdrantClient, body: dict[str, Any], name: str) -> Any:
    searches = models.QueryRequestBatch.model_validate(body).searches
    for search in searches:
        search.params = None  # the in-memory mode is exact, and warns of parameters
    return local.query_batch_points(name, searches)


def _scroll(local: QdrantClient, body: dict[str, Any], name: str) -> Any:
    asked = models.ScrollRequest.model_validate(body)
    vectors = asked.with_vector or False
    points, offset = local.scroll(
        name, asked.filter, asked.limit or 10, asked.order_by, asked.offset, asked.with_payload, vectors
    )
    return {"points": _plain(points), "next_page_offset": offset}


def _retrieve(local: QdrantClient, body: dict[str, Any], name: str) -> Any:
    asked = models.PointRequest.model_validate(body)
    return _plain(local.retrieve(name, asked.ids, asked.with_payload, asked.with_vector or False))


def _count(local: QdrantClient, body: dict[str, Any], name: str) -> Any:
    return local.count(name, models.CountRequest.model_validate(body).filter)


def _batch(local: QdrantClient, body: dict[str, Any], name: str) -> Any:
    local.batch_update_points(name, models.UpdateOperations.model_validate(body).operations)
    return [{"operation_id": 0, "status": "completed"} for _ in body["operations"]]


def _delete(local: QdrantClient, body: dict[str, Any], name: str) -> Any:
    return local.delete(name, models.FilterSelector.model_validate(body))


def _alias(local: QdrantClient, body: dict[str, Any]) -> bool:
    return local.update_collection_aliases(models.ChangeAliasesOperation.model_validate(body).actions)


ROUTES: dict[str, Callable[..., Any]] = {
    r"GET /collections": lambda local, body: local.get_collections(),
    r"GET /aliases": lambda local, body: local.get_aliases(),
    r"POST /collections/aliases": _alias,
    r"GET /collections/([^/]+)/exists": lambda local, body, name: {"exists": local.collection_exists(name)},
    r"PUT /collections/([^/]+)": _create,
    r"GET /collections/([^/]+)": _described,
    r"PATCH /collections/([^/]+)": _update,
    r"PUT /collections/([^/]+)/vectors/([^/]+)": _create_vector,
    r"PUT /collections/([^/]+)/points/vectors": _vectors,
    r"DELETE /collections/([^/]+)": lambda local, body, name: local.delete_collection(name),
    r"PUT /collections/([^/]+)/index": _index,
    r"PUT /collections/([^/]+)/points": _upsert,
    r"POST /collections/([^/]+)/points": _retrieve,
    r"POST /collections/([^/]+)/points/query/batch": _search,
    r"POST /collections/([^/]+)/points/scroll": _scroll,
    r"POST /collections/([^/]+)/points/count": _count,
    r"POST /collections/([^/]+)/points/batch": _batch,
    r"POST /collections/([^/]+)/points/delete": _delete,
}
