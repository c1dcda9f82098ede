"""GET /v1/stats and GET /v1/facets."""

import pytest
from fastapi.testclient import TestClient

from omnisearch.types import Modality
from tests.api.conftest import IDS


def test_stats_count_items_and_segments(client: TestClient) -> None:
    stats = client.get("/v1/stats").json()
    assert stats["items"] == {"text": 2, "image": 1, "audio": 1, "video": 1, "point_cloud": 1}
    assert stats["segments"] == {**stats["items"], "audio": 2}
    assert (stats["collection"], stats["model"], stats["dim"], stats["exact"]) == ("default", "toy", 8, True)
    assert stats["oldest"] is stats["newest"] is None


def test_facets_count_the_items_of_a_selection(client: TestClient) -> None:
    every = client.get("/v1/facets").json()
    assert (every["items"], every["exact"], every["modality"]["others"]) == (len(IDS), True, 0)
    assert every["modality"]["values"][0] == {"value": "text", "count": 2}
    assert {entry["value"] for entry in every["modality"]["values"]} == set(Modality)
    assert [entry["count"] for entry in every["folder"]["values"]] == [len(IDS)]
    texts = client.get("/v1/facets?modalities=text&where=mime:text/html").json()
    assert texts["mime"] == {"values": [{"value": "text/html", "count": 1}], "others": 0}
    few = client.get("/v1/facets?limit=2").json()
    assert (len(few["mime"]["values"]), few["mime"]["others"]) == (2, 4)


@pytest.mark.parametrize("wrong", ["limit=0", "limit=201", "where=nonsense", "cursor=x", "modalities=x"])
def test_wrong_parameters_are_refused(client: TestClient, wrong: str) -> None:
    assert client.get(f"/v1/facets?{wrong}").status_code == 422
    assert client.get("/v1/stats?where=size>1").status_code == 422
