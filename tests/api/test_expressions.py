"""Expressions as JSON: what reaches the engine, and where a wrong one is wrong."""

import json

import pytest
from fastapi.testclient import TestClient

from omnisearch.query.expressions import And, Expression, ItemRef, Not, Or, Sum, Term, Then
from omnisearch.types import Region, Stretch
from tests.api.conftest import ScriptedEngine, tone

A, B, C = Term("a"), Term("b"), Term("c")
TEXT_A, TEXT_B, TEXT_C = ({"text": name} for name in "abc")


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        (TEXT_A, A),
        ([TEXT_A], A),
        ([TEXT_A, {"text": "b", "weight": -0.5}], Sum((A, Term("b", -0.5)))),
        ({"and": [TEXT_A, {"not": TEXT_B}]}, And((A, Not(B)))),
        ({"or": [TEXT_A, [TEXT_B, TEXT_C]]}, Or((A, Sum((B, C))))),
        ({"then": [TEXT_A, {"and": [TEXT_B, TEXT_C]}]}, Then((A, And((B, C))))),
        ({"item_id": "abc", "segment": 4}, Term(ItemRef("abc", 4))),
        ({"item_id": "abc", "slice": "1.5-3"}, Term(ItemRef("abc"), slice=Stretch(1.5, 3))),
        ({"item_id": "abc", "slice": "0.5,0,0.5,1"}, Term(ItemRef("abc"), slice=Region(0.5, 0, 0.5, 1, relative=True))),
        ({"vector": [0.5, -1, 2]}, Term((0.5, -1.0, 2.0))),
    ],
)
def test_reads(client: TestClient, engine: ScriptedEngine, sent: object, asked: Expression) -> None:
    assert client.post("/v1/search", json={"query": sent}).status_code == 200
    (query,) = engine.queries
    assert query.expression == asked


def test_files_may_stand_anywhere_and_be_sliced(client: TestClient, engine: ScriptedEngine) -> None:
    query = {"query": {"and": [TEXT_A, {"not": {"file": "f", "slice": "0.05-0.1"}}]}}
    files = {"f": ("bark.wav", tone())}
    assert client.post("/v1/search", data={"query": json.dumps(query)}, files=files).status_code == 200
    term = engine.queries[0].terms[1]
    assert (term.label, term.slice) == ("bark.wav", Stretch(0.05, 0.1))
    assert engine.contents == [tone()]


def nested(depth: int) -> object:
    return TEXT_A if depth == 0 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ({"and": [TEXT_A]}, "/query/and"),
        ({"and": [TEXT_A, {"text": ""}]}, "/query/and/1/text"),
        ({"or": [[TEXT_A, {"bad": 1}], TEXT_B]}, "/query/or/0/1/bad"),
        ({"and": [TEXT_A, TEXT_B], "or": [TEXT_A, TEXT_B]}, "/query/or"),
        ({"not": []}, "/query/not"),
        ([[TEXT_A], TEXT_B], "/query/0"),
        ([{"and": [TEXT_A, TEXT_B]}, TEXT_B], "/query/0/and"),
        ({"and": [[TEXT_A] * 9, [TEXT_B] * 9]}, "/query"),
        (nested(9), "/query"),
        ({"text": "a", "slice": "1-2"}, "/query"),
        ({"item_id": "a", "slice": "nonsense"}, "/query/slice"),
        ({"item_id": "a", "slice": "p1", "segment": 1}, "/query"),
        ({"text": "a", "segment": 1}, "/query"),
        ({"vector": []}, "/query/vector"),
        ({"vector": ["1"]}, "/query/vector/0"),
        ("a", "/query"),
    ],
)
def test_refuses_where_it_is_wrong(client: TestClient, sent: object, pointer: str) -> None:
    answer = client.post("/v1/search", json={"query": sent})
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_a_slice_without_extent_is_refused(client: TestClient) -> None:
    answer = client.post("/v1/search", json={"query": {"item_id": "a", "slice": "3-1"}})
    assert answer.status_code == 422
    assert "has no extent" in answer.json()["detail"]
