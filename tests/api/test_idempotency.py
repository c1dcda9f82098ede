"""Idempotency-Key: one answer for one request, whatever happens in between."""

import time
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from omnisearch.api.idempotency import StoredAnswers
from omnisearch.config import Settings
from tests.api.conftest import ScriptedEngine, open_client, tone

FORGET = {"kind": "forget", "item_ids": ["a"]}


def queue(client: TestClient, key: str, body: Any = FORGET) -> httpx2.Response:
    return client.post("/v1/jobs", json=body, headers={"Idempotency-Key": key})


def jobs(client: TestClient) -> int:
    return len(client.get("/v1/jobs").json()["jobs"])


def test_the_same_request_is_answered_alike_and_creates_nothing(client: TestClient) -> None:
    first, second = queue(client, "k"), queue(client, "k")
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.headers["Location"] == second.headers["Location"]
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert jobs(client) == 1
    queue(client, "other")
    client.post("/v1/jobs", json=FORGET)
    assert jobs(client) == 3


def test_another_body_or_route_with_the_key_is_refused(client: TestClient) -> None:
    queue(client, "k")
    assert queue(client, "k", {**FORGET, "item_ids": ["b"]}).status_code == 422
    files = {"file": ("a.wav", tone())}
    assert client.post("/v1/uploads", files=files, headers={"Idempotency-Key": "k"}).status_code == 422
    assert jobs(client) == 1


def test_uploads_and_collections_take_keys(client: TestClient) -> None:
    headers = {"Idempotency-Key": "k"}
    sent = [client.post("/v1/uploads", files={"file": ("a.wav", tone())}, headers=headers) for _ in range(2)]
    assert sent[0].json() == sent[1].json()
    assert sent[1].headers["Idempotency-Replayed"] == "true"
    other = client.post("/v1/uploads", files={"file": ("b.wav", tone())}, headers=headers)
    assert other.status_code == 422
    made = [client.post("/v1/collections", json={"name": "c"}, headers={"Idempotency-Key": "l"}) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert client.post("/v1/collections", json={"name": "c"}).status_code == 409


def test_an_answer_survives_a_restart(engine: ScriptedEngine, settings: Settings) -> None:
    with open_client(settings, engine_factory=lambda _: engine) as client:
        first = queue(client, "k").json()
    with open_client(settings, engine_factory=lambda _: engine) as client:
        assert queue(client, "k").json() == first
        assert jobs(client) == 1


def test_a_refusal_is_not_kept(client: TestClient) -> None:
    assert queue(client, "k", {"kind": "index", "paths": ["/etc"]}).status_code == 403
    assert queue(client, "k").status_code == 202


def test_a_request_that_is_being_answered_is_not_begun_again(
    client: TestClient, engine: ScriptedEngine, settings: Settings
) -> None:
    answers: StoredAnswers = client.app.state.answers  # type: ignore[attr-defined]
    first = queue(client, "k")
    assert first.status_code == 202
    with answers.database.open().use() as db:
        db.execute("UPDATE answers SET body = NULL")
    refused = queue(client, "k")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    with open_client(settings, engine_factory=lambda _: engine) as other:  # the process that began it has died
        assert queue(other, "k").status_code == 202


def test_answers_are_kept_for_a_day(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    queue(client, "k")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 86_500)
    assert queue(client, "k", {**FORGET, "item_ids": ["b"]}).status_code == 202


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_odd_keys_are_refused(client: TestClient, key: str) -> None:
    assert queue(client, key).status_code == 422
