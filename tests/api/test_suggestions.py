"""GET /v1/suggestions."""

import pytest
from fastapi.testclient import TestClient


def test_suggestions_are_those_of_the_engine(client: TestClient) -> None:
    assert client.get("/v1/suggestions", params={"q": "dog.", "limit": 1}).json() == {
        "suggestions": [{"text": "dog.glb", "field": "name", "count": 1}],
        "exact": True,
    }
    assert len(client.get("/v1/suggestions?q=o").json()["suggestions"]) == 4


@pytest.mark.parametrize("wrong", ["", "q=", "q=a&limit=0", "q=a&limit=51", f"q={'a' * 256}", "q=a&where=size>1"])
def test_wrong_parameters_are_refused(client: TestClient, wrong: str) -> None:
    assert client.get(f"/v1/suggestions?{wrong}").status_code == 422
