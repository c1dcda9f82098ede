"""Locating with the space whose vectors can be reasoned about: what was planted is found where it was planted."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.errors import MediaError, NoIndexError, NotReadyError, QueryError
from omnisearch.media.pool import DecoderPool
from omnisearch.query.expressions import Expression, ItemRef, Sum, Term
from omnisearch.search.index import Unindexed
from omnisearch.search.locate.locate import Locator
from omnisearch.search.locate.location_json import location_json
from omnisearch.search.locate.nms import Window, overlap
from omnisearch.search.locate.results import Extent, Located, Location, slice_of
from omnisearch.search.locate.windows import BLOCK_SECONDS, CELLS, MOST, SIZES, Line, score_windows
from omnisearch.search.plan.embed import Embedder
from omnisearch.search.rank.algebra import score_expression
from omnisearch.types import Decoded, MediaInfo, Modality, Piece, Region, Role, Segment, Waveform
from tests.conftest import Ended

RATE = 8000
HIGH, LOW = 3000, 110


red, blue, low, high = (Term(word) for word in ("red", "blue", "low", "high"))


@dataclass(frozen=True)
class Asked:
    """A locator with a model and no index."""

    index: Unindexed
    locator: Locator

    def locate(self, query: Expression, path: Path, limit: int = 5) -> Located:
        return self.locator.locate(self.index, query, path, limit)


@pytest.fixture(scope="module")
def locator(hashed_model: Path) -> Iterator[Asked]:
    settings = load_settings(model=str(hashed_model))
    with DecoderPool(settings, workers=1) as files, Locator(Embedder(files), settings) as opened:
        yield Asked(Unindexed(OmniBind.load(str(hashed_model), settings)), opened)


def tone(frequency: float, seconds: float) -> np.ndarray:
    """The low one is much louder, so that a window that holds some of it is low."""
    return (0.2 if frequency == HIGH else 0.9) * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


def ask(locator: Asked, text: str, path: Path, limit: int = 5) -> tuple[Location, ...]:
    return locator.locate(Term(text), path, limit).places


def bounds(at: Extent) -> tuple[float, float]:
    assert isinstance(at, Segment)
    assert at.start is not None
    assert at.end is not None
    return at.start, at.end


def span(place: Location) -> tuple[float, float]:
    return bounds(place.at)


@pytest.mark.parametrize(("start", "length"), [(0, 4), (7, 2), (12.5, 4), (22, 8)])
def test_a_planted_tone_is_found_when_it_sounds(locator: Asked, tmp_path: Path, start: float, length: float) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.concatenate([tone(LOW, start), tone(HIGH, length), tone(LOW, 30 - start - length)]), RATE)
    found = span(ask(locator, "high", path)[0])
    # Windows start half their length apart, so a planted one can be missed by a quarter of it on each side.
    assert abs(found[0] - start) <= length / 2
    assert abs(found[1] - start - length) <= length / 2


def test_what_sounds_for_long_is_one_stretch(locator: Asked, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.concatenate([tone(LOW, 16), tone(HIGH, 24), tone(LOW, 8)]), RATE)
    first, *others = ask(locator, "high", path, limit=20)
    assert span(first) == (16, 40)
    assert all(first.relevance > other.relevance for other in others)


def test_two_planted_tones_are_two_places(locator: Asked, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    parts = [tone(LOW, 6), tone(HIGH, 4), tone(LOW, 10), tone(HIGH, 4), tone(LOW, 6)]
    soundfile.write(path, np.concatenate(parts), RATE)
    assert sorted(span(place) for place in ask(locator, "high", path, limit=2)) == [(6, 10), (20, 24)]


@pytest.mark.parametrize("box", [(0, 0, 64, 64), (96, 32, 64, 64), (128, 64, 128, 128), (192, 128, 64, 64)])
def test_a_planted_patch_is_found_where_it_is(locator: Asked, tmp_path: Path, box: tuple[int, int, int, int]) -> None:
    x, y, width, height = box
    picture = Image.new("RGB", (256, 192), (30, 160, 30))
    picture.paste((220, 30, 30), (x, y, x + width, y + height))
    picture.save(tmp_path / "picture.png")
    best = ask(locator, "red", tmp_path / "picture.png")[0]
    at = best.at
    assert best.score > 0.9  # the patch is nearly all that the place shows
    assert isinstance(at, Region)
    assert at.relative
    assert x / 256 - 1 / CELLS <= at.x < at.x + at.width <= (x + width) / 256 + 1 / CELLS
    assert y / 192 - 1 / CELLS <= at.y < at.y + at.height <= (y + height) / 192 + 1 / CELLS


def test_a_passage_is_found(locator: Asked, tmp_path: Path) -> None:
    filler, wanted = "The quick brown fox jumps overlap it. " * 40, "Zebra zebra zebra zebra. " * 10
    (tmp_path / "text.txt").write_text(filler + wanted + filler)
    start, end = span(ask(locator, "zebra", tmp_path / "text.txt")[0])
    middle = (start + end) / 2
    assert len(filler) <= middle <= len(filler) + len(wanted)


def test_a_place_can_be_asked_with(locator: Asked, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.concatenate([tone(LOW, 8), tone(HIGH, 4), tone(LOW, 8)]), RATE)
    place = ask(locator, "high", path)[0]
    (again, *_) = locator.locate(Sum((Term(path, slice=slice_of(place.at)),)), path).places
    assert span(again) == span(place)
    assert again.score == pytest.approx(1, abs=1e-5)


def test_what_cannot_be_located_is_refused(locator: Asked, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word")
    for _ in range(2):  # the decoder is given back
        with pytest.raises(QueryError, match=r"THEN.*the file is text"):
            locator.locate(Term("a") | ~(Term("b") >> Term("c")), tmp_path / "a.txt")
    with pytest.raises(NoIndexError, match="contains id:abc"):
        locator.locate(Term(ItemRef("abc")), tmp_path / "a.txt")


def blocks(seconds: float) -> Decoded:
    count = round(seconds / BLOCK_SECONDS)
    pieces = (
        Piece(Segment(i, i / 2, i / 2 + 0.5, "seconds"), Waveform(np.full(4, i, np.float32), 8)) for i in range(count)
    )
    return Decoded(MediaInfo(Modality.AUDIO, "audio/wav", seconds), pieces)


@pytest.mark.parametrize("seconds", [0.5, 1.5, 2, 3.5, 8, 9.5, 31])
def test_streamed_windows_are_those_of_a_grid(seconds: float) -> None:
    line = Line(blocks(seconds))
    looks = list(line.looks())
    count = line.shape[1]
    wanted = {
        (start, min(start + size, count))
        for size in SIZES[Modality.AUDIO]
        for last in [max(0, count - size)]
        for start in {*range(0, last, size // 2), last}
    }
    assert sorted((w.left, w.right) for w, _ in looks) == sorted(wanted)
    for window, content in looks:
        assert isinstance(content, Waveform)
        assert list(dict.fromkeys(content.samples.tolist())) == list(range(window.left, window.right))


def test_a_long_recording_is_looked_at_through_longer_windows() -> None:
    line = Line(Decoded(MediaInfo(Modality.AUDIO, "audio/wav", 8 * 3600.0), iter(())))
    sizes = line._sizes()
    assert sizes[0] > SIZES[Modality.AUDIO][0]
    assert sum(8 * 3600 / BLOCK_SECONDS / (size / 2) for size in sizes) <= 4096


def test_a_text_of_unknown_length_is_covered_by_few_windows() -> None:
    count = 40_000  # blocks; ten million characters
    pieces = (Piece(Segment(i, i, i + 1, "characters"), f"{i} ") for i in range(count))
    line = Line(Decoded(MediaInfo(Modality.TEXT, "text/plain"), pieces))
    windows, covered = 0, 0
    for window, content in line.looks():
        assert isinstance(content, str)
        assert content.split() == [str(i) for i in range(window.left, window.right)]
        assert window.left <= covered
        windows, covered = windows + 1, max(covered, window.right)
    assert covered == count
    assert windows < 4 * MOST


def flag(path: Path) -> Path:
    """Red to the left, blue to the right, and between them a stripe of each; green all around."""
    picture = Image.new("RGB", (320, 160), (30, 160, 30))
    for color, x in (((220, 30, 30), 0), ((220, 30, 30), 120), ((30, 60, 220), 160), ((30, 60, 220), 280)):
        picture.paste(color, (x, 40, x + 40, 120))
    picture.save(path)
    return path


def test_each_operator_points_at_what_it_says(locator: Asked, tmp_path: Path) -> None:
    path = flag(tmp_path / "flag.png")

    def columns(query: Expression) -> tuple[float, float]:
        at = locator.locate(query, path).places[0].at
        assert isinstance(at, Region)
        return 320 * at.x, 320 * (at.x + at.width)

    left, right = columns(red & blue)
    assert left < 160 < right  # only around the middle are both
    assert (left + right) / 2 == pytest.approx(160, abs=20)
    assert columns(red & ~blue)[1] <= 160
    assert columns(blue & ~red)[0] >= 160
    (either,), (one,), (other,) = (locator.locate(q, path, limit=1).places for q in (red | blue, red, blue))
    assert either.relevance >= max(one.relevance, other.relevance)


laws = [
    (red & blue, lambda a, b: a * b),
    (red | blue, lambda a, b: a + b - a * b),
]


@pytest.mark.parametrize(("query", "law"), laws)
def test_a_place_is_judged_from_its_parts(
    locator: Asked, tmp_path: Path, query: Expression, law: Callable[[float, float], float]
) -> None:
    """docs/search.md: relevances multiply for AND, what they lack for OR; the parts are each sum in that window."""
    found = locator.locate(query, flag(tmp_path / "flag.png"), limit=50)
    assert len(found.places) > 4
    for place in found.places:
        one, other = place.parts
        assert (one.query, other.query) == ("red", "blue")
        assert place.relevance == pytest.approx(law(one.relevance, other.relevance), abs=1e-6)
        assert one.at == other.at == place.at
        assert place.score in (one.score, other.score)


def test_not_is_the_rest(locator: Asked, tmp_path: Path) -> None:
    path = flag(tmp_path / "flag.png")
    place = locator.locate(~red, path).places[0]
    (part,) = place.parts
    assert part.relevance == pytest.approx(1 - place.relevance, abs=1e-6)
    assert place.score == -part.score


def in_turn(path: Path, *parts: tuple[float, float]) -> Path:
    soundfile.write(path, np.concatenate([tone(*part) for part in parts]), RATE)
    return path


def test_then_is_first_one_and_later_the_other(locator: Asked, tmp_path: Path) -> None:
    path = in_turn(tmp_path / "rising.wav", (LOW, 6), (HIGH, 6))
    (best, *_) = locator.locate(low >> high, path).places
    first, last = best.parts
    assert (first.query, last.query) == ("low", "high")
    assert bounds(first.at)[1] <= bounds(last.at)[0]
    assert span(best) == (bounds(first.at)[0], bounds(last.at)[1])
    assert bounds(first.at)[0] < 6 < bounds(last.at)[1]
    assert best.relevance <= min(first.relevance, last.relevance) + 1e-6
    other_way = locator.locate(high >> low, path).places
    assert all(place.relevance < best.relevance / 2 for place in other_way)


def test_what_comes_twice_in_order_is_two_places(locator: Asked, tmp_path: Path) -> None:
    path = in_turn(tmp_path / "twice.wav", (LOW, 8), (HIGH, 2), (LOW, 8), (HIGH, 2), (LOW, 4))
    best = locator.locate(low >> high, path, limit=2).places
    assert sorted(span(place)[1] for place in best) == [10, 20]


def test_the_command_line_says_each_part(hashed_model: Path, tmp_path: Path, run_here: Callable[..., Ended]) -> None:
    path = in_turn(tmp_path / "rising.wav", (LOW, 6), (HIGH, 6))

    def call(*words: str) -> str:
        done = run_here("locate", *words, path, "--model", hashed_model)
        assert not done.returncode, done.stderr
        return done.stdout

    (row,) = json.loads(call("low", "THEN", "NOT", "low", "-k", "1", "--format", "json"))
    assert row["path"] == str(path)
    assert [part["query"] for part in row["parts"]] == ["low", "low"]
    assert set(row["parts"][0]) == {"query", "segment", "region", "slice", "score", "relevance"}
    assert row["slice"] == "{}-{}".format(*(f"{row['segment'][end]:g}" for end in ("start", "end")))
    table = call("low", "AND", "high", "--format", "table")
    assert "low 0." in table
    assert "high 0." in table


def test_the_command_line_names_a_file_that_cannot_be_read(
    hashed_model: Path, tmp_path: Path, run_here: Callable[..., Ended]
) -> None:
    (tmp_path / "none.wav").touch()
    done = run_here("locate", "dog", tmp_path / "none.wav", "--model", hashed_model)
    assert done.returncode == 1
    assert f"empty: the file has no bytes ({tmp_path / 'none.wav'})" in " ".join(done.stderr.split())


def test_a_place_as_json_is_a_term_again(locator: Asked, tmp_path: Path) -> None:
    (place, *_) = ask(locator, "red", flag(tmp_path / "flag.png"))
    row = location_json(place, "flag.png")
    assert row["segment"] is None
    assert row["slice"] == ",".join(f"{row['region'][side]}" for side in ("x", "y", "width", "height"))
    assert row["parts"] == [{k: v for k, v in {"query": "red", **row}.items() if k not in ("path", "parts")}]


stretches = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 4)), min_size=1, max_size=8)


@given(stretches, st.data())
def test_then_is_the_best_pair_of_windows_of_which_one_ends_before_the_other_begins(
    drawn: list[tuple[int, int]], data: st.DataObject
) -> None:
    laid = sorted((Window(0, at, 1, at + size) for at, size in drawn), key=lambda w: w.right)
    logits = st.lists(st.floats(-20, 20), min_size=len(laid), max_size=len(laid))
    a, b, c = (np.array(data.draw(logits)) for _ in range(3))
    terms = [Term(name) for name in "abc"]
    odds = {Sum((term,)): values for term, values in zip(terms, (a, b, c), strict=True)}
    found = score_expression(terms[0] >> terms[1] >> terms[2], odds, [slice(0, len(laid))], overlap(laid))
    for k, last in enumerate(laid):
        triples = [
            -np.log(np.expm1(np.logaddexp(0, [-a[i], -b[j], -c[k]]).sum()))
            for j, middle in enumerate(laid)
            for i, first in enumerate(laid)
            if first.right <= middle.left and middle.right <= last.left
        ]
        assert found.odds[k] == pytest.approx(max(triples, default=-np.inf), abs=1e-9)
        if triples:
            i, j, _ = found.rows(k)
            assert laid[i].right <= laid[j].left
            assert laid[j].right <= last.left
            assert found.first[k] == i


@pytest.mark.parametrize("seconds", [3.5, 12.0])
def test_windows_come_in_the_order_of_their_ends(seconds: float) -> None:
    ends = [window.right for window, _ in Line(blocks(seconds)).looks()]
    assert ends == sorted(ends)


class Lengths:
    """A model whose vectors do not matter."""

    def encode(self, modality: Modality, contents: list[object], role: Role) -> np.ndarray:
        return np.ones((len(contents), 1), np.float32)


def test_looking_ends_when_it_is_told_to_or_the_file_lied() -> None:
    asked = iter([False, False, True])
    with pytest.raises(NotReadyError):
        score_windows(Lengths(), blocks(60), 8, lambda: next(asked))  # type: ignore[arg-type]
    endless = blocks(0.5 * 3 * MOST)
    with pytest.raises(MediaError, match="lasts longer"):
        score_windows(Lengths(), Decoded(MediaInfo(Modality.AUDIO, "audio/wav", 1.0), endless.pieces), 512)  # type: ignore[arg-type]
