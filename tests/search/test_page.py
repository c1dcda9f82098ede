"""Which items are shown: filters, groups, quotas, near-duplicates, pages, feedback and parts, over a real index."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image
from typer.testing import CliRunner

from omnisearch.cli.commands import build
from omnisearch.config import Settings, load_settings
from omnisearch.errors import NotReadyError, QueryError
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import ItemRef, Term
from omnisearch.query.query import Query, Quota
from omnisearch.search.engine import Engine
from omnisearch.stores.base import Payload
from omnisearch.types import Hit, Modality
from omnisearch_indexer.labels import parse_labels
from omnisearch_indexer.session import index_files
from tests.search.conftest import RATE, tone

IMAGE, AUDIO, TEXT = Modality.IMAGE, Modality.AUDIO, Modality.TEXT
RED = Query(Term("red"), limit=100, fold=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("collection")
    (place / "photos").mkdir()
    random = np.random.default_rng(5)
    for n in range(12):
        color = tuple(int(value) for value in random.integers(0, 255, 3))
        Image.new("RGB", (32, 24), color).save(place / "photos" / f"p{n}.png")
    for side in (30, 40, 50):  # one colour, other bytes: near-duplicates
        Image.new("RGB", (side, side), (200, 20, 20)).save(place / f"red{side}.png")
    for n in range(4):
        soundfile.write(place / f"s{n}.wav", tone(200 * (n + 1), 1 + n), RATE)
    both = np.concatenate([tone(120, 40), tone(3100, 10), tone(120, 10)])
    soundfile.write(place / "long.wav", both, RATE)
    for word in ("red", "blue", "green song", "low voice"):
        (place / f"{word}.txt").write_text(word)
    return place


@pytest.fixture(scope="module")
def settings(folder: Path, hashed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = load_settings(data_dir=tmp_path_factory.mktemp("data"), model=str(hashed_model), workers=1)
    assert not index_files([folder], made).failed
    labels = parse_labels(["holiday"], ["author=ann"])
    assert not index_files([folder / "photos"], made, labels=labels).failed
    return made


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[Engine]:
    with Engine.open(settings) as opened:
        yield opened


def ids(hits: tuple[Hit, ...] | list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def payload(engine: Engine, hit: Hit) -> Payload:
    return engine.item(hit.id)[0]


CONDITIONS = ["path:photos/**", "!path:*.png", "size>100", "size<=1kb", "duration>=2", "!duration:1", "tag:holiday"]
CONDITIONS += ["meta.author:ann", "!meta.author:ann", "mime:image/*", "mtime>=2020", "mtime<2020", "path:?ed*"]


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_filtered_search_is_the_whole_search_filtered_afterwards(engine: Engine, text: str) -> None:
    conditions = parse_conditions([text])
    everything = engine.search(RED).hits
    kept = [hit for hit in everything if all(one.holds(payload(engine, hit)) for one in conditions)]
    found = engine.search(replace(RED, where=conditions)).hits
    assert [(hit.id, Path(hit.path).name, hit.relevance) for hit in found] == [
        (hit.id, Path(hit.path).name, hit.relevance) for hit in kept
    ]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in kept], abs=1e-5)


def test_labels_hold_for_what_lies_below_and_facts_are_those_of_the_file(engine: Engine, folder: Path) -> None:
    for hit in engine.search(RED).hits:
        known, path = payload(engine, hit), Path(hit.path)
        assert (known.size, known.mtime) == (path.stat().st_size, path.stat().st_mtime_ns // 10**9)
        below = path.parent.name == "photos"
        assert (known.tags, known.meta) == ((("holiday",), {"author": "ann"}) if below else ((), {}))


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("quotas", [(), (Quota(IMAGE, most=4),)], ids=["free", "at most"])
def test_pages_laid_end_to_end_are_one_long_page(engine: Engine, fold: bool, quotas: Any) -> None:
    query = replace(RED, fold=fold, quotas=quotas)
    whole = engine.search(query)
    assert whole.next_cursor is None
    for size in (1, 4, 7):
        pages, cursor = [], ""
        while cursor is not None:
            page = engine.search(replace(query, limit=size, cursor=cursor))
            pages += page.hits
            cursor = page.next_cursor
        assert ids(pages) == ids(whole.hits)
        assert [hit.duplicates for hit in pages] == [hit.duplicates for hit in whole.hits]


def test_a_cursor_of_something_else_is_refused(engine: Engine) -> None:
    cursor = engine.search(replace(RED, limit=3)).next_cursor
    assert cursor
    engine.search(replace(RED, limit=9, cursor=cursor))  # the length of a page may change
    others = [
        replace(RED, expression=Term("blue")),
        replace(RED, expression=Term("red", 2.0) + Term("blue")),
        replace(RED, expression=Term("red") & Term("blue")),
        replace(RED, modalities=(IMAGE,)),
        replace(RED, where=parse_conditions(["size>0"])),
        replace(RED, fold=True),
    ]
    for other in others:
        with pytest.raises(QueryError, match="another query"):
            engine.search(replace(other, cursor=cursor))
    for wrong in ("x", cursor[:-5], "e30", "W10", "A" * 9000, "é"):
        with pytest.raises(QueryError, match="is no cursor"):
            engine.search(replace(RED, cursor=wrong))
    with pytest.raises(QueryError, match="raise the limit"):
        engine.search(replace(RED, group="modality", cursor=cursor))


def test_near_duplicates_are_folded_under_the_best_and_named(engine: Engine) -> None:
    within = replace(RED, modalities=(IMAGE,))
    plain = engine.search(within).hits
    reds = [hit.id for hit in plain if Path(hit.path).name.startswith("red")]
    assert len(reds) == 3
    assert all(hit.duplicates == () for hit in plain)
    folded = engine.search(replace(within, fold=True)).hits
    (best,) = [hit for hit in folded if hit.id in reds]
    assert [best.id, *best.duplicates] == reds
    assert Counter([*ids(folded), *(other for hit in folded for other in hit.duplicates)]) == Counter(ids(plain))


def test_the_table_counts_the_near_duplicates_of_a_hit(settings: Settings) -> None:
    asked = ["search", "red", "--in", "image", "-k", "100", "--format", "table", "--no-server"]
    asked += ["--data-dir", str(settings.data_dir), "--model", settings.model]
    folded = CliRunner().invoke(build(), asked, env={"COLUMNS": "300"}).stdout
    (best,) = [line for line in folded.splitlines() if "/red" in line]
    assert "(+2 similar)" in best
    assert "similar" not in CliRunner().invoke(build(), [*asked, "--no-fold"], env={"COLUMNS": "300"}).stdout


def test_groups_are_the_searches_of_each_modality(engine: Engine) -> None:
    groups = engine.search(replace(RED, group="modality", limit=3, fold=True)).hits
    alone = [engine.search(replace(RED, modalities=(m,), limit=3, fold=True)).hits for m in Modality]
    assert ids(groups) == [id_ for hits in alone for id_ in ids(hits)]


def test_quotas_bound_a_mixed_list_and_keep_its_order(engine: Engine) -> None:
    free = engine.search(replace(RED, limit=8)).hits
    for quotas in [
        (Quota(AUDIO, 3),),
        (Quota(IMAGE, most=1),),
        (Quota(AUDIO, 2, 2), Quota(TEXT, 1, 2), Quota(IMAGE, 0, 3)),
    ]:
        found = engine.search(replace(RED, limit=8, quotas=quotas)).hits
        counts = Counter(hit.modality for hit in found)
        for quota in quotas:
            assert counts[quota.modality] >= quota.least
            assert quota.most is None or counts[quota.modality] <= quota.most
        odds = [hit.relevance for hit in found]
        assert odds == sorted(odds, reverse=True)
        assert len(found) <= len(free)
        for modality in counts:  # within a modality the best are kept
            alone = ids(engine.search(replace(RED, modalities=(modality,))).hits)
            assert [hit.id for hit in found if hit.modality is modality] == alone[: counts[modality]]
    with pytest.raises(QueryError, match="at least 5"):
        engine.search(replace(RED, limit=4, quotas=(Quota(AUDIO, 3), Quota(IMAGE, 2))))


@pytest.mark.parametrize(
    ("text", "quota"),
    [
        ("image:2-5", Quota(IMAGE, 2, 5)),
        ("audio:1-", Quota(AUDIO, 1)),
        ("text:-3", Quota(TEXT, 0, 3)),
        ("image:3", Quota(IMAGE, 3, 3)),
        ("image:-0", Quota(IMAGE, 0, 0)),
    ],
)
def test_a_quota_is_read(text: str, quota: Quota) -> None:
    assert Quota.parse(text) == quota


@pytest.mark.parametrize("text", ["image", "image:", "image:-", "images:3", "image:x", "image:5-2"])
def test_what_is_no_quota_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="image"):
        Quota.parse(text)


def test_a_hit_shows_its_best_segments_in_order(engine: Engine) -> None:
    query = replace(RED, expression=Term("high"), modalities=(AUDIO,))
    (hit,) = [hit for hit in engine.search(replace(query, segments=1)).hits if hit.path.endswith("long.wav")]
    assert hit.segments == ((hit.segment, pytest.approx(hit.score, abs=1e-6)),)
    (hit,) = [hit for hit in engine.search(replace(query, segments=100)).hits if hit.path.endswith("long.wav")]
    (all_of_it,) = hit.segments  # its windows touch
    assert hit.segment is not None
    assert (all_of_it[0].start, all_of_it[0].index) == (0, hit.segment.index)
    assert all_of_it[1] == pytest.approx(hit.score, abs=1e-6)
    (hit,) = [hit for hit in engine.search(replace(query, segments=3)).hits if hit.path.endswith("long.wav")]
    scores = [score for _, score in hit.segments]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) <= 3
    for hit in engine.search(replace(RED, modalities=(IMAGE,), segments=3)).hits:
        assert hit.segments == ()


def test_feedback_is_rocchio_s_formula(engine: Engine) -> None:
    everything = engine.search(RED).hits
    like, unlike = [everything[3].id, everything[5].id], [everything[1].id]
    fed = replace(RED, expression=Term("red", 2.0), like=tuple(like), unlike=tuple(unlike), include_self=True)
    terms = (
        Term("red") + 0.375 * Term(ItemRef(like[0])) + 0.375 * Term(ItemRef(like[1])) - 0.15 * Term(ItemRef(unlike[0]))
    )
    expected = engine.search(replace(RED, expression=terms, include_self=True)).hits
    found = engine.search(fed).hits
    assert ids(found) == ids(expected)
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=1e-5)
    assert not {*like, *unlike} & set(ids(engine.search(replace(fed, include_self=False)).hits))
    with pytest.raises(QueryError, match="sum"):
        engine.search(replace(fed, expression=Term("red") & Term("blue")))


def test_an_index_without_facts_is_refused_with_the_way_out_and_mended_by_indexing(
    folder: Path, hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings(data_dir=tmp_path, model=str(hashed_model), workers=1)
    flat = Payload.flat
    with monkeypatch.context() as older:
        new = {"size", "mtime", "about"}
        older.setattr(Payload, "flat", lambda self: {k: v for k, v in flat(self).items() if k not in new})
        index_files([folder], settings)
    query = replace(RED, where=parse_conditions(["path:photos"]))
    with Engine.open(settings) as engine:
        assert engine.search(RED).hits
        with pytest.raises(NotReadyError, match="omnisearch index PATH"):
            engine.search(query)
