"""What the engine is asked through the API is what the client was asked."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from omnisearch.api.expressions import Upload
from omnisearch.api.schemas import SearchBatchIn, SearchIn
from omnisearch.client.asked import Options
from omnisearch.client.query_json import batch_body, search_body
from omnisearch.errors import UsageError
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.conditions import RangeCondition
from omnisearch.query.expressions import ItemRef, Term
from omnisearch.query.grammar import parse
from omnisearch.query.query import Query, Quota, SearchOptions
from omnisearch.types import Modality, Region, Stretch

DOG, BARK = Term(Path("pictures/dog.png")), Term(Path("bark.wav"), slice=Stretch(1.5, 2.0))
QUERIES = [
    Query(Term("a dog")),
    Query(DOG + -0.5 * Term("grass"), limit=3, min_relevance=0.25, explain=True, words=False),
    Query((DOG & ~BARK) | (Term(ItemRef("ab", 2)) >> Term((0.5, -1.0))), include_self=True, fold=False, segments=7),
    Query(
        parse(["NOT", "a", "dog", "AND", "(", "x", "-", "id:ab@1-2", ")"]), modalities=(Modality.AUDIO, Modality.IMAGE)
    ),
    Query(
        Term(ItemRef("ab"), slice=Region(0.5, 0.25, 0.25, 0.5, relative=True)),
        where=parse_conditions(["path:a/**", "!size>1.5MB", "mtime:2024-05", "duration<=2h"]),
        quotas=(Quota(Modality.IMAGE, 2, 5), Quota(Modality.TEXT, 1)),
        like=("cd",),
        unlike=("ef", "gh"),
        cursor="abc",
    ),
    Query(Term("x"), group="modality"),
    Query(Term("x"), group="day", sort="taken"),
]


def received(files: dict[str, Path]) -> dict[str, Upload]:
    return {name: Upload(path=path, label=path.name) for name, path in files.items()}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_arrives_as_it_was_sent(query: Query) -> None:
    body = search_body(query)
    arrived = SearchIn.model_validate_json(json.dumps(body.fields)).to_query(received(body.files))
    assert [str(term) for term in arrived.terms] == [str(term) for term in query.terms]
    assert _plain(arrived) == _plain(query)


def test_queries_share_their_files() -> None:
    body = batch_body(QUERIES)
    assert sorted(map(str, body.files.values())) == ["bark.wav", "pictures/dog.png"]
    arrived = SearchBatchIn.model_validate_json(json.dumps(body.fields))
    assert [_plain(each.to_query(received(body.files))) for each in arrived.queries] == [_plain(q) for q in QUERIES]


def test_every_option_of_a_search_can_be_given_by_name() -> None:
    assert set(Options.__annotations__) == {field.name for field in fields(SearchOptions)}


def test_a_condition_without_its_text_is_refused() -> None:
    with pytest.raises(UsageError, match="parse_conditions"):
        search_body(Query(Term("x"), where=(RangeCondition("size", gt=3.0),)))


def _plain(query: Query) -> str:
    """A query without the labels of its files, which are compared as they are shown; a sum of one is its term."""
    text = re.sub(r"label='[^']*'", "label=''", repr(query))
    return re.sub(r"Sum\(summands=\((Term\((?:[^()]|\([^()]*\))*\)),\)\)", r"\1", text)
