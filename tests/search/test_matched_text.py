"""Texts that were read in media: they are found by words and by meaning, and a hit says which of them matched."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from PIL import Image

from omnisearch.config import load_settings
from omnisearch.metadata import Metadata
from omnisearch.query.expressions import Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.search.index import Index
from omnisearch.search.present.hit_json import hit_json
from omnisearch.search.rank import lexical
from omnisearch.types import Hit, Match, Reading, Region, Role
from omnisearch_indexer.session import index_files
from tests.search.conftest import RATE, tone

BOX = Region(0.1, 0.2, 0.3, 0.05, relative=True)
SAID = "So the budget meetings <b>move</b> to Friday."


@pytest.fixture(scope="module")
def engine(hashed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    place = tmp_path_factory.mktemp("read")
    soundfile.write(place / "talk.wav", tone(440, 30), RATE)
    for name, color in (("receipt", "white"), ("other", "red"), ("third", "blue")):
        Image.new("RGB", (32, 24), color).save(place / f"{name}.png")
    (place / "long.txt").write_text("Nothing happened. " * 60 + "Then the harpooner spoke. " + "Nothing more. " * 60)
    settings = load_settings(data_dir=tmp_path_factory.mktemp("data"), model=str(hashed_model), workers=1)
    index_files([place], settings)
    with Engine.open(settings) as opened:
        (vector,) = opened.embed([Term("the quarterly plan")], role=Role.DOCUMENT)
        index = Index.open(settings)
        for point in list(index.store.scroll(with_vectors=True)):
            readings: tuple[Reading, ...] = ()
            metadata, text = Metadata(), None
            if Path(point.payload.path).name == "talk.wav" and point.payload.segment.index == 1:
                heard = Reading("speech", SAID, 12.5, 16.0, language="en"), Reading("speech", "Hm.", 16.0, 17.0)
                readings, text = heard, vector
            if Path(point.payload.path).name == "receipt.png":
                readings = Reading("ocr", "TOTAL", box=BOX), Reading("ocr", "ACME Corp 17.20", box=BOX, confidence=0.9)
                metadata = Metadata(caption="Lunch with Ann")
            payload = replace(point.payload, readings=readings, metadata=metadata)
            index.store.upsert([replace(point, payload=payload, text_vector=text)])
        index.store.close()
        yield opened


def best(engine: Engine, text: str, **options: bool) -> tuple[Hit, Match]:
    hit = engine.search(Query(Term(text), fold=False, **options)).hits[0]  # type: ignore[arg-type]
    return hit, hit.matched_by[0]


def marked(match: Match) -> list[str]:
    return [match.text[first:last] for first, last in match.marks]


def test_what_was_said_is_found_in_another_form_at_its_time(engine: Engine) -> None:
    hit, match = best(engine, "budget meeting")
    assert Path(hit.path).name == "talk.wav"
    assert (match.field, match.text, marked(match)) == ("speech", SAID, ["budget", "meetings"])
    assert hit.segment is not None
    assert (match.start, match.end) == (hit.segment.start, hit.segment.end) == (12.5, 16.0)
    shown = hit_json(hit)["matched_by"][0]
    assert (shown["marks"], shown["start"], "box" in shown) == ([[7, 13], [14, 22]], 12.5, False)


def test_what_is_written_in_a_picture_is_found_in_its_place(engine: Engine) -> None:
    hit, match = best(engine, "acme")
    assert (Path(hit.path).name, match.field, marked(match), match.box) == ("receipt.png", "ocr", ["ACME"], BOX)
    assert hit_json(hit)["matched_by"][0]["box"] == [0.1, 0.2, 0.3, 0.05]


def test_the_field_whose_words_weigh_most_is_shown(engine: Engine) -> None:
    assert best(engine, "lunch total")[1].field == "caption"
    assert best(engine, "receipt")[1].field == "name"


def test_words_that_are_no_evidence_are_shown_too(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexical, "EVIDENCE", 1e6)
    hits = engine.search(Query(Term("acme"), limit=50, fold=False)).hits
    shown = {Path(hit.path).name: hit.matched_by[0] for hit in hits}
    assert (shown["receipt.png"].field, marked(shown["receipt.png"])) == ("ocr", ["ACME"])
    assert {match.field for name, match in shown.items() if name != "receipt.png"} == {""}


def test_of_a_long_passage_the_part_with_the_word_is_shown(engine: Engine) -> None:
    _, match = best(engine, "harpooners")
    assert (match.field, marked(match)) == ("passage", ["harpooner"])
    assert len(match.text) <= 240


def test_what_was_said_is_found_by_its_meaning(engine: Engine) -> None:
    """No segment has these words; the text vector of one embeds them."""
    hit, match = best(engine, "the quarterly plan", explain=True)
    assert Path(hit.path).name == "talk.wav"
    assert (match.field, match.text, match.marks) == ("speech", SAID, ())
    assert hit.explanation is not None
    assert hit.explanation.calibration["text"] == pytest.approx(1, abs=2e-3)  # of half precision
    plain = engine.search(Query(Term("the quarterly plan"), limit=50, words=False)).hits
    assert hit.relevance > next(one.relevance for one in plain if one.id == hit.id)
    assert all(match.field == "" for one in plain for match in one.matched_by)


def test_a_hit_that_no_text_matched_names_no_field(engine: Engine) -> None:
    for hit in engine.search(Query(Term("zebra"), limit=50)).hits:
        assert [match.field for match in hit.matched_by] == [""]


@pytest.mark.parametrize("text", ["talk.wav", "TALK.WAV", " read0/talk.wav", "Read0/Talk.wav"])
def test_a_typed_file_name_finds_this_file_first(engine: Engine, text: str) -> None:
    hit, match = best(engine, text)
    assert (Path(hit.path).name, hit.relevance, match.field) == ("talk.wav", 1, "name")


@pytest.mark.parametrize("text", ["talk.mp3", "elsewhere/talk.wav", "alk.wav", "talk"])
def test_another_name_is_no_exact_match(engine: Engine, text: str) -> None:
    assert all(hit.relevance < 1 for hit in engine.search(Query(Term(text), limit=50)).hits)


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ('"budget meetings <b>move</b> to friday"', "talk.wav", "friday"),
        ('what about "to Friday" then', "talk.wav", "friday"),
        ("\u201cacme corp\u201d", "receipt.png", "corp"),
        ('"then the harpooner"', "long.txt", "harpooner"),
    ],
)
def test_a_phrase_finds_where_it_is_first_with_its_words(engine: Engine, text: str, name: str, words: str) -> None:
    hit, match = best(engine, text)
    assert (Path(hit.path).name, hit.relevance) == (name, 1)
    assert words in [mark.casefold() for mark in marked(match)]
    if name == "long.txt":
        assert hit.segment is not None
        assert hit.segment.start is not None
        assert hit.segment.start > 0  # it is not in the first passage


@pytest.mark.parametrize(
    "text", ['"meetings budget"', '"budget meeting"', "budget meetings move", '"corp acme"', '5" x 3"']
)
def test_words_in_another_order_or_form_are_no_phrase(engine: Engine, text: str) -> None:
    assert all(hit.relevance < 1 for hit in engine.search(Query(Term(text), limit=50)).hits)


def test_a_phrase_is_also_searched_by_its_meaning(engine: Engine) -> None:
    quoted, plain = (engine.search(Query(Term(text), limit=50)).hits for text in ('"zebra quagga"', "zebra quagga"))
    assert [(hit.id, hit.score) for hit in quoted] == [(hit.id, hit.score) for hit in plain]
