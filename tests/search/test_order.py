"""Orders by date and name, and days, over planted vectors: the order is exact, and nothing irrelevant is a hit."""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from omnisearch.cli.commands import build
from omnisearch.cursors import pack
from omnisearch.errors import QueryError, UsageError
from omnisearch.metadata import Metadata
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query, Quota
from omnisearch.search.engine import Engine
from omnisearch.search.rank.calibration import least
from omnisearch.stores.base import Point
from omnisearch.types import Hit, Modality
from tests.search.planted import item, near, planted, units

DIM = 256
RANDOM = np.random.default_rng(3)
ASKED = units(RANDOM, 1, DIM)[0]
RELEVANT, OTHERS = 90, 300
DAY = 86_400
NOON = datetime(2023, 7, 14, 12).timestamp()
QUERY = Query(Term(tuple(ASKED.tolist())), limit=1000, fold=False, modalities=(Modality.IMAGE, Modality.AUDIO))


def planted_at(name: str, row: Any, mtime: float) -> Point:
    modality = Modality.AUDIO if name.endswith("3") else Modality.IMAGE
    (point,) = item(name, [row], modality)
    return replace(point, payload=replace(point.payload, path=f"/planted/{name}.x", mtime=mtime))


@pytest.fixture(scope="module")
def points() -> list[Point]:
    """Relevant items of two a day, three of them at the same second, and newer items that are not relevant."""
    found = []
    for n in range(RELEVANT):
        at = NOON + DAY * (n // 2) + (n % 2) if n >= 3 else NOON
        found.append(planted_at(f"{RANDOM.choice(['Sea', 'hill'])}{n}", near(RANDOM, ASKED, 0.8 + 0.002 * n), at))
    found += [planted_at(f"new{n}", row, NOON + 400 * DAY + n) for n, row in enumerate(units(RANDOM, OTHERS, DIM))]
    return found


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def engine(points: list[Point], hashed_model: Path, data_dir: Path) -> Iterator[Engine]:
    with planted(points, hashed_model, data_dir) as opened:
        yield opened


@pytest.fixture(scope="module")
def everything(engine: Engine) -> tuple[Hit, ...]:
    hits = engine.search(QUERY).hits
    assert len(hits) == RELEVANT + OTHERS
    return hits


def ids(hits: Any) -> list[str]:
    return [hit.id for hit in hits]


def test_the_newest_of_the_relevant_come_first_and_nothing_is_a_hit_because_it_is_new(
    engine: Engine, everything: tuple[Hit, ...]
) -> None:
    in_cut = [hit for hit in everything if hit.relevance >= least(RELEVANT + OTHERS)]
    assert {f"{n}" for n in range(RELEVANT)} <= {hit.id.lstrip("Seahil") for hit in in_cut}
    assert len(in_cut) < RELEVANT + OTHERS / 50
    found = engine.search(replace(QUERY, sort="modified"))
    assert ids(found.hits) == ids(sorted(in_cut, key=lambda hit: (-hit.mtime, -hit.relevance)))
    assert not found.nothing_matches


def test_items_within_the_cut_are_counted_in_any_order(engine: Engine, everything: tuple[Hit, ...]) -> None:
    found = engine.search(QUERY)
    expected = Counter(hit.modality for hit in everything if hit.relevance >= found.cut)
    assert found.cut == least(RELEVANT + OTHERS)
    assert dict(found.matching) == expected
    assert dict(engine.search(replace(QUERY, sort="name", limit=3)).matching) == expected
    beyond = engine.search(replace(QUERY, limit=expected.total() + 1))
    assert (beyond.hits[-1].relevance < beyond.cut, dict(beyond.matching)) == (True, expected)
    few = engine.search(replace(QUERY, limit=3)).matching
    assert all(1 < few[modality] < count for modality, count in expected.items())
    strict = engine.search(replace(QUERY, min_relevance=0.99))
    assert (strict.cut, sum(strict.matching.values())) == (0.99, len(strict.hits))


def test_the_time_taken_counts_before_the_last_change(points: list[Point], hashed_model: Path, tmp_path: Path) -> None:
    """All items were changed at noon; some were taken on another day, one of them beyond the date line."""
    changed = [replace(p, payload=replace(p.payload, mtime=NOON)) for p in points[:6]]
    times = ("2024-02-29T23:30:00", "", "2001-01-01T12:00:00", "", "2024-03-01T01:00:00+13:00", "")
    taken = [
        replace(p, payload=replace(p.payload, metadata=Metadata(time=time)))
        for p, time in zip(changed, times, strict=True)
    ]
    with planted([*taken, *points[RELEVANT:]], hashed_model, tmp_path) as engine:
        query = replace(QUERY, sort="taken", min_relevance=0.9)
        hits = engine.search(query).hits
        expected = sorted(taken, key=lambda p: -p.payload.date)
        assert [hit.taken or hit.mtime for hit in hits] == [p.payload.date for p in expected]
        assert {hit.id for hit in hits if hit.taken is None} == {p.payload.item_id for p in taken[1::2]}
        days = engine.search(replace(query, group="day")).hits
        here = datetime.fromtimestamp(NOON).date().isoformat()
        assert [hit.group for hit in days] == ["2024-03-01", "2024-02-29", here, here, here, "2001-01-01"]


def test_names_are_in_order_whatever_their_case(engine: Engine) -> None:
    names = [Path(hit.path).name for hit in engine.search(replace(QUERY, sort="name")).hits]
    assert names == sorted(names, key=str.casefold) != sorted(names)
    assert len(names) >= RELEVANT


def test_a_least_relevance_moves_the_cut(engine: Engine, everything: tuple[Hit, ...]) -> None:
    for bar in (0.001, 0.99):
        found = engine.search(replace(QUERY, sort="modified", min_relevance=bar)).hits
        assert set(ids(found)) == {hit.id for hit in everything if hit.relevance >= bar}
        assert found


def test_days_are_groups_with_the_last_day_first_and_the_best_first_within(engine: Engine) -> None:
    found = engine.search(replace(QUERY, group="day")).hits
    assert [hit.group for hit in found] == [
        datetime.fromtimestamp(mtime).date().isoformat() for mtime in sorted((hit.mtime for hit in found), reverse=True)
    ]
    for day in {hit.group for hit in found}:
        shown = [hit.relevance for hit in found if hit.group == day]
        assert shown == sorted(shown, reverse=True)
    dated = engine.search(replace(QUERY, sort="modified")).hits
    assert ids(engine.search(replace(QUERY, group="day", sort="modified")).hits) == ids(dated)


def test_groups_are_in_the_order_too(engine: Engine) -> None:
    query = replace(QUERY, sort="modified", limit=5, min_relevance=0.5)
    found = engine.search(replace(query, group="modality")).hits
    alone = [engine.search(replace(query, modalities=(m,))).hits for m in QUERY.modalities]
    assert ids(found) == [hit.id for hits in alone for hit in hits]
    assert [hit.group for hit in found] == ["image"] * 5 + ["audio"] * 5


@pytest.mark.parametrize(
    "options",
    [
        {"sort": "modified"},
        {"sort": "name", "fold": True},
        {"sort": "taken", "quotas": (Quota(Modality.AUDIO, most=4),)},
        {"group": "day", "sort": "name"},
        {"group": "day", "min_relevance": 0.9, "where": ()},
    ],
)
def test_pages_laid_end_to_end_are_one_long_page(engine: Engine, options: Any) -> None:
    query = replace(QUERY, **options)
    whole = engine.search(query)
    assert whole.next_cursor is None
    for size in (7, 40):
        pages: list[Hit] = []
        cursor: str | None = ""
        while cursor is not None:
            page = engine.search(replace(query, limit=size, cursor=cursor))
            pages += page.hits
            cursor = page.next_cursor
        assert ids(pages) == ids(whole.hits)
        assert [hit.duplicates for hit in pages] == [hit.duplicates for hit in whole.hits]


def test_without_anything_relevant_there_are_no_hits(engine: Engine) -> None:
    away = replace(QUERY, expression=Term(tuple((-ASKED).tolist())))
    found = engine.search(replace(away, sort="modified"))
    assert (found.hits, found.nothing_matches, found.next_cursor) == ((), True, None)
    assert engine.search(away).hits


def test_orders_that_cannot_be_are_refused(engine: Engine) -> None:
    cursor = engine.search(replace(QUERY, sort="name", limit=3)).next_cursor
    assert cursor
    for other in ({"sort": "modified"}, {"sort": "name", "group": "day"}, {"sort": "name", "min_relevance": 0.5}):
        with pytest.raises(QueryError, match="another query"):
            engine.search(replace(QUERY, cursor=cursor, **other))  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="did you mean 'taken'"):
        engine.search(replace(QUERY, sort="take"))  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="there are modality, day"):
        engine.search(replace(QUERY, group="month"))  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="sort by relevance"):
        engine.search(replace(QUERY, sort="modified", quotas=(Quota(Modality.AUDIO, least=1),)))


