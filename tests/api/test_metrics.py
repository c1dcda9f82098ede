"""GET /metrics, read by Prometheus' own parser."""

import threading
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from omnisearch.api.service import ROOMS
from omnisearch.config import Settings
from omnisearch.errors import NoIndexError
from omnisearch.media import pool
from tests.api.conftest import IDS, PATIENCE_SECONDS, ScriptedEngine, open_client

QUERY = {"query": [{"text": "dog"}]}


def value(client: TestClient, name: str, **labels: str) -> float:
    """The sum of the samples that have these labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples = [s for family in text_string_to_metric_families(answer.text) for s in family.samples if s.name == name]
    return sum(s.value for s in samples if labels.items() <= s.labels.items())


def test_requests_are_counted_and_timed_by_route_and_status(client: TestClient) -> None:
    for _ in range(3):
        client.post("/v1/search", json=QUERY)
    client.post("/v1/search", json={})
    client.get(f"/v1/items/{IDS['im']}")
    count = "omnisearch_request_seconds_count"
    assert value(client, count, route="/v1/search", method="POST", status="200") == 3
    assert value(client, count, route="/v1/search", method="POST", status="422") == 1
    assert value(client, count, route="/v1/items/{item_id}", method="GET", status="200") == 1
    assert value(client, "omnisearch_request_seconds_sum", route="/v1/search") > 0
    assert value(client, "omnisearch_rejections_total", reason="invalid_request") == 1


def test_no_request_makes_a_label_of_its_own(client: TestClient) -> None:
    before = client.get("/metrics").text.count("omnisearch_request_seconds_count")
    for number in range(20):
        client.get(f"/v1/nothing{number}")
        client.get(f"/nothing{number}")
        client.request(f"METHOD{number}", "/v1/status")
        client.get(f"/v1/items/{number}")
    after = client.get("/metrics").text.count("omnisearch_request_seconds_count")
    assert after - before <= 6  # unmatched, a file of the page, an odd method, an item, and /metrics itself


def test_queues_are_as_deep_as_the_questions_in_them(client: TestClient, engine: ScriptedEngine) -> None:
    going = threading.Event()
    engine.before = lambda _: going.wait(PATIENCE_SECONDS) and None
    assert value(client, "omnisearch_queue_capacity", queue="search") == sum(ROOMS["search"])
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(client.post, "/v1/search", json=QUERY) for _ in range(6)]
        end = monotonic() + PATIENCE_SECONDS
        while value(client, "omnisearch_queue_depth", queue="search") < 6:
            assert monotonic() < end
            sleep(0.01)
        going.set()
        assert [each.result().status_code for each in asked] == [200] * 6
    assert value(client, "omnisearch_queue_depth", queue="search") == 0


def test_segments_are_counted_where_there_is_an_index(client: TestClient, engine: ScriptedEngine) -> None:
    assert value(client, "omnisearch_segments", modality="audio") == 2
    assert value(client, "omnisearch_segments") == len(engine.payloads)


def test_without_an_index_the_rest_is_told(settings: Settings) -> None:
    def none(_: Settings) -> ScriptedEngine:
        raise NoIndexError("nothing was indexed")

    with open_client(settings, engine_factory=none) as client:
        assert client.post("/v1/search", json=QUERY).status_code == 503
        assert value(client, "omnisearch_segments") == 0
        assert value(client, "omnisearch_request_seconds_count", status="503") == 1
        assert value(client, "omnisearch_queue_capacity") > 0


def test_decoder_restarts_and_the_process_are_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    before = value(client, "omnisearch_decoder_restarts_total")
    monkeypatch.setattr(pool, "_restarts", pool.restarts() + 3)
    assert value(client, "omnisearch_decoder_restarts_total") == before + 3
    assert value(client, "process_resident_memory_bytes") > 1 << 20
