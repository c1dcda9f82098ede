"""The corpus of words in media says where its words are, with a font and a voice that stand in for the real ones."""

import zipfile
import zlib
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import soundfile
from PIL import Image, ImageFont
from PIL.ExifTags import IFD, Base

from demo.words import corpus, documents, pictures, sounds
from demo.words.evaluate import evaluate, table
from demo.words.fonts import Fonts
from demo.words.measure import judge, scores
from demo.words.photos import TOWNS, Tags, write_photo
from demo.words.phrases import SCRIPTS, SENTENCES, Phrases, reworded
from demo.words.scenery import scenery
from demo.words.truth import Question, read_truth
from demo.words.vectors import compare, of_pages
from demo.words.voices import Speaker
from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.types import Floats

FONTS = cast(Fonts, SimpleNamespace(of=lambda script, size, style=0: ImageFont.load_default(size)))


class Beeps:
    """Says every text as a beep that is as long as the text."""

    rate = 11_025

    def say(self, text: str, voice: str) -> Floats:
        return np.sin(np.arange(len(text) * self.rate // 30) * 0.5, dtype=np.float32)


SPEAKER = cast(Speaker, Beeps())


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", pictures.DRAWS)
@pytest.mark.parametrize("script", ["latin", "japanese"])
def test_the_box_of_a_phrase_is_where_its_letters_are(kind: str, script: str) -> None:
    """The same picture without the first phrase differs only inside its box."""
    phrases = ["a green parrot behind the mill", "one", "two", "three"]
    drawn = pictures.DRAWS[kind](random(), FONTS, script, phrases)
    width, height = drawn.picture.size
    left, top, wide, high = drawn.box
    hidden = _without(kind, script, phrases)
    changed = np.argwhere(np.abs(np.asarray(drawn.picture, int) - np.asarray(hidden.picture, int)).max(axis=2) > 40)
    (first_row, first_column), (last_row, last_column) = changed.min(axis=0), changed.max(axis=0)
    assert left * width - 2 <= first_column < last_column <= (left + wide) * width + 2
    assert top * height - 2 <= first_row < last_row <= (top + high) * height + 2
    assert wide * high > 0.002


def _without(kind: str, script: str, phrases: list[str]) -> pictures.Drawn:
    """Draw the picture with its first phrase in the colour of the paper."""
    with pytest.MonkeyPatch.context() as patch:
        write = pictures.written

        def blank(pen: Any, at: Any, lines: list[str], font: Any, ink: Any) -> Any:
            is_first = "".join(lines).replace(" ", "") == phrases[0].replace(" ", "")
            return write(pen, at, lines, font, pen.im.getpixel(tuple(map(int, at))) if is_first else ink)

        patch.setattr(pictures, "written", blank)
        return pictures.DRAWS[kind](random(), FONTS, script, phrases)


def test_a_sentence_is_heard_when_the_truth_says() -> None:
    said = [("a short one", "en", "x"), ("and this is a much longer sentence", "en", "x")]
    samples, found = sounds.speech(random(), SPEAKER, said, (1.0, 2.0))
    loud = np.abs(samples) > 0.5
    at = np.flatnonzero(loud) / sounds.RATE
    for each in found:
        inside = at[(at >= each.start - 0.05) & (at <= each.end + 0.05)]
        assert inside.min() == pytest.approx(each.start, abs=0.05)
        assert inside.max() == pytest.approx(each.end, abs=0.05)
    between = (at > found[0].end + 0.05) & (at < found[1].start - 0.05)
    assert not between.any()
    assert [each.text for each in found] == [text for text, _, _ in said]


def test_a_phrase_has_the_same_thing_and_place_in_other_words() -> None:
    forms = reworded("The spare key is under the stone bridge")
    assert forms["de"] == "Ersatzschlüssel unter der steinernen Brücke"
    assert forms["zh"] == "备用钥匙在石桥下"
    assert not {"spare", "key", "stone", "bridge"}.intersection(forms["en"].split())


class BagOfWords:
    """Embeds a text as the counts of the remainders of its words; sums grow with the text, so lines are nearer."""

    def encode(self, _: object, texts: list[str], role: object) -> Floats:
        rows = np.array([np.bincount([zlib.crc32(w.encode()) % 997 for w in t.split()], minlength=997) for t in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.slow
def test_each_line_is_nearer_to_its_phrase_than_all_lines_of_a_page() -> None:
    rows = [line.split(" | ") for line in compare(cast(OmniBind, BagOfWords()), of_pages(15), "page")]
    written = {row[3]: (int(row[4]), int(row[5])) for row in rows if row[1] == "as written"}
    assert written["each line"] == written["all lines, and each line"] == (100, 100)
    assert written["all lines"] < (100, 100)


def test_phrases_and_sentences_are_dealt_once() -> None:
    dealt = Phrases(random())
    pairs = len(SCRIPTS["greek"].things) * len(SCRIPTS["greek"].places)
    assert len({dealt.phrase("greek") for _ in range(pairs)}) == pairs
    with pytest.raises(StopIteration):
        dealt.phrase("greek")
    assert dealt.sentence().startswith("The ")
    language, text = dealt.foreign_sentence()
    assert text in SENTENCES[language]


def test_a_photo_has_its_tags(tmp_path: Path) -> None:
    tags = Tags(datetime(2023, 7, 14, 12, 30), "Lima", ("Canon", "EOS 80D"), "a caption")
    write_photo(Image.new("RGB", (8, 8)), tags, tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as photo:
        exif = photo.getexif()
    assert (exif[Base.Model], exif[Base.ImageDescription]) == ("EOS 80D", "a caption")
    assert exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "2023:07:14 12:30:00"
    south, latitude, west, longitude = list(exif.get_ifd(IFD.GPSInfo).values())
    sides = [sum(part / 60**n for n, part in enumerate(value)) for value in (latitude, longitude)]
    assert (south, west) == ("S", "W")
    assert sides == pytest.approx([-side for side in TOWNS["Lima"]], abs=1e-4)


@pytest.mark.parametrize("suffix", documents.WRITERS)
def test_an_office_file_is_an_archive_of_its_parts(suffix: str, tmp_path: Path) -> None:
    parts = [("First", ["one & two", "x"]), ("Second", ["three"])]
    for path in (tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"):
        documents.WRITERS[suffix](parts, path)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    with zipfile.ZipFile(tmp_path / f"a{suffix}") as archive:
        text = "".join(archive.read(name).decode() for name in archive.namelist())
    assert all(words in text for words in ("First", "one &amp; two", "three"))


def test_sceneries_differ_and_repeat() -> None:
    first, again, other = (scenery(random(seed), (120, 90)) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.slow
def test_the_small_corpus_has_every_file_of_its_truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "Fonts", lambda cache: FONTS)
    made = corpus.build(tmp_path / "a", tmp_path, SPEAKER, 3, corpus.SMALL)
    assert read_truth(tmp_path / "a") == made
    there = {str(p.relative_to(tmp_path / "a")) for p in (tmp_path / "a").rglob("*.*")}
    assert there == {file for one in made.questions for file in one.files} | set(made.wordless)
    assert {one.within for one in made.questions} == {"picture", "speech", "frame", "tags", "document"}
    assert {one.language for one in made.questions} >= {"en", "ru", "el", "zh", "ja", "ar"}
    assert {one.language for one in made.questions} & SENTENCES.keys()
    for one in made.questions:
        if one.within == "speech" and one.kind == "sound":
            assert soundfile.info(tmp_path / "a" / one.files[0]).duration > (one.end or 0)
    assert corpus.build(tmp_path / "b", tmp_path, SPEAKER, 3, corpus.SMALL).questions == made.questions


def hit(path: str, **more: Any) -> dict[str, Any]:
    return {"path": f"/c/{path}", "segment": None, "matched_by": [{"term": "x"}], **more}


SPOKEN = Question("a", ("talk.wav",), "speech", "sound", "en", start=10.0, end=12.0)
DRAWN = Question("b", ("sign.png",), "picture", "sign", "ja", box=(0.2, 0.2, 0.4, 0.1))
PAGED = Question("c", ("notes.pdf",), "document", "pdf", page=2)


@pytest.mark.parametrize(
    ("question", "found", "place"),
    [
        (SPOKEN, hit("talk.wav", matched_by=[{"field": "speech", "start": 8.5}]), True),
        (SPOKEN, hit("talk.wav", matched_by=[{"field": "speech", "start": 7.5}]), False),
        (SPOKEN, hit("talk.wav", segment={"start": 13.5}), True),
        (SPOKEN, hit("talk.wav"), False),
        (DRAWN, hit("sign.png", matched_by=[{"field": "ocr", "box": [0.25, 0.2, 0.2, 0.1]}]), True),
        (DRAWN, hit("sign.png", matched_by=[{"field": "ocr", "box": [0.7, 0.2, 0.2, 0.1]}]), False),
        (DRAWN, hit("sign.png"), False),
        (PAGED, hit("notes.pdf", segment={"part": "page 2"}), True),
        (PAGED, hit("notes.pdf", segment={"part": "page 3"}), False),
        (PAGED, hit("notes.pdf", segment={"start": 2}), False),
    ],
)
def test_a_place_is_right_within_two_seconds_in_its_box_and_on_its_page(
    question: Question, found: dict[str, Any], place: bool
) -> None:
    judged = judge(question, [found], PurePosixPath("/c"), frozenset())
    assert (judged.first, judged.place) == (True, place)


def test_scores_are_shares_of_their_group() -> None:
    wordless = frozenset({"view.jpg"})
    lists = {
        SPOKEN: [hit("view.jpg"), hit("talk.wav")],
        DRAWN: [hit("sign.png", matched_by=[{"field": "ocr", "box": [0.3, 0.2, 0.1, 0.1]}])],
        PAGED: [],
    }
    judged = [judge(one, found, PurePosixPath("/c"), wordless) for one, found in lists.items()]
    assert [one.found_wordless for one in judged] == [True, False, False]
    judged[1] = replace(judged[1], quoted=True)
    assert [one.quoted for one in scores(judged)] == [None, 1, 1, None, None]
    assert {one.group: (one.questions, one.first, one.ten, one.place) for one in scores(judged)} == {
        "document": (1, 0, 0, None),
        "picture": (1, 1, 1, 1),
        "picture, ja": (1, 1, 1, 1),
        "speech": (1, 0, 1, None),
        "speech, en": (1, 0, 1, None),
    }


def test_conditions_need_all_files_and_no_others() -> None:
    asked = Question("a", ("x.jpg", "y.jpg"), "tags", "photo", where=("taken:2023-07",))
    for found, right in ((["y.jpg", "x.jpg"], True), (["x.jpg"], False), (["x.jpg", "y.jpg", "z.jpg"], False)):
        assert judge(asked, [hit(each) for each in found], PurePosixPath("/c"), frozenset()).first is right


@pytest.mark.slow
def test_what_is_read_in_pictures_is_found(tmp_path: Path, hashed_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rapidocr")
    monkeypatch.setattr(corpus, "Fonts", lambda cache: FONTS)
    monkeypatch.setattr(corpus, "SCRIPTS", {"latin": SCRIPTS["latin"]})
    few = corpus.Sizes(pictures=1, wordless=1, sounds=1, music=1, films=0, photos=4, parts=1, pause=(1.0, 2.0))
    truth = corpus.build(tmp_path / "corpus", tmp_path, SPEAKER, 3, few)
    settings = load_settings(data_dir=tmp_path / "data", model=str(hashed_model), workers=1, speech_model="none")
    none, fast = evaluate(tmp_path / "corpus", settings, ("none", "fast"))
    first = [{score.group: score.first for score in each.scores} for each in (none, fast)]
    assert first[0]["picture, en"] == 0 < 0.5 <= first[1]["picture, en"]
    assert first[0]["conditions"] == 1
    assert (none.pictures, fast.read_wordless) == (0, [])
    assert fast.seconds > fast.pictures > 0
    assert table([none, fast], truth).count("\n") == len(none.scores) + 7
