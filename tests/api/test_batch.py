"""POST /v1/search/batch and GET /v1/search: the same queries in other clothes."""

import json

import pytest
from fastapi.testclient import TestClient

from omnisearch.api.schemas import MAX_QUERIES
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import And, ItemRef, Not, Sum, Term
from omnisearch.query.query import Query
from omnisearch.types import Modality
from tests.api.conftest import IDS, ScriptedEngine, tone

DOG = {"query": {"text": "dog"}}


def test_each_query_has_its_answer_in_order(client: TestClient, engine: ScriptedEngine) -> None:
    queries = [DOG, {"query": {"text": "cat"}, "limit": 1, "modalities": ["image"]}]
    results = client.post("/v1/search/batch", json={"queries": queries}).json()["results"]
    assert engine.queries == [Query(Term("dog")), Query(Term("cat"), modalities=(Modality.IMAGE,), limit=1)]
    alone = [client.post("/v1/search", json=query).json() for query in queries]
    assert results == alone


def test_a_wrong_query_gets_its_error_and_the_others_their_answers(client: TestClient) -> None:
    queries = [DOG, {"query": {"text": "wrong"}}, DOG]
    answer = client.post("/v1/search/batch", json={"queries": queries})
    first, wrong, last = answer.json()["results"]
    assert answer.status_code == 200
    assert first["hits"] == last["hits"] != []
    assert (wrong["error"]["status"], wrong["error"]["code"]) == (422, "query")
    assert wrong["error"]["detail"] == "that is wrong"
    assert set(wrong) == {"error"}


def test_queries_name_parts_of_the_request(client: TestClient, engine: ScriptedEngine) -> None:
    body = {"queries": [{"query": {"file": "a"}}, {"query": [{"file": "b"}, {"text": "dog"}]}]}
    files = {"a": ("a.wav", tone()), "b": ("b.wav", tone(0.3))}
    answer = client.post("/v1/search/batch", data={"query": json.dumps(body)}, files=files)
    assert answer.status_code == 200, answer.text
    assert engine.contents == [tone(), tone(0.3)]
    refused = client.post("/v1/search/batch", json=body)
    assert (refused.status_code, "multipart" in refused.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"queries": []}, "/queries"),
        ({"queries": [DOG] * (MAX_QUERIES + 1)}, "/queries"),
        ({"queries": [DOG, {"query": {"text": ""}}]}, "/queries/1/query/text"),
        ({"queries": [DOG], "limit": 3}, "/limit"),
    ],
)
def test_a_batch_that_is_malformed_is_refused_whole(client: TestClient, body: object, pointer: str) -> None:
    answer = client.post("/v1/search/batch", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("parameters", "query"),
    [
        ({"q": "dog"}, Query(Term("dog"))),
        ({"q": "a dog's life"}, Query(Term("a dog's life"))),
        ({"q": f"dog + 2:id:{IDS['im']}"}, Query(Sum((Term("dog"), Term(ItemRef(IDS["im"]), 2.0))))),
        ({"q": 'dog AND NOT "AND OR"'}, Query(And((Term("dog"), Not(Term("AND OR")))))),
        (
            {"q": "dog", "modalities": "image,audio", "limit": "3", "words": "false", "min_relevance": "0.5"},
            Query(Term("dog"), modalities=(Modality.IMAGE, Modality.AUDIO), limit=3, words=False, min_relevance=0.5),
        ),
        (
            {"q": "dog", "modalities": ["image", "image"], "where": ["size>1kB", "path:*.png"], "cursor": "abc"},
            Query(
                Term("dog"),
                modalities=(Modality.IMAGE,),
                where=parse_conditions(["size>1kB", "path:*.png"]),
                cursor="abc",
            ),
        ),
    ],
)
def test_a_link_is_a_query(
    client: TestClient, engine: ScriptedEngine, parameters: dict[str, str | list[str]], query: Query
) -> None:
    answer = client.get("/v1/search", params=parameters)
    assert answer.status_code == 200, answer.text
    assert engine.queries == [query]
    assert answer.json()["hits"]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "./x",
        "../x",
        "~root/x",
        "~nobody-of-this-name/x",
        "2:/etc/passwd@0-1",
        "file:///etc/passwd",
        "2:FILE://localhost/etc/passwd",
        "C:\\x",
    ],
)
def test_a_link_reads_no_file_and_does_not_say_which_there_are(
    client: TestClient, engine: ScriptedEngine, path: str
) -> None:
    answer = client.get("/v1/search", params={"q": f"dog + {path}"})
    assert (answer.status_code, answer.json()["code"]) == (422, "query")
    assert "files of the server are not read" in answer.json()["detail"]
    assert engine.queries == []


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({}, "/q"),
        ({"q": " "}, "is blank"),
        ({"q": "dog AND"}, "a term is missing"),
        ({"q": 'a "dog'}, "never closed"),
        ({"q": "11:dog"}, "weight 11"),
        ({"q": "9" * 400 + ":dog"}, "weight inf"),
        ({"q": " + ".join("a" * 17)}, "17 terms"),
        ({"q": "dog", "modalities": "smell"}, "/modalities"),
        ({"q": "dog", "modalities": ""}, "/modalities"),
        ({"q": "dog", "limit": "0"}, "/limit"),
        ({"q": "dog", "where": "size>"}, "/where"),
        ({"q": "dog", "colour": "red"}, "no such field"),
    ],
)
def test_a_link_that_is_wrong_says_where(client: TestClient, parameters: dict[str, str], detail: str) -> None:
    answer = client.get("/v1/search", params=parameters)
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