def test_a_forged_cursor_is_refused(engine: Engine) -> None:
    dated = replace(QUERY, sort="modified", limit=3)
    cursor = engine.search(dated).next_cursor
    assert cursor
    name, *place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    assert pack(name, *place) == cursor
    for wrong in ([0, "x", 0.0, "id", 1], [0, 1.0, float("nan"), "id", 1], [0, 1.0, 0.0, "id", 0], [0, 1.0, 0.0]):
        with pytest.raises(QueryError, match="is no cursor"):
            engine.search(replace(dated, cursor=pack(name, *wrong)))


def test_the_command_line_shows_the_dates_and_names_what_replaces_an_old_option(
    engine: Engine, data_dir: Path, hashed_model: Path
) -> None:
    newest = datetime.fromtimestamp(max(hit.mtime for hit in engine.search(QUERY).hits)).date()
    asked = ["search", "red", "--data-dir", str(data_dir), "--model", str(hashed_model), "--no-server"]
    run = partial(CliRunner().invoke, build(), env={"COLUMNS": "300"})
    dated = run([*asked, "--sort", "modified", "--min-relevance", "1e-9", "-k", "1", "--format", "table"])
    assert str(newest) in dated.stdout
    nothing = run([*asked, "--group", "day", "--min-relevance", "1"])
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    assert "without --sort" in nothing.stderr
    old = run([*asked, "--lanes"])
    assert isinstance(old.exception, UsageError)
    assert "--group modality" in str(old.exception)


