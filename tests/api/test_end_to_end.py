"""A folder of files, the weightless model, the embedded store and the real engine, asked over HTTP."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from omnisearch.api.app import create_app
from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.media.file import item_id
from omnisearch.media.pool import DecoderPool
from omnisearch.stores.base import Payload, Point
from omnisearch.stores.catalog import open_store
from omnisearch.stores.ids import point_id
from omnisearch.types import Role
from tests.api.conftest import picture, tone, wait_until_ready

FILES = {
    "red.png": picture((220, 30, 30)),
    "blue.png": picture((20, 40, 230)),
    "bark.wav": tone(1.0),
    "poem.txt": b"The tide took the footprints of the dog.",
}


def index(folder: Path, settings: Settings) -> None:
    """Put the files into a new index, one point a segment."""
    model = OmniBind.load(settings.model, settings)
    store = open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=True)
    with DecoderPool(settings, workers=1) as pool:
        for path in sorted(folder.iterdir()):
            item, decoded = item_id(path), pool.decode(path)
            info, pieces = decoded.info, list(decoded.pieces)
            vectors = model.encode(info.modality, [piece.content for piece in pieces], Role.DOCUMENT)
            points = [
                Point(
                    point_id(item, piece.segment),
                    vector,
                    Payload(
                        item_id=item,
                        modality=info.modality,
                        path=str(path),
                        mime=info.mime,
                        duration=info.duration,
                        segment=piece.segment,
                        segments=len(pieces),
                        snippet=piece.snippet,
                    ),
                )
                for piece, vector in zip(pieces, vectors, strict=True)
            ]
            store.upsert(points)
    store.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, hashed_model: Path) -> Iterator[TestClient]:
    place = tmp_path_factory.mktemp("served")
    folder = place / "collection"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    settings = load_settings(data_dir=place / "data", model=str(hashed_model))
    index(folder, settings)
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        wait_until_ready(client)
        yield client


def _first(client: TestClient, name: str) -> dict[str, object]:
    query = '{"query":[{"file":"it"}],"modalities":["text","image","audio"]}'
    answer = client.post("/v1/search", data={"query": query}, files={"it": (name, FILES[name])})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()["hits"][0]
    return found


def test_everything_is_counted(served: TestClient) -> None:
    status = served.get("/v1/status").json()
    assert status["segments"]["image"] == 2
    assert status["dim"] > 0


def test_the_text_finds_itself(served: TestClient) -> None:
    body = {"query": [{"text": FILES["poem.txt"].decode()}], "modalities": ["text"]}
    hit = served.post("/v1/search", json=body).json()["hits"][0]
    assert Path(hit["path"]).name == "poem.txt"
    assert hit["score"] == pytest.approx(1, abs=1e-3)
    assert "footprints" in hit["snippet"]


def test_an_item_leads_to_others_and_its_file_can_be_had(served: TestClient) -> None:
    everything = served.post("/v1/search", json={"query": [{"text": "dog"}], "limit": 50}).json()["hits"]
    assert {Path(hit["path"]).name for hit in everything} == set(FILES)
    for hit in everything:
        content = served.get(f"/v1/items/{hit['id']}/content")
        assert content.content == FILES[Path(hit["path"]).name]
        preview = served.get(f"/v1/items/{hit['id']}/preview")
        assert preview.status_code == (404 if hit["modality"] == "text" else 200)
    red = next(hit for hit in everything if hit["path"].endswith("red.png"))
    others = served.post("/v1/search", json={"query": [{"item_id": red["id"]}], "modalities": ["image"]}).json()["hits"]
    assert [Path(hit["path"]).name for hit in others] == ["blue.png"]


@pytest.mark.parametrize("name", ["red.png", "bark.wav"])
def test_an_uploaded_file_is_decoded_and_searched_with(served: TestClient, name: str) -> None:
    hit = _first(served, name)
    assert hit["matched_by"][0]["term"] == name  # type: ignore[index]


def test_a_broken_upload_is_named_by_its_reason(served: TestClient) -> None:
    query = '{"query":[{"file":"it"}]}'
    answer = served.post("/v1/search", data={"query": query}, files={"it": ("a.png", FILES["red.png"][:60])})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["code"] == "damaged"


def test_what_is_in_an_upload_and_in_an_item_is_located(served: TestClient) -> None:
    canvas = Image.new("RGB", (160, 80), (30, 160, 30))
    canvas.paste((220, 30, 30), (80, 0, 120, 40))
    sent = io.BytesIO()
    canvas.save(sent, "PNG")
    query = '{"query":{"and":[{"text":"red"},{"not":{"text":"green"}}]},"file":"it","limit":1}'
    found = served.post("/v1/locate", data={"query": query}, files={"it": ("patch.png", sent.getvalue())}).json()
    (place,) = found["places"]
    assert (found["modality"], place["path"]) == ("image", "patch.png")
    assert place["region"]["x"] == pytest.approx(0.5, abs=1 / 16)
    assert place["region"]["y"] + place["region"]["height"] <= 0.5 + 1 / 8
    assert [part["query"] for part in place["parts"]] == ["red", "green"]


def test_what_is_in_an_item_is_located(served: TestClient) -> None:
    body = {"query": [{"text": "dog"}], "modalities": ["audio"]}
    hit = served.post("/v1/search", json=body).json()["hits"][0]
    found = served.post("/v1/locate", json={"query": {"text": "silence"}, "item_id": hit["id"]}).json()
    assert (found["modality"], found["places"][0]["path"]) == ("audio", hit["path"])
    assert found["places"][0]["slice"] == "0-1"
    assert served.post("/v1/locate", json={"query": {"text": "a"}, "item_id": "f" * 64}).status_code == 404


def test_pictures_have_no_order(served: TestClient) -> None:
    query = '{"query":{"then":[{"text":"red"},{"text":"blue"}]},"file":"it"}'
    answer = served.post("/v1/locate", data={"query": query}, files={"it": ("red.png", FILES["red.png"])})
    assert (answer.status_code, answer.json()["code"]) == (422, "query")
    assert "THEN" in answer.json()["detail"]


def test_unknown_items_are_not_found(served: TestClient) -> None:
    assert served.post("/v1/search", json={"query": [{"item_id": "f" * 64}]}).status_code == 404
    assert served.get(f"/v1/items/{'f' * 64}").status_code == 404
