"""The engine over a real index of small files, with the space whose vectors can be reasoned about."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from omnisearch.config import Settings, load_settings
from omnisearch.errors import MediaError, NotFoundError, QueryError, Reason
from omnisearch.query.expressions import ItemRef, Sum, Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.types import Hit, Modality
from omnisearch_indexer.session import index_files
from tests.search.conftest import RATE, tone

IMAGE, AUDIO, TEXT = Modality.IMAGE, Modality.AUDIO, Modality.TEXT
COLORS = {"red": (220, 30, 30), "green": (30, 160, 30), "blue": (30, 60, 220), "yellow": (240, 220, 30)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("collection")
    for name, color in COLORS.items():
        Image.new("RGB", (32, 24), color).save(place / f"{name}.png")
    half = Image.new("RGB", (32, 24), COLORS["red"])
    half.paste(COLORS["blue"], (0, 0, 16, 24))
    half.save(place / "flag.png")
    soundfile.write(place / "low.wav", tone(110, 1), RATE)
    soundfile.write(place / "high.wav", tone(3000, 1), RATE)
    # 60 s: seven segments of a low tone around one high one, which would crowd out every other sound
    long = np.concatenate([tone(120, 40), tone(3100, 10), tone(120, 10)])
    soundfile.write(place / "long.wav", long, RATE)
    (place / "blue.txt").write_text("blue")
    (place / "song.txt").write_text("a red song in a low voice")
    return place


@pytest.fixture(scope="module")
def engine(folder: Path, hashed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    settings: Settings = load_settings(data_dir=tmp_path_factory.mktemp("data"), model=str(hashed_model), workers=1)
    assert not index_files([folder], settings).failed
    with Engine.open(settings) as opened:
        yield opened


def ask(engine: Engine, *terms: Term, within: tuple[Modality, ...] = tuple(Modality), limit: int = 10) -> list[Hit]:
    return list(engine.search(Query(Sum(terms), modalities=within, limit=limit)).hits)


def names(hits: list[Hit]) -> list[str]:
    return [Path(hit.path).name for hit in hits]


@pytest.mark.parametrize("color", list(COLORS))
def test_a_word_finds_its_picture(engine: Engine, color: str) -> None:
    assert names(ask(engine, Term(color), within=(IMAGE,)))[0] == f"{color}.png"


def test_a_picture_finds_its_word_and_a_sound_its_kind(engine: Engine, folder: Path) -> None:
    assert names(ask(engine, Term(folder / "blue.png"), within=(TEXT,)))[0] == "blue.txt"
    assert names(ask(engine, Term("high"), within=(AUDIO,)))[:2] in (["high.wav", "long.wav"], ["long.wav", "high.wav"])


def test_adding_terms_finds_what_shows_both(engine: Engine) -> None:
    assert names(ask(engine, Term("red"), Term("blue"), within=(IMAGE,)))[0] == "flag.png"


def test_subtracting_a_term_lowers_what_shows_it(engine: Engine) -> None:
    plain = {hit.path: hit.score for hit in ask(engine, Term("red"))}
    without = {hit.path: hit.score for hit in ask(engine, Term("red"), Term("blue", -0.5))}
    flag = next(path for path in plain if path.endswith("flag.png"))
    assert without[flag] < plain[flag]
    assert names(ask(engine, Term("red"), Term("blue", -0.5), within=(IMAGE,)))[0] == "red.png"


def test_a_hit_on_a_long_item_names_its_segment_and_stands_once(engine: Engine) -> None:
    hits = ask(engine, Term("high"), within=(AUDIO,))
    assert sorted(names(hits)) == ["high.wav", "long.wav", "low.wav"]
    segment = next(hit.segment for hit in hits if hit.path.endswith("long.wav"))
    assert segment is not None
    assert segment.start is not None
    assert segment.end is not None
    assert segment.start <= 45 <= segment.end


def test_many_segments_do_not_crowd_a_page(engine: Engine) -> None:
    assert sorted(names(ask(engine, Term("low"), within=(AUDIO,), limit=2))) == ["long.wav", "low.wav"]


def test_the_query_s_own_item_is_no_hit_unless_asked_for(engine: Engine, folder: Path) -> None:
    term = Term(folder / "red.png")
    assert "red.png" not in names(ask(engine, term))
    first = engine.search(Query(term, include_self=True)).hits[0]
    assert Path(first.path).name == "red.png"
    assert first.score == pytest.approx(1, abs=1e-5)


def test_an_item_is_the_file_that_it_is(engine: Engine, folder: Path) -> None:
    item = engine.search(Query(Term(folder / "red.png"), include_self=True)).hits[0]
    by_id, by_file = ask(engine, Term(ItemRef(item.id))), ask(engine, Term(folder / "red.png"))
    assert names(by_id) == names(by_file)
    assert [hit.score for hit in by_id] == pytest.approx([hit.score for hit in by_file], abs=1e-5)


def test_contributions_add_up_to_the_score(engine: Engine, folder: Path) -> None:
    for hit in ask(engine, Term("red", 2.0), Term(folder / "low.wav", 0.7), Term("green", -0.4)):
        assert sum(match.contribution for match in hit.matched_by) == pytest.approx(hit.score, abs=1e-5)


def test_one_modality_is_its_part_of_the_mixed_list(engine: Engine) -> None:
    mixed = [hit.id for hit in ask(engine, Term("red"), limit=100) if hit.modality is IMAGE]
    assert mixed == [hit.id for hit in ask(engine, Term("red"), within=(IMAGE,), limit=100)]


def test_order_and_common_scale_of_terms_change_nothing(engine: Engine) -> None:
    one = ask(engine, Term("red"), Term("low", 0.5))
    other = ask(engine, Term("low", 5.0), Term("red", 10.0))
    assert [hit.id for hit in one] == [hit.id for hit in other]
    assert [hit.score for hit in one] == pytest.approx([hit.score for hit in other], abs=1e-5)


def test_relevance_follows_rank_and_stays_in_bounds(engine: Engine) -> None:
    found = [hit.relevance for hit in ask(engine, Term("red"), limit=100)]
    assert found == sorted(found, reverse=True)
    assert all(0 <= value <= 1 for value in found)


def test_explaining_shows_each_term_s_factors(engine: Engine, folder: Path) -> None:
    query = Query(Term("red") + Term(folder / "low.wav"), explain=True, limit=1)
    (hit,) = engine.search(query).hits
    assert [match.factors for match in hit.matched_by] == [{"text:hashed": 1.0}, {"audio:hashed": 1.0}]


def test_what_cannot_be_asked_is_refused(engine: Engine, folder: Path) -> None:
    with pytest.raises(QueryError, match="at least one term"):
        ask(engine)
    with pytest.raises(QueryError, match="cancel out"):
        ask(engine, Term("red"), Term("red", -1.0))
    with pytest.raises(NotFoundError, match="no item 'nonsense'"):
        ask(engine, Term(ItemRef("nonsense")))
    with pytest.raises(MediaError, match=r"vanished: .*missing\.png: ") as caught:
        ask(engine, Term("red"), Term(folder / "missing.png"))
    assert caught.value.reason is Reason.VANISHED
    with pytest.raises(QueryError, match="'caf%E9' contains bytes that are not UTF-8"):
        ask(engine, Term("caf\udce9"))
    with pytest.raises(QueryError, match="'id:%FF' contains bytes"):
        ask(engine, Term(ItemRef("\udcff")))


def test_a_query_file_may_have_any_name(engine: Engine, folder: Path, tmp_path: Path) -> None:
    odd = tmp_path / "caf\udce9.png"
    odd.write_bytes((folder / "red.png").read_bytes())
    (hit,) = ask(engine, Term(odd), limit=1)
    assert hit.matched_by[0].term == f"{tmp_path}/caf%E9.png"


def test_the_first_segment_of_an_item_is_read_alone(engine: Engine) -> None:
    for hit in ask(engine, Term("low")):
        assert engine.first(hit.id) == replace(engine.item(hit.id)[0], passage="", readings=())
    with pytest.raises(NotFoundError, match="no item"):
        engine.first("0" * 32)


def test_counts_and_items(engine: Engine) -> None:
    counts = engine.counts()
    assert counts[IMAGE] == 5
    assert counts[AUDIO] == 2 + len(engine.item(next(h.id for h in ask(engine, Term("low")) if "long" in h.path)))
