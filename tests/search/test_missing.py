"""Files that are gone: their hits say so and come last, and the command line and verify count them."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omnisearch.cli.commands import build
from omnisearch.config import Settings, load_settings
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.search.present.hit_json import hit_json
from omnisearch.types import Modality
from omnisearch_indexer.check_result import CheckState
from omnisearch_indexer.session import index_files
from omnisearch_indexer.verify import verify_index
from tests.indexer.conftest import write_image, write_sound

QUERY = Query(Term("red"), limit=100, fold=False)
GONE = {"p0.png", "s1.wav"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for n in range(4):
        write_image(tmp_path / "media" / f"p{n}.png", seed=n)
        write_sound(tmp_path / "media" / f"s{n}.wav", seed=n)
    return tmp_path / "media"


@pytest.fixture
def settings(folder: Path, hashed_model: Path, tmp_path: Path) -> Settings:
    made = load_settings(data_dir=tmp_path / "data", model=str(hashed_model), workers=1)
    assert index_files([folder], made).failed == 0
    return made


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine.open(settings) as opened:
        yield opened


def test_hits_whose_file_is_gone_say_so_and_come_last(engine: Engine, folder: Path) -> None:
    before = engine.search(QUERY).hits
    assert not any(hit.missing or "missing" in hit_json(hit) for hit in before)
    for name in GONE:
        (folder / name).unlink()
    found = engine.search(QUERY).hits
    assert {Path(hit.path).name for hit in found if hit.missing} == GONE
    assert [hit.missing for hit in found] == [False] * 6 + [True] * 2
    assert [hit.id for hit in found[:6]] == [hit.id for hit in before if Path(hit.path).name not in GONE]
    assert [hit_json(hit).get("missing") for hit in found[5:]] == [None, True, True]
    groups = engine.search(replace(QUERY, group="modality")).hits
    assert [hit.modality for hit in groups] == [Modality.IMAGE] * 4 + [Modality.AUDIO] * 4
    assert [hit.missing for hit in groups] == [False, False, False, True] * 2


def test_pages_still_hold_every_hit_once(engine: Engine, folder: Path) -> None:
    (folder / "p0.png").unlink()
    pages, cursor = [], ""
    while cursor is not None:
        page = engine.search(replace(QUERY, limit=3, cursor=cursor))
        pages += [hit.id for hit in page.hits]
        cursor = page.next_cursor
    assert sorted(pages) == sorted(hit.id for hit in engine.search(QUERY).hits)


def test_one_look_is_spent_on_each_shown_hit(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    lstat = os.lstat
    monkeypatch.setattr(os, "lstat", lambda path, **kw: looks.append(path) or lstat(path, **kw))
    assert len(engine.search(replace(QUERY, limit=3)).hits) == 3
    assert len(looks) <= 3


def test_verify_names_them(settings: Settings, folder: Path) -> None:
    assert verify_index(settings).findings == []
    for name in GONE:
        (folder / name).unlink()
    [found] = verify_index(settings).findings
    assert (found.check, found.state, found.paths) == (
        "files",
        CheckState.WARN,
        tuple(str(folder / n) for n in sorted(GONE)),
    )
    assert found.value.startswith(f"2 of 8 files are missing: {folder}")
    assert found.way_out == f"run `omnisearch index {folder}`"


def test_the_command_line_marks_them_and_writes_paths_for_programs(settings: Settings, folder: Path) -> None:
    (folder / "p0.png").unlink()
    asked = ["search", "red", "--no-fold", "--data-dir", str(settings.data_dir), "--model", settings.model]
    rows = [json.loads(line) for line in CliRunner().invoke(build(), asked).stdout.splitlines()]
    assert [row["path"] for row in rows if row.get("missing")] == [str(folder / "p0.png")]
    table = CliRunner().invoke(build(), [*asked, "--format", "table"])
    assert "(missing)" in table.stdout
    assert "1 of these files" in table.stderr
    paths = CliRunner().invoke(build(), [*asked, "-0"]).stdout_bytes.split(b"\0")
    assert paths == [*(row["path"].encode() for row in rows), b""]
