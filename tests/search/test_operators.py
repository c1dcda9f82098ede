"""Operators from end to end: files, index, engine and command line."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.errors import NotReadyError
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import Expression, Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.stores.base import Payload
from omnisearch.stores.bm25 import SparseVector
from omnisearch.types import Finding, Modality
from omnisearch_indexer.manifest import MANIFEST_FILE
from omnisearch_indexer.schema import VERSION
from omnisearch_indexer.session import index_files
from tests.conftest import Ended
from tests.indexer.conftest import write_image

IMAGE, AUDIO = Modality.IMAGE, Modality.AUDIO
red, green, blue, low, high = (Term(word) for word in ("red", "green", "blue", "low", "high"))


def names(engine: Engine, expression: Expression, *within: Modality, **fields: Any) -> list[str]:
    found = engine.search(Query(expression, modalities=within or tuple(Modality), **fields)).hits
    return [Path(hit.path).name for hit in found]


def relevances(engine: Engine, expression: Expression) -> dict[str, float]:
    query = Query(expression, limit=100, fold=False)
    return {Path(hit.path).name: hit.relevance for hit in engine.search(query).hits}


def test_each_operator_finds_what_it_says(asked: Engine) -> None:
    assert names(asked, red & blue, IMAGE)[0] == "flag.png"
    assert set(names(asked, green | blue, IMAGE)[:2]) == {"green.png", "blue.png"}
    assert names(asked, red & ~blue, IMAGE)[0] == "red.png"
    assert names(asked, low >> high)[0] == "rising.wav"
    assert names(asked, high >> low)[0] == "falling.wav"
    assert set(names(asked, low >> high, limit=100)) == {"rising.wav", "falling.wav"}  # no picture has a before


def test_and_is_never_above_or_never_below_a_part_and_not_lowers(asked: Engine) -> None:
    part, other = relevances(asked, red), relevances(asked, blue)
    for name, value in relevances(asked, red & blue).items():
        assert value <= min(part[name], other[name]) + 1e-6
    for name, value in relevances(asked, red | blue).items():
        assert value >= max(part[name], other[name]) - 1e-6
    for name, value in relevances(asked, red & ~blue).items():
        assert value <= part[name] + 1e-6


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((red + 0.5 * blue) & low, low & (blue + 2 * red)),
        (red | (green & ~blue), (~blue & 3 * green) | red),
        ((low | red) >> high, (0.1 * red | low) >> 7 * high),
    ],
)
def test_order_and_scale_change_nothing(asked: Engine, one: Expression, other: Expression) -> None:
    first, second = (asked.search(Query(each, limit=100)).hits for each in (one, other))
    assert [hit.id for hit in first] == [hit.id for hit in second]
    assert [hit.relevance for hit in first] == pytest.approx([hit.relevance for hit in second], abs=1e-5)


@pytest.mark.parametrize("name", ["red.png", "flag.png", "rising.wav", "poem.txt"])
def test_identical_media_is_hit_1(asked: Engine, collection: Path, name: str) -> None:
    term = Term(collection / name)
    for expression in (term, term & term, term | term):
        first = asked.search(Query(expression, include_self=True)).hits[0]
        assert name in {Path(first.path).name, *(Path(asked.item(other)[0].path).name for other in first.duplicates)}


def test_a_bare_expression_is_a_query(asked: Engine) -> None:
    assert asked.search(red & blue).hits == asked.search(Query(red & blue)).hits
    answers = asked.search_many([red, Query(red, limit=2)])
    assert answers[0].hits[:2] == answers[1].hits


def test_what_is_less_relevant_is_left_out(asked: Engine) -> None:
    whole = asked.search(Query(red | low, limit=100)).hits
    least = whole[2].relevance
    kept = asked.search(Query(red | low, limit=100, min_relevance=least)).hits
    assert kept == tuple(hit for hit in whole if hit.relevance >= least)
    assert len(kept) < len(whole)


def sums(found: Finding) -> list[Finding]:
    return [found] if found.op == "sum" else [each for part in found.parts for each in sums(part)]


@pytest.mark.parametrize("expression", [red + 0.5 * blue, (red - 0.4 * green) & (low + blue), low >> (high + red)])
def test_contributions_add_up_to_the_score_of_each_sum(asked: Engine, expression: Expression) -> None:
    for hit in asked.search(Query(expression, explain=True, limit=5)).hits:
        assert hit.explanation is not None
        matched = list(hit.matched_by)
        for leaf, found in zip(expression.leaves, sums(hit.explanation), strict=True):
            parts, matched = matched[: len(leaf.terms)], matched[len(leaf.terms) :]
            assert sum(part.contribution for part in parts) == pytest.approx(found.score, abs=1e-5)
            for part in parts:
                assert sum(part.spaces.values()) == pytest.approx(part.contribution, abs=1e-5)
        assert not matched


@pytest.fixture
def call(indexed: Settings, run_here: Callable[..., Ended]) -> Callable[..., list[dict[str, Any]]]:
    def run(*arguments: str) -> list[dict[str, Any]]:
        done = run_here("search", *arguments, "--data-dir", indexed.data_dir, "--model", indexed.model)
        assert not done.returncode, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def files(hits: list[dict[str, Any]]) -> list[str]:
    return [Path(hit["path"]).name for hit in hits]


def test_the_command_line_asks_the_same(call: Callable[..., list[dict[str, Any]]], asked: Engine) -> None:
    assert files(call("red", "AND", "NOT", "blue", "--in", "image", "-k", "3")) == names(
        asked, red & ~blue, IMAGE, limit=3
    )
    found = call("(", "low", "OR", "2:red", "-", "green", ")", "THEN", "high", "--explain")
    assert files(found) == names(asked, (low | (2 * red - green)) >> high)
    assert found[0]["explanation"]["op"] == "then"


def test_a_batch_answers_each_line(call: Callable[..., list[dict[str, Any]]], asked: Engine, tmp_path: Path) -> None:
    lines = tmp_path / "queries.txt"
    lines.write_text("red AND blue\n\nlow THEN high\n'red' - 0.5:green\n")
    answers = call("--batch", str(lines), "--in", "image,audio")
    assert [answer["query"] for answer in answers] == ["red AND blue", "low THEN high", "red - 0.5:green"]
    wanted = [names(asked, each, IMAGE, AUDIO) for each in (red & blue, low >> high, red - 0.5 * green)]
    assert [files(answer["hits"]) for answer in answers] == wanted


def test_an_index_of_the_version_before_is_brought_up_to_date(
    hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is searched as it is; conditions and words wait until it was indexed again, which encodes nothing."""
    folder = tmp_path / "photos"
    for n in range(3):
        write_image(folder / f"p{n}.png", seed=n)
    settings = load_settings(data_dir=tmp_path / "data", model=str(hashed_model), workers=1)
    with monkeypatch.context() as older:
        flat = Payload.flat
        new = {"size", "mtime", "about", "passage", "notes"}
        older.setattr(Payload, "flat", lambda self: {k: v for k, v in flat(self).items() if k not in new})
        older.setattr(Payload, "words", SparseVector((1,), (1.0,)))
        index_files([folder], settings)
    with closing(sqlite3.connect(settings.data_dir / MANIFEST_FILE)) as db:
        db.executescript(
            "ALTER TABLE items DROP COLUMN metadata; ALTER TABLE items DROP COLUMN reading;"
            "ALTER TABLE items DROP COLUMN found; ALTER TABLE items DROP COLUMN added;"
            "ALTER TABLE roots DROP COLUMN indexed;"
            "ALTER TABLE items DROP COLUMN notes; DROP TABLE keys; DROP TABLE writing;"
            "CREATE TABLE writing (item_id TEXT PRIMARY KEY) WITHOUT ROWID;"
            "ALTER TABLE items DROP COLUMN mime; ALTER TABLE items DROP COLUMN told; DROP TABLE labels;"
            "ALTER TABLE items ADD COLUMN path TEXT NOT NULL DEFAULT ''; PRAGMA user_version = 1;"
        )
    sized = Query(Term("red"), fold=False, where=parse_conditions(["size>0", "path:photos/p1.png"]))
    worded = Query(Term("p2"), fold=False, words=True)
    with Engine.open(settings) as engine:
        assert len(engine.search(replace(sized, where=())).hits) == 3
        assert engine.search(worded).hits == engine.search(replace(worded, words=False)).hits
        with pytest.raises(NotReadyError, match="run `omnisearch index PATH` once"):
            engine.search(sized)
    monkeypatch.setattr("omnisearch_indexer.encoder.Encoder.encode", None)
    report = index_files([folder], settings)
    assert (report.seen, report.failed, report.segments) == (3, 0, 0)
    with closing(sqlite3.connect(settings.data_dir / MANIFEST_FILE)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
    with Engine.open(settings) as engine:
        (hit,) = engine.search(sized).hits
        assert Path(hit.path).name == "p1.png"
        with_words, without = (
            {Path(hit.path).name: hit.relevance for hit in engine.search(query).hits}
            for query in (worded, replace(worded, words=False))
        )
    assert [name for name in without if with_words[name] > without[name]] == ["p2.png"]
