"""POST /v1/embeddings: OpenAI's shapes, media in content parts, and what is refused."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from omnisearch.api import inputs
from omnisearch.query.expressions import Term
from omnisearch.types import Role
from tests.api.conftest import ScriptedEngine, picture, tone

PICTURE, SOUND = picture(), tone()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def url(data: bytes, mime: str = "application/octet-stream") -> str:
    return f"data:{mime};base64,{encoded(data)}"


def ask(client: TestClient, given: Any, **more: Any) -> Any:
    return client.post("/v1/embeddings", json={"input": given, "model": "toy", **more})


def first_numbers(client: TestClient, given: Any, **more: Any) -> list[list[float]]:
    """What the scripted engine measured of each input: how long it is, and how long the ending of its path."""
    answer = ask(client, given, **more)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["object"], body["model"]) == ("list", "toy")
    assert body["usage"] == {"prompt_tokens": 0, "total_tokens": 0}
    assert [(row["object"], row["index"]) for row in body["data"]] == [
        ("embedding", n) for n in range(len(body["data"]))
    ]
    assert all(len(row["embedding"]) == 8 for row in body["data"])
    return [row["embedding"][:2] for row in body["data"]]


def test_a_text_or_a_list_of_them(client: TestClient, engine: ScriptedEngine) -> None:
    assert first_numbers(client, "four", user="ann", dimensions=8) == [[4, 0]]
    assert first_numbers(client, ["a", {"type": "text", "text": "bcd"}, "a"]) == [[1, 0], [3, 0], [1, 0]]
    assert engine.embedded == [Term("four"), Term("a"), Term("bcd"), Term("a")]


def test_the_input_type_is_the_role_of_the_texts(client: TestClient, engine: ScriptedEngine) -> None:
    for sent in ({}, {"input_type": "document"}, {"input_type": "query"}):
        assert ask(client, "four", **sent).status_code == 200
    assert engine.roles == [Role.QUERY, Role.DOCUMENT, Role.QUERY]
    refused = ask(client, "four", input_type="passage")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/input_type")


def test_base64_holds_the_same_numbers(client: TestClient) -> None:
    row = ask(client, "four", encoding_format="base64").json()["data"][0]["embedding"]
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(row), "<f4"), [4, *[0] * 7])


def test_media_in_content_parts(client: TestClient, engine: ScriptedEngine) -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": url(PICTURE, "image/png"), "detail": "low"}},
        {"type": "input_audio", "input_audio": {"data": encoded(SOUND), "format": "wav"}},
        {"type": "video_url", "video_url": {"url": url(b"film", "video/mp4;codecs=x")}},
        {"type": "file", "file": {"file_data": url(b"solid"), "filename": "../../chair.STL"}},
    ]
    assert first_numbers(client, parts) == [[len(PICTURE), 0], [len(SOUND), 4], [4, 0], [5, 4]]
    assert [str(term) for term in engine.embedded] == ["input 0", "sound.wav", "input 2", "chair.STL"]
    assert first_numbers(client, parts[0]) == [[len(PICTURE), 0]]
    assert not any(term.source.exists() for term in engine.embedded if isinstance(term.source, Path))


def test_files_as_parts_of_the_request(client: TestClient) -> None:
    body = {"input": ["four", {"type": "file", "file": {"file_id": "a"}}], "model": "toy"}
    answer = client.post("/v1/embeddings", data={"query": json.dumps(body)}, files={"a": ("b.glb", b"glTF")})
    assert [row["embedding"][:2] for row in answer.json()["data"]] == [[4, 0], [4, 4]]
    refused = client.post("/v1/embeddings", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert "multipart/form-data" in refused.json()["detail"]


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]], [[]]])
def test_tokens_are_refused_and_the_way_out_is_named(client: TestClient, tokens: Any) -> None:
    answer = ask(client, tokens)
    assert answer.status_code == 422
    assert "check_embedding_ctx_length=False" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "/input"


@pytest.mark.parametrize(
    ("given", "pointer", "detail"),
    [
        ([], "/input", "at least 1"),
        ("", "/input/0", "is blank"),
        (["a", " \n"], "/input/1", "is blank"),
        (["x" * (inputs.MAX_TEXT + 1)], "/input/0", "at most 32768"),
        (["x" * 32_000] * 40, "", "1,280,000 characters"),
        ([None], "/input/0", "should be an object"),
        ([{"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}], "/input/0/image_url/url", "data:"),
        ([{"type": "image_url", "image_url": {"url": "/etc/passwd"}}], "/input/0/image_url/url", "is no data URL"),
        ([{"type": "image_url", "text": "a"}], "/input/0", "has the field image_url and no other"),
        ([{"type": "text"}], "/input/0", "has the field text and no other"),
        ([{"type": "song", "text": "a"}], "/input/0/type", "image_url"),
        ([{"type": "file", "file": {}}], "/input/0/file", "exactly one of"),
        ([{"type": "text", "text": "a", "weight": 2}], "/input/0/weight", "no such field"),
    ],
)
def test_what_is_wrong_is_named(client: TestClient, given: Any, pointer: str, detail: str) -> None:
    answer = ask(client, given)
    assert answer.status_code == 422, answer.text
    problem = answer.json()["errors"][0]
    assert problem["pointer"] == pointer
    assert detail in problem["detail"]


def test_too_many_inputs_and_too_many_media(client: TestClient) -> None:
    assert ask(client, ["a"] * inputs.MAX_INPUTS).status_code == 200
    assert ask(client, ["a"] * (inputs.MAX_INPUTS + 1)).json()["errors"][0]["pointer"] == "/input"
    part = {"type": "file", "file": {"file_data": url(b"x")}}
    assert ask(client, [part] * inputs.MAX_MEDIA).status_code == 200
    assert "at most 64" in ask(client, [part] * (inputs.MAX_MEDIA + 1)).json()["detail"]


@pytest.mark.parametrize("data", ["data:;base64,a*b=", "data:;base64,YQ", "data:;base64,Y Q=="])
def test_what_is_no_base64_is_refused(client: TestClient, data: str) -> None:
    answer = ask(client, ["a", {"type": "file", "file": {"file_data": data}}])
    assert (answer.status_code, answer.json()["code"]) == (422, "query")
    assert answer.json()["detail"].startswith("input 1 is no base64")


def test_another_model_and_another_width_are_refused(client: TestClient) -> None:
    other = client.post("/v1/embeddings", json={"input": "a", "model": "text-embedding-3-small"})
    assert (other.status_code, other.json()["code"]) == (404, "not_found")
    assert "send 'toy'" in other.json()["detail"]
    for width in (4, 9):
        narrow = ask(client, "a", dimensions=width)
        assert (narrow.status_code, narrow.json()["code"]) == (422, "query")
        assert "send 8" in narrow.json()["detail"]
    assert ask(client, "a", encoding_format="int8").status_code == 422
    assert ask(client, "a", colour="red").json()["errors"][0] == {"pointer": "/colour", "detail": "no such field"}
    assert client.post("/v1/embeddings", json={"input": "a"}).json()["errors"][0]["pointer"] == "/model"


def test_the_served_model_is_listed(client: TestClient) -> None:
    (model,) = client.get("/v1/models").json()["data"]
    assert (model["id"], model["object"], model["dimensions"]) == ("toy", "model", 8)
