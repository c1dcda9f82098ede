"""Access: every route in every variant needs a key and a scope, but for the public paths."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message

from omnisearch.api.access import COOKIE
from omnisearch.api.app import PUBLIC, create_app
from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.api.rate import BURST_SECONDS
from omnisearch.api.routes.page import page_routes
from omnisearch.config import Settings, load_settings
from tests.api.conftest import IDS, ScriptedEngine, open_client, wait_until_ready

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
BODY = b'{"query":[{"text":"dog"}]}'


def described(app: FastAPI) -> dict[str, dict[str, dict[str, object]]]:
    paths: dict[str, dict[str, dict[str, object]]] = app.openapi()["paths"]
    return paths


NO_JOB, NO_UPLOAD = "0" * 16, "0" * 32


def filled(path: str) -> str:
    """A path of the description with an item, and names of nothing, in the places of its parameters."""
    known = (
        path.replace("{number}", "9")
        .replace("{item_id}", IDS["im"])
        .replace("{job_id}", NO_JOB)
        .replace("{upload_id}", NO_UPLOAD)
    )
    return re.sub(r"\{\w+\}", "none", known)


APP = create_app(load_settings())
PATHS = sorted({filled(path) for path in described(APP)})
PRIVATE = [path for path in PATHS if path not in PUBLIC]
OPERATIONS = [(method.upper(), path) for path, methods in described(APP).items() for method in methods]
# What an operation needs. Those that are not here read and need `search`; one that may change something must be here.
WANTED = {
    ("POST", "/v1/uploads"): Scope.SEARCH,
    ("DELETE", "/v1/uploads/{upload_id}"): Scope.SEARCH,
    ("DELETE", "/v1/items/{item_id}"): Scope.INDEX,
    ("GET", "/v1/jobs"): Scope.INDEX,
    ("GET", "/v1/jobs/{job_id}"): Scope.INDEX,
    ("GET", "/v1/jobs/{job_id}/events"): Scope.INDEX,
    ("GET", "/v1/jobs/{job_id}/errors"): Scope.INDEX,
    ("POST", "/v1/jobs"): Scope.INDEX,
    ("GET", "/v1/roots"): Scope.INDEX,
    ("GET", "/v1/roots/{number}/folders"): Scope.INDEX,
    ("GET", "/v1/storage"): Scope.INDEX,
    ("POST", "/v1/items/{item_id}/reveal"): Scope.INDEX,
    ("GET", "/v1/failures"): Scope.INDEX,
    ("POST", "/v1/models/{name}/pull"): Scope.ADMIN,
    ("POST", "/v1/jobs/{job_id}/cancel"): Scope.INDEX,
    ("POST", "/v1/jobs/{job_id}/retry"): Scope.INDEX,
    ("GET", "/metrics"): Scope.METRICS,
    ("POST", "/v1/search"): Scope.SEARCH,
    ("POST", "/v1/search/batch"): Scope.SEARCH,
    ("POST", "/v1/embeddings"): Scope.SEARCH,
    ("POST", "/v1/locate"): Scope.SEARCH,
    ("POST", "/v1/collections"): Scope.ADMIN,
    ("POST", "/v1/models/{name}/check"): Scope.ADMIN,
    ("DELETE", "/v1/collections/{name}"): Scope.ADMIN,
}


def variants(path: str) -> list[str]:
    """Spellings that a router or a proxy may take for the same path."""
    first = path[1]
    spelled = [path, f"{path}/", f"/{path}", f"{path}//", f"{path}?a=b", f"{path};a", f"/.{path}", f"/x/..{path}"]
    spelled += [path.replace("/v1/", "/v1//"), path.replace("/v1/", "/v1/./"), path.replace("/v1/", "/V1/")]
    spelled += [
        f"/%{ord(first):02x}{path[2:]}",
        path.replace("/v1/", "/v1%2f"),
        f"{path}%00",
        f"{path}%2e",
        f"{path}%20",
    ]
    spelled += [f"/livez/..{path}", f"/livez/%2e%2e{path}", f"/livez%2f..{path}", path.upper(), f"/page.js/..{path}"]
    return spelled


async def ask_raw(app: ASGIApp, method: str, target: str) -> tuple[int, Headers]:
    """Ask for a target as it is written: clients tidy up paths before they send them."""
    path, _, query = target.partition("?")
    answers: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        answers.append(message)

    scope = {"type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": unquote(path)}
    scope |= {"raw_path": path.encode(), "query_string": query.encode(), "headers": [(b"host", b"localhost")]}
    await app({**scope, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80)}, receive, send)
    return answers[0]["status"], Headers(raw=answers[0]["headers"])


@pytest.fixture
def closed(tmp_path: Path, engine: ScriptedEngine) -> Iterator[tuple[TestClient, KeyFile]]:
    """A server whose data directory holds keys; the client sends none by itself."""
    keys = KeyFile(tmp_path / "data")
    keys.add("first", [Scope.ADMIN])
    with open_client(load_settings(data_dir=tmp_path / "data"), engine_factory=lambda _: engine) as client:
        wait_until_ready(client)
        engine.queries.clear()
        yield client, keys


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def test_readiness_names_collections_to_callers_with_a_key_alone(closed: tuple[TestClient, KeyFile]) -> None:
    client, keys = closed
    for headers in ({}, bearer("omni_wrong")):
        assert client.get("/readyz", headers=headers).json() == {"status": "ready", "collections": {}}
    named = client.get("/readyz", headers=bearer(keys.add("probe", [Scope.METRICS])))
    assert named.json()["collections"] == {"default": "ready"}


@pytest.mark.parametrize("path", [*PRIVATE, "/v1/nothing", "/nothing", "/docs"])
def test_no_spelling_of_a_private_path_is_answered_without_a_key(
    closed: tuple[TestClient, KeyFile], engine: ScriptedEngine, path: str
) -> None:
    client, _ = closed
    assert client.portal is not None
    for spelled in variants(path):
        for method in METHODS:
            status, headers = client.portal.call(ask_raw, client.app, method, spelled)
            assert status == 401, (method, spelled)
            assert headers["www-authenticate"].startswith("Bearer")
            assert headers["content-type"] == "application/problem+json"
    assert not engine.queries


def credentials(secret: str) -> list[dict[str, str]]:
    """The ways to send a key."""
    return [bearer(secret), {"x-api-key": secret}, {"cookie": f"{COOKIE}={secret}"}]


@pytest.mark.parametrize(("method", "path"), [each for each in OPERATIONS if each[1] not in PUBLIC])
def test_no_operation_is_answered_without_its_scope(closed: tuple[TestClient, KeyFile], method: str, path: str) -> None:
    client, keys = closed
    wanted = Scope.SEARCH if method == "GET" else None
    wanted = WANTED.get((method, path), wanted)
    assert wanted is not None, f"{method} {path} may change something: say in WANTED which scope it needs"
    for scope in Scope:
        for number, headers in enumerate(credentials(keys.add(f"key-{scope}", [scope]))):
            sent = {**headers, "content-type": "application/json"}
            answer = client.request(method, filled(path), content=BODY, headers=sent)
            if scope in (wanted, Scope.ADMIN):
                assert answer.status_code not in (401, 403), (scope, number)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (scope, number)
                assert str(wanted) in answer.json()["detail"]
    secret = keys.add("left", [Scope.ADMIN])
    keys.revoke("left")
    for headers in (*credentials(secret), *credentials("x" * 48), *credentials("")):
        assert client.request(method, filled(path), content=BODY, headers=headers).status_code == 401


def leaves(routes: object) -> Iterator[APIRoute]:
    for route in routes:  # type: ignore[attr-defined]
        below = getattr(route, "original_router", None)
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(below, APIRouter):
            yield from leaves(below.routes)


def test_every_route_needs_a_scope_or_is_public_and_openapi_says_so() -> None:
    routes = list(leaves(APP.routes))
    assert {route.path for route in routes} == set(described(APP))
    for path, methods in described(APP).items():
        for method, operation in methods.items():
            assert path in PUBLIC or operation["security"], f"{method} {path}: give its router **needs(Scope.X)"
            if path not in PUBLIC:
                assert {"401", "403", "429"} <= set(operation["responses"])  # type: ignore[call-overload]
    assert set(WANTED) <= set(OPERATIONS)


def test_public_paths_are_answered_without_a_key(closed: tuple[TestClient, KeyFile]) -> None:
    client, _ = closed
    assert {"/livez", "/readyz", "/v1/openapi.json"} == PUBLIC
    for path in PUBLIC.union(route.path for route in page_routes()):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        {"authorization": "Bearer {}"},
        {"authorization": "bearer   {}"},
        {"x-api-key": "{}"},
        {"cookie": f"a=b; {COOKIE}={{}}"},
        {"authorization": "Basic dXNlcjpwYXNz", "x-api-key": "{}"},
    ],
)
def test_a_key_is_read_from_headers_and_the_cookie(closed: tuple[TestClient, KeyFile], header: dict[str, str]) -> None:
    client, keys = closed
    secret = keys.add("app", [Scope.SEARCH])
    headers = {name: value.format(secret) for name, value in header.items()}
    assert client.get("/v1/status", headers=headers).status_code == 200
    keys.revoke("app")
    assert client.get("/v1/status", headers=headers).status_code == 401


@pytest.mark.parametrize("wrong", ["", "x", "Bearer", "Bearer ", "Bearer x", "Basic x", "Bearer \u00ff", "Token {}"])
def test_a_wrong_key_gets_the_same_answer_as_none(closed: tuple[TestClient, KeyFile], wrong: str) -> None:
    client, keys = closed
    secret = keys.add("app", [Scope.SEARCH])
    same = {"x-request-id": "same"}
    without = client.get("/v1/status", headers=same)
    answer = client.get("/v1/status", headers={**same, "authorization": wrong.format(secret).encode("latin-1")})
    assert (answer.status_code, answer.json()) == (401, without.json())
    assert answer.headers == without.headers


def test_a_key_in_the_address_is_not_read(closed: tuple[TestClient, KeyFile]) -> None:
    client, keys = closed
    secret = keys.add("app", [Scope.SEARCH])
    for name in ("key", "api_key", "token", "access_token", COOKIE):
        assert client.get(f"/v1/status?{name}={secret}").status_code == 401


def test_a_body_is_not_read_before_the_key(closed: tuple[TestClient, KeyFile]) -> None:
    client, _ = closed
    for content in (b"{", b"\xff" * 1000, b'{"query": NaN}'):
        assert client.post("/v1/search", content=content).status_code == 401


def test_without_keys_everything_is_answered(client: TestClient) -> None:
    assert client.get("/v1/status").status_code == 200
    assert client.get("/metrics").status_code == 200
    assert client.get("/v1/status", headers=bearer("whatever")).status_code == 200
    assert "ratelimit" not in client.get("/v1/status").headers


def test_keys_that_cannot_be_read_close_the_server(closed: tuple[TestClient, KeyFile]) -> None:
    client, keys = closed
    secret = keys.add("app", [Scope.SEARCH])
    keys.path.write_text("{")
    answer = client.get("/v1/status", headers=bearer(secret))
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert str(keys.path) not in answer.text
    assert client.get("/livez").status_code == 200


def test_a_key_that_asks_too_often_is_told_when_to_come_back(closed: tuple[TestClient, KeyFile]) -> None:
    client, keys = closed
    slow = bearer(keys.add("slow", [Scope.SEARCH], rate=0.05))
    other = bearer(keys.add("other", [Scope.SEARCH], rate=0.05))
    first = client.get("/v1/status", headers=slow)
    assert (first.status_code, first.headers["ratelimit-policy"]) == (200, '"key";q=1;w=20')
    assert first.headers["ratelimit"] == '"key";r=0;t=20'
    answer = client.get("/v1/status", headers=slow)
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 20
    assert client.get("/v1/status", headers=other).status_code == 200
    assert client.get("/livez", headers=slow).status_code == 200


def test_the_rate_of_the_settings_holds_for_other_keys(tmp_path: Path, engine: ScriptedEngine) -> None:
    settings: Settings = load_settings(data_dir=tmp_path, api_keys=f"web:search:{'k' * 40}", key_rate=7)
    with open_client(settings, engine_factory=lambda _: engine) as client:
        answer = client.get("/v1/status", headers=bearer("k" * 40))
    assert answer.headers["ratelimit-policy"] == f'"key";q={int(7 * BURST_SECONDS)};w=2'
