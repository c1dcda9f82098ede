"""Answering queries together: each has the answer or the error that it has alone, whatever it is asked with."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.errors import MediaError, NotFoundError, OmnisearchError, QueryError
from omnisearch.media.pool import DecoderPool
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import ItemRef, Not, Term
from omnisearch.query.query import Query
from omnisearch.search import engine as module
from omnisearch.search.answer import Outcome
from omnisearch.search.engine import Engine
from omnisearch.search.index import Unindexed
from omnisearch.search.plan.embed import QUERY_SEGMENTS, Embedder
from omnisearch.search.plan.shared_encoding import Encoders, _encode, _Job
from omnisearch.search.present.hit_json import hit_json
from omnisearch.types import Content, Modality, Role, SpaceEmbeddings

RED, BLUE, WHALE = Term("red"), Term("blue"), Term("whalebone")
RIGHT = (
    Query(RED),
    Query(RED + BLUE, limit=2),
    Query(RED - 0.5 * BLUE, explain=True),
    Query(RED, explain=True),
    Query(RED & BLUE),
    Query(RED & ~BLUE, explain=True),
    Query(WHALE, words=False),
    Query(Term("high") >> Term("low"), modalities=(Modality.AUDIO,)),
    Query(BLUE, where=parse_conditions(["path:*.png"])),
    Query(RED, min_relevance=0.5, fold=False),
    Query(RED, group="modality", segments=1),
)
WRONG = (
    Query(RED - RED),
    Query(Not(RED)),
    Query(Term(ItemRef("nothing"))),
    Query(Term("half \ud800 a character")),
    Query(Term((1.0, 2.0))),
    Query(RED, limit=0),
    Query(RED, cursor="xxxx"),
    Query(RED & BLUE, like=("nothing",)),
    Query(Term(Path("/nowhere/x.png"))),
)


def shown(outcome: Outcome) -> Any:
    """An outcome without its time."""
    if isinstance(outcome, OmnisearchError):
        return type(outcome), str(outcome)
    return [hit_json(hit) for hit in outcome.hits], outcome.next_cursor, outcome.nothing_matches


def alone(engine: Engine, query: Query) -> Any:
    try:
        return shown(engine.search_many([query])[0])
    except OmnisearchError as error:
        return shown(error)


@pytest.fixture
def again(indexed: Any) -> Any:
    """An engine that remembers nothing yet."""
    with Engine.open(indexed) as engine:
        yield engine


def test_queries_have_the_outcomes_that_they_have_alone(asked: Engine, again: Engine) -> None:
    queries = [*RIGHT, *WRONG]
    random.Random(0).shuffle(queries)
    outcomes = again.search_each(queries)
    assert [shown(outcome) for outcome in outcomes] == [alone(asked, query) for query in queries]
    wrong = [query for query, outcome in zip(queries, outcomes, strict=True) if isinstance(outcome, OmnisearchError)]
    assert sorted(map(repr, wrong)) == sorted(map(repr, WRONG))


def test_what_is_wrong_with_every_query_is_no_answer_to_none(asked: Engine) -> None:
    assert {type(outcome) for outcome in asked.search_each(WRONG)} == {QueryError, NotFoundError, MediaError}
    assert asked.search_each([]) == []


def test_search_many_raises_for_the_first_wrong_query(asked: Engine) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        asked.search_many([RIGHT[0], WRONG[2], WRONG[0]])


def test_concurrent_queries_have_the_outcomes_that_they_have_alone(
    asked: Engine, again: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    answer_each = module.answer_each

    def counted(index: Any, embedder: Any, queries: Sequence[Query], budget: Any) -> list[Outcome]:
        sizes.append(len(queries))
        return answer_each(index, embedder, queries, budget)

    wanted = {query: alone(asked, query) for query in (*RIGHT, *WRONG)}
    draw = random.Random(0)
    queries = [draw.choice((*RIGHT, *WRONG)) for _ in range(200)]

    def search(query: Query) -> Any:
        try:
            return shown(again.search(query))
        except OmnisearchError as error:
            return shown(error)

    monkeypatch.setattr(module, "answer_each", counted)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(search, queries))
    assert found == [wanted[query] for query in queries]
    assert 1 < max(sizes) <= module.BATCH


@pytest.fixture
def model(hashed_model: Path) -> OmniBind:
    return OmniBind.load(str(hashed_model), load_settings())


def rows(spaces: SpaceEmbeddings) -> list[float]:
    (found,) = spaces.values()
    return list(found.ravel().tolist())


def test_jobs_share_a_pass_and_keep_their_rows(model: OmniBind, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [
        _Job(model, ["red"], Role.QUERY),
        _Job(model, ["blue", "green"], Role.QUERY),
        _Job(model, ["a dog"], Role.QUERY),
    ]
    wanted = [rows(model.encode_spaces(Modality.TEXT, job.contents, job.role)) for job in jobs]
    calls: list[int] = []
    encode = model.encode_spaces
    monkeypatch.setattr(
        model, "encode_spaces", lambda m, contents, *rest: (calls.append(len(contents)), encode(m, contents, *rest))[1]
    )
    found = _encode(Modality.TEXT, jobs)
    assert calls == [4]
    assert [rows(spaces) for spaces in found if not isinstance(spaces, Exception)] == wanted


def test_a_content_that_spoils_a_pass_fails_its_own_job_alone(model: OmniBind) -> None:
    jobs = [
        _Job(model, ["red"], Role.QUERY),
        _Job(model, [np.zeros((0, 0, 3), np.uint8)], Role.QUERY),
        _Job(model, ["blue"], Role.QUERY),
    ]
    first, wrong, last = _encode(Modality.TEXT, jobs)
    assert isinstance(wrong, Exception)
    assert rows(first) == rows(model.encode_spaces(Modality.TEXT, ["red"], Role.QUERY))  # type: ignore[arg-type]
    assert rows(last) == rows(model.encode_spaces(Modality.TEXT, ["blue"], Role.QUERY))  # type: ignore[arg-type]


def test_jobs_of_two_models_do_not_share_a_pass(model: OmniBind, hashed_model: Path) -> None:
    other = OmniBind.load(str(hashed_model), load_settings())
    found = _encode(Modality.TEXT, [_Job(model, ["red"], Role.QUERY), _Job(other, ["red"], Role.QUERY)])
    assert rows(found[0]) == rows(found[1])  # type: ignore[arg-type]


def test_many_contents_are_concatenated(model: OmniBind) -> None:
    contents: list[Content] = [f"text {n}" for n in range(40)]
    found = Encoders().encode_spaces(model, Modality.TEXT, contents, Role.QUERY)
    np.testing.assert_array_equal(rows(found), rows(model.encode_spaces(Modality.TEXT, contents, Role.QUERY)))


def test_a_long_text_is_the_mean_of_its_passages_as_a_file_of_it_is(model: OmniBind, tmp_path: Path) -> None:
    text = " ".join(f"The number {n} is red and the next one is not." for n in range(80))
    path = tmp_path / "long.txt"
    path.write_text(text)
    with DecoderPool(load_settings(), workers=1) as pool:
        assert 1 < len(pool.passages(text)) <= QUERY_SEGMENTS
        found = Embedder(pool).embed(Unindexed(model), [Term(text), Term(path)])
    np.testing.assert_allclose(found[Term(text)].vector, found[Term(path)].vector, atol=1e-6)


def test_engine_embeds_terms_in_order(asked: Engine) -> None:
    blue, red = asked.embed([BLUE, RED])
    assert blue @ red < 0.9
    np.testing.assert_array_equal(asked.embed([RED])[0], red)
    np.testing.assert_array_equal(asked.embed([replace(RED, weight=-3.0)])[0], red)
    with pytest.raises(NotFoundError):
        asked.embed([RED, Term(ItemRef("nothing"))])


def test_warming_runs_the_encoders_of_each_modality(asked: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[Modality] = []
    encode = asked.model.encode_spaces
    monkeypatch.setattr(asked.model, "encode_spaces", lambda m, *asked: (run.append(m), encode(m, *asked))[1])
    asked.warm(Modality)
    assert run == list(Modality)


def test_a_hit_reads_only_the_segments_that_it_shows(asked: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    payloads = asked._index.store.payloads
    monkeypatch.setattr(asked._index.store, "payloads", lambda ids: (read.extend(ids), payloads(ids))[1])
    for expression in (RED | BLUE, RED & BLUE, RED >> BLUE):
        [hit] = asked.search(Query(expression, segments=1, where=parse_conditions(["path:rising.wav"]))).hits
        assert len(read) <= 2 < len(asked.item(hit.id)), expression  # where a match begins and ends
        read.clear()
