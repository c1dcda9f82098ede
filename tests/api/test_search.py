"""POST /v1/search: the contract's shapes, as JSON and as multipart."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from omnisearch.errors import MediaError, QueryError, Reason
from omnisearch.query.conditions import PatternCondition, RangeCondition
from omnisearch.query.expressions import ItemRef, Sum, Term
from omnisearch.query.query import Query, Quota
from omnisearch.search.present.hit_json import hit_json
from omnisearch.types import Modality
from tests.api.conftest import IDS, ScriptedEngine, picture, tone


def test_a_json_query_reaches_the_engine_whole(client: TestClient, engine: ScriptedEngine) -> None:
    body = {
        "query": [{"text": "dog", "weight": 1}, {"item_id": IDS["im"], "weight": -0.5}],
        "modalities": ["image", "audio", "image"],
        "limit": 3,
        "explain": True,
    }
    assert client.post("/v1/search", json=body).status_code == 200
    terms = (Term("dog", 1.0), Term(ItemRef(IDS["im"]), -0.5))
    assert engine.queries == [Query(Sum(terms), modalities=(Modality.IMAGE, Modality.AUDIO), limit=3, explain=True)]


def test_all_modalities_and_ten_hits_unless_asked(client: TestClient, engine: ScriptedEngine) -> None:
    client.post("/v1/search", json={"query": [{"text": "dog"}]})
    assert engine.queries == [Query(Term("dog"))]


def test_hits_are_the_objects_that_the_command_line_prints(client: TestClient, engine: ScriptedEngine) -> None:
    answer = client.post("/v1/search", json={"query": [{"text": "dog"}]}).json()
    assert set(answer) == {"hits", "took_ms", "next_cursor", "nothing_matches", "cut", "matching"}
    printed = [hit_json(h) | {"placeholder": None, "aspect": None} for h in engine.search(engine.queries[0]).hits]
    assert answer["hits"] == json.loads(json.dumps(printed))
    keys = {"id", "path", "modality", "score", "relevance", "segment", "segments", "duplicates", "matched_by"}
    assert all(keys <= set(hit) for hit in answer["hits"])
    assert {hit["modality"] for hit in answer["hits"]} == set(Modality)


def test_what_the_page_is_like_reaches_the_engine_whole(client: TestClient, engine: ScriptedEngine) -> None:
    asked = {
        "query": [{"text": "dog"}],
        "include_self": True,
        "where": ["path:photos/**", "!tag:private", "size>1kB"],
        "area": [[-0.5, 0], [0.5, 0], [0, 0.75]],
        "sort": "name",
        "group": "modality",
        "quotas": {"image": {"least": 1, "most": 3}, "audio": {"most": 0}},
        "fold": False,
        "segments": 7,
        "like": [IDS["im"]],
        "unlike": [IDS["au"]],
        "cursor": "abc",
        "min_relevance": 0.25,
        "words": False,
    }
    assert client.post("/v1/search", json=asked).status_code == 200
    (query,) = engine.queries
    assert query == Query(
        Term("dog"),
        include_self=True,
        where=(
            PatternCondition("path", "photos/**"),
            PatternCondition("tag", "private", negated=True),
            RangeCondition("size", gt=1000),
        ),
        sort="name",
        group="modality",
        quotas=(Quota(Modality.IMAGE, 1, 3), Quota(Modality.AUDIO, 0, 0)),
        fold=False,
        segments=7,
        like=(IDS["im"],),
        unlike=(IDS["au"],),
        area=((-0.5, 0), (0.5, 0), (0, 0.75)),
        cursor="abc",
        min_relevance=0.25,
        words=False,
    )


@pytest.mark.parametrize(("asked", "pointer"), [("a dog", "/query"), (["a dog"], "/query/0")])
def test_a_text_in_the_place_of_a_term_is_told_how_a_term_is_written(
    client: TestClient, asked: object, pointer: str
) -> None:
    (error,) = client.post("/v1/search", json={"query": asked}).json()["errors"]
    assert error == {"pointer": pointer, "detail": 'a term is an object, such as {"text": "a dog"}'}


def test_an_unknown_path_is_told_where_the_paths_are(client: TestClient) -> None:
    answer = client.get("/v1/serch").json()
    assert (answer["code"], answer["detail"]) == ("not_found", "no such path; /v1/openapi.json lists the paths")


@pytest.mark.parametrize(
    ("field", "value", "pointer", "word"),
    [
        ("where", ["tag:x", "colour:red"], "/where/1", "meta.KEY"),
        ("where", ["tag:x"] * 33, "/where", "32"),
        ("area", [[0, 0], [1, 1]], "/area", "3"),
        ("area", [[0, 0], [1, 1], [0, 1], [0, 11]], "/area/3/1", "10"),
        ("quotas", {"images": {"least": 1}}, "/quotas", "image"),
        ("quotas", {"image": {"least": -1}}, "/quotas/image/least", "0"),
        ("like", ["../x"], "/like/0", "pattern"),
        ("cursor", "x" * 9000, "/cursor", "8192"),
        ("limt", 3, "/limt", "no such field"),
        ("lanes", True, "/lanes", '"group": "modality"'),
        ("sort", "date", "/sort", "'relevance', 'taken', 'modified' or 'name'"),
        ("hybrid", True, "/hybrid", "words"),
    ],
)
def test_a_field_of_the_page_that_is_wrong_is_pointed_at(
    client: TestClient, field: str, value: object, pointer: str, word: str
) -> None:
    answer = client.post("/v1/search", json={"query": [{"text": "dog"}], field: value})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"].startswith(pointer)
    assert word in error["detail"]


def test_files_come_as_parts_and_leave_no_trace(client: TestClient, engine: ScriptedEngine) -> None:
    query = {"query": [{"file": "a"}, {"text": "night", "weight": 0.5}, {"file": "b", "weight": -2}]}
    files = {"a": ("../../Dog \u00fc.PNG", picture()), "b": ("bark.wav", tone())}
    assert client.post("/v1/search", data={"query": json.dumps(query)}, files=files).status_code == 200
    (asked,) = engine.queries
    assert [term.weight for term in asked.terms] == [1, 0.5, -2]
    assert [term.label for term in asked.terms] == ["Dog \u00fc.PNG", "", "bark.wav"]
    assert engine.contents == [picture(), tone()]
    paths = [term.source for term in asked.terms if isinstance(term.source, Path)]
    assert [path.suffix for path in paths] == [".png", ".wav"]
    assert not any(path.exists() for path in paths)


def test_files_are_deleted_when_the_search_fails(client: TestClient, engine: ScriptedEngine) -> None:
    seen: list[Path] = []

    def fail(query: Query) -> None:
        source = query.terms[0].source
        assert isinstance(source, Path)
        assert source.exists()
        seen.append(source)
        raise MediaError(Reason.NO_FRAMES, "0 frames")

    engine.before = fail
    answer = client.post("/v1/search", data={"query": '{"query":[{"file":"a"}]}'}, files={"a": ("a.mp4", b"x")})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_frames")
    assert seen
    assert not seen[0].exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/query"),
        ({"query": []}, "/query"),
        ({"query": [{}]}, "/query/0"),
        ({"query": [{"text": "a", "item_id": "b"}]}, "/query/0"),
        ({"query": [{"text": " \n"}]}, "/query/0/text"),
        ({"query": [{"text": "a" * 4001}]}, "/query/0/text"),
        ({"query": [{"text": "a"}] * 17}, "/query"),
        ({"query": [{"text": "a", "weight": 0}]}, "/query/0/weight"),
        ({"query": [{"text": "a", "weight": 11}]}, "/query/0/weight"),
        ({"query": [{"text": "a", "weight": "1"}]}, "/query/0/weight"),
        ({"query": [{"text": "a", "wieght": 1}]}, "/query/0/wieght"),
        ({"query": [{"item_id": "../../etc/passwd"}]}, "/query/0/item_id"),
        ({"query": [{"text": "a"}], "limit": 0}, "/limit"),
        ({"query": [{"text": "a"}], "limit": 201}, "/limit"),
        ({"query": [{"text": "a"}], "limit": 2.5}, "/limit"),
        ({"query": [{"text": "a"}], "modalities": []}, "/modalities"),
        ({"query": [{"text": "a"}], "modalities": ["smell"]}, "/modalities/0"),
        ({"query": [{"text": "a"}], "explain": 1}, "/explain"),
        ({"query": [{"text": "a"}], "filter": {}}, "/filter"),
    ],
)
def test_a_wrong_body_is_refused_where_it_is_wrong(client: TestClient, body: object, pointer: str) -> None:
    answer = client.post("/v1/search", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_a_term_needs_its_part(client: TestClient) -> None:
    query = '{"query":[{"file":"a"}]}'
    as_json = client.post("/v1/search", content=query, headers={"content-type": "application/json"})
    no_part = client.post("/v1/search", data={"query": query}, files={"b": ("b.png", picture())})
    no_query = client.post("/v1/search", files={"a": ("a.png", picture())})
    assert [answer.status_code for answer in (as_json, no_part, no_query)] == [422, 422, 422]
    assert "'a'" in as_json.json()["detail"]
    assert "'a'" in no_part.json()["detail"]
    assert "query" in no_query.json()["detail"]


def test_other_content_types_are_refused(client: TestClient) -> None:
    answer = client.post("/v1/search", content='{"query":[]}', headers={"content-type": "text/plain"})
    assert answer.status_code == 415


def test_the_engine_s_refusals_keep_their_status(client: TestClient, engine: ScriptedEngine) -> None:
    def cancel(query: Query) -> None:
        raise QueryError("the terms cancel out")

    engine.before = cancel
    answer = client.post("/v1/search", json={"query": [{"text": "a"}]})
    problem = answer.json()
    assert problem == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "code": "query",
        "detail": "the terms cancel out",
        "request_id": answer.headers["x-request-id"],
    }