def test_the_cut_is_lower_among_fewer_items(engine: Engine, everything: tuple[Hit, ...]) -> None:
    """The best of a few unrelated items is less relevant by chance than the best of many."""
    some = next(hit for hit in everything if 0.001 < hit.relevance < least(RELEVANT + OTHERS))
    where = parse_conditions([f"path:{Path(some.path).name}"])
    assert least(1) < some.relevance
    found = engine.search(replace(QUERY, sort="modified", where=where))
    assert (ids(found.hits), found.nothing_matches) == ([some.id], False)
    same = parse_conditions([f"path:{Path(some.path).stem}.?"])  # the engine cannot count what it matches
    assert engine.search(replace(QUERY, sort="modified", where=same)).nothing_matches


@pytest.mark.parametrize("query", [QUERY, replace(QUERY, sort="name"), replace(QUERY, group="day")])
def test_an_item_that_is_deleted_between_lookup_and_reading_is_left_out(
    engine: Engine, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = engine.search(query).hits
    store, gone = engine._index.store, before[1].id
    read = store.payloads
    monkeypatch.setattr(store, "payloads", lambda ids: {id_: p for id_, p in read(ids).items() if p.item_id != gone})
    assert engine.search(query).hits == tuple(hit for hit in before if hit.id != gone)
