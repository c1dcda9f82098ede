"""Answers hold the placeholders of the previews that exist, and those alone."""

import base64
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from omnisearch.api import placeholders
from omnisearch.config import Settings
from omnisearch.media.previews.webp import webp
from omnisearch.media.rendition import Rendition
from omnisearch.renditions.kept import KeptRenditions
from tests.api.conftest import IDS

ASKED = {"query": [{"text": "dog"}]}


def entries(client: TestClient) -> list[list[dict[str, Any]]]:
    batch = client.post("/v1/search/batch", json={"queries": [ASKED]}).json()["results"][0]["hits"]
    return [
        client.post("/v1/search", json=ASKED).json()["hits"],
        client.get("/v1/search?q=dog").json()["hits"],
        client.get(f"/v1/items/{IDS['au']}/neighbours").json()["hits"],
        batch,
        client.get("/v1/items").json()["items"],
        [client.get(f"/v1/items/{IDS['im']}").json()],
    ]


def test_every_answer_with_items_holds_them(client: TestClient, settings: Settings) -> None:
    assert all(entry["placeholder"] is entry["aspect"] is None for rows in entries(client) for entry in rows)
    KeptRenditions(settings).keep(IDS["im"], Rendition.SMALL, webp(np.zeros((30, 90, 3), np.uint8), 320)).close()
    for rows in entries(client):
        found = {entry["id"]: entry for entry in rows}
        assert found[IDS["im"]]["aspect"] == 3
        assert len(base64.b64decode(found[IDS["im"]]["placeholder"])) > 15
        assert all(entry["placeholder"] is None for name, entry in found.items() if name != IDS["im"])


def test_a_preview_that_is_made_on_request_has_one(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placeholders, "REMEMBERED", 1)
    for name in ("im", "vi"):
        assert client.get(f"/v1/items/{IDS[name]}/preview").status_code == 200
    for _ in range(2):
        shown = {entry["id"] for entry in client.get("/v1/items").json()["items"] if entry["placeholder"]}
        assert shown == {IDS["im"], IDS["vi"]}
