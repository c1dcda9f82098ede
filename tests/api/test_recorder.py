"""Request ids, the log of requests, and what it does not tell."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.api.logs import set_up_logging
from omnisearch.config import load_settings
from tests.api.conftest import IDS, ScriptedEngine, open_client, wait_until_ready

QUERY = {"query": [{"text": "hush hush"}, {"item_id": IDS["im"]}]}


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What the log writes; the root logger is put back as it was."""
    root, ours = logging.getLogger(), logging.getLogger("omnisearch")
    before = root.handlers[:], root.level, ours.level
    stream = io.StringIO()
    set_up_logging("info", stream)
    yield stream
    root.handlers[:], root.level, ours.level = before


def entries(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def requests(stream: io.StringIO, route: str) -> list[dict[str, Any]]:
    return [entry for entry in entries(stream) if entry.get("route") == route]


@pytest.mark.parametrize("path", ["/", "/livez", "/v1/status", "/v1/nothing", "/nothing"])
def test_every_response_has_an_id(client: TestClient, path: str) -> None:
    ids = {client.get(path).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3
    assert client.get(path, headers={"x-request-id": "trace-1.a_B"}).headers["x-request-id"] == "trace-1.a_B"


@pytest.mark.parametrize("sent", ["", " ", "a b", "a" * 65, "\u00fc", 'a"b', "a\tb", "<a>", "a{}"])
def test_a_malformed_id_is_replaced(client: TestClient, sent: str) -> None:
    answer = client.get("/v1/nothing", headers={"x-request-id": sent.encode("latin-1")})
    found = answer.headers["x-request-id"]
    assert found != sent
    assert found.isalnum()
    assert answer.json()["request_id"] == found


def test_refusals_of_the_guard_have_an_id_too(client: TestClient) -> None:
    answer = client.get("/v1/status", headers={"host": "evil.example", "x-request-id": "x1"})
    assert (answer.status_code, answer.json()["request_id"]) == (421, "x1")


def test_a_failure_is_a_sealed_problem_with_an_id_and_is_logged(
    client: TestClient, engine: ScriptedEngine, stream: io.StringIO
) -> None:
    def crash(_: object) -> None:
        raise RuntimeError("a bug")

    engine.before = crash
    answer = client.post("/v1/search", json=QUERY, headers={"x-request-id": "x2"})
    assert (answer.status_code, answer.json()["request_id"], answer.json()["code"]) == (500, "x2", "failed")
    assert answer.headers["x-content-type-options"] == "nosniff"
    (failure,) = [entry for entry in entries(stream) if entry["level"] == "error"]
    assert failure["request_id"] == "x2"
    assert "RuntimeError: a bug" in failure["traceback"]
    assert "hush" not in stream.getvalue()


def test_a_request_is_one_line_without_what_was_asked(
    client: TestClient, engine: ScriptedEngine, stream: io.StringIO
) -> None:
    client.post("/v1/search", json=QUERY, headers={"x-request-id": "x3"})
    (entry,) = requests(stream, "/v1/search")
    assert entry["ms"] > 0
    assert {k: entry[k] for k in ("level", "message", "request_id", "method", "status", "client")} == {
        "level": "info",
        "message": "request",
        "request_id": "x3",
        "method": "POST",
        "status": 200,
        "client": "testclient",
    }
    client.get(f"/v1/items/{IDS['im']}?q=hush")
    client.get("/hush/hush?hush")
    client.post("/v1/search", content=b'{"query": "hush"}', headers={"content-type": "application/json"})
    client.post("/v1/search", json={"query": [{"text": "x", "hush": 1}]})
    assert "hush" not in stream.getvalue()
    assert IDS["im"] not in stream.getvalue()
    assert [e["route"] for e in entries(stream)][1:] == ["/v1/items/{item_id}", "unmatched", "/v1/search", "/v1/search"]


def test_what_was_asked_is_logged_where_that_is_set(engine: ScriptedEngine, stream: io.StringIO) -> None:
    with open_client(load_settings(log_queries=True), engine_factory=lambda _: engine) as client:
        wait_until_ready(client)
        client.post("/v1/search", json=QUERY)
        client.get(f"/v1/items/{IDS['im']}")
        client.post("/v1/embeddings", json={"model": "toy", "input": ["a" * 30_000] * 10})
    assert requests(stream, "/v1/search")[0]["body"] == QUERY
    assert "body" not in requests(stream, "/v1/embeddings")[0]  # too large for a log
    assert requests(stream, "/v1/items/{item_id}")[0]["path"] == f"/v1/items/{IDS['im']}"


def test_the_log_names_the_key_and_never_its_secret(
    tmp_path: Path, engine: ScriptedEngine, stream: io.StringIO
) -> None:
    secret = KeyFile(tmp_path).add("app", [Scope.SEARCH])
    settings = load_settings(data_dir=tmp_path, log_queries=True)
    with open_client(settings, engine_factory=lambda _: engine) as client:
        client.get("/v1/status", headers={"x-api-key": secret})
        client.get("/v1/status", headers={"x-api-key": f"{secret}x"})
        client.get("/metrics", headers={"cookie": f"omnisearch_key={secret}"})
    assert [e.get("key") for e in entries(stream) if e["message"] == "request"] == ["app", None, "app"]
    assert secret not in stream.getvalue()


def test_nothing_forges_an_entry(stream: io.StringIO) -> None:
    logging.getLogger("omnisearch").warning("a\nb \x1b[31m %s", "\r\n{}")
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_readable_lines() -> None:
    root, ours, terminal = logging.getLogger(), logging.getLogger("omnisearch"), _Terminal()
    before = root.handlers[:], root.level, ours.level
    set_up_logging("warning", terminal)
    try:
        ours.info("not this")
        ours.warning("that\n\x1b[31m", extra={"fields": {"n": 1, "name": "\x1b"}})
        try:
            raise ValueError("\x1b]0;title")
        except ValueError:
            ours.exception("failed")
    finally:
        root.handlers[:], root.level, ours.level = before
    first, second, *trace = terminal.getvalue().splitlines()
    assert first.endswith('warning that\ufffd\ufffd[31m n=1 name="\\u001b"')
    assert second.endswith("error failed")
    assert trace[-1] == "ValueError: \ufffd]0;title"


def test_a_client_that_hangs_up_while_it_sends_is_no_failure(client: TestClient, stream: io.StringIO) -> None:
    sent: list[object] = []

    async def hang_up() -> None:
        messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

        async def receive() -> Any:
            return next(messages)

        async def send(message: object) -> None:
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {"type": "http", "http_version": "1.1", "method": "POST", "scheme": "http", "path": "/v1/search"}
        scope |= {"raw_path": b"/v1/search", "query_string": b"", "headers": headers, "client": ("127.0.0.1", 1)}
        await client.app(scope, receive, send)

    assert client.portal is not None
    client.portal.call(hang_up)
    assert not sent
    (entry,) = requests(stream, "/v1/search")
    assert not {"status", "code"} & set(entry)
    assert not [entry for entry in entries(stream) if entry["level"] == "error"]
