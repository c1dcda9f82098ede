"""Locating with the space whose vectors can be reasoned about: what was planted is found where it was planted."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.errors import NoIndexError, QueryError
from omnisearch.query import ItemRef, Sum, Term
from omnisearch.search.locate import Locator, Place
from omnisearch.search.looks import BLOCK_SECONDS, CELLS, SIZES, Line
from omnisearch.types import Decoded, MediaInfo, Modality, Piece, Region, Segment, Waveform

RATE = 8000
HIGH, LOW = 3000, 110


@pytest.fixture(scope="module")
def locator(hashed_model: Path) -> Iterator[Locator]:
    settings = load_settings(model=str(hashed_model))
    with Locator(OmniBind.load(str(hashed_model), settings), settings) as opened:
        yield opened


def tone(frequency: float, seconds: float) -> np.ndarray:
    """The low one is much louder, so that a window that holds some of it is low."""
    return (0.2 if frequency == HIGH else 0.9) * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)


def ask(locator: Locator, text: str, path: Path, limit: int = 5) -> tuple[Place, ...]:
    return locator.locate(Sum((Term(text),)), path, limit).places


def span(place: Place) -> tuple[float, float]:
    assert isinstance(place.at, Segment)
    assert place.at.start is not None
    assert place.at.end is not None
    return place.at.start, place.at.end


@pytest.mark.parametrize(("start", "length"), [(0, 4), (7, 2), (12.5, 4), (22, 8)])
def test_a_planted_tone_is_found_when_it_sounds(locator: Locator, tmp_path: Path, start: float, length: float) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.concatenate([tone(LOW, start), tone(HIGH, length), tone(LOW, 30 - start - length)]), RATE)
    found = span(ask(locator, "high", path)[0])
    # Windows start half their length apart, so a planted one can be missed by a quarter of it on each side.
    assert abs(found[0] - start) <= length / 2
    assert abs(found[1] - start - length) <= length / 2


def test_what_sounds_for_long_is_one_stretch(locator: Locator, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.concatenate([tone(LOW, 16), tone(HIGH, 24), tone(LOW, 8)]), RATE)
    first, *others = ask(locator, "high", path, limit=20)
    assert span(first) == (16, 40)
    assert all(first.relevance > other.relevance for other in others)


def test_two_planted_tones_are_two_places(locator: Locator, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    parts = [tone(LOW, 6), tone(HIGH, 4), tone(LOW, 10), tone(HIGH, 4), tone(LOW, 6)]
    soundfile.write(path, np.concatenate(parts), RATE)
    assert sorted(span(place) for place in ask(locator, "high", path, limit=2)) == [(6, 10), (20, 24)]


@pytest.mark.parametrize("box", [(0, 0, 64, 64), (96, 32, 64, 64), (128, 64, 128, 128), (192, 128, 64, 64)])
def test_a_planted_patch_is_found_where_it_is(locator: Locator, tmp_path: Path, box: tuple[int, int, int, int]) -> None:
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


def test_a_passage_is_found(locator: Locator, tmp_path: Path) -> None:
    filler, wanted = "The quick brown fox jumps over it. " * 40, "Zebra zebra zebra zebra. " * 10
    (tmp_path / "text.txt").write_text(filler + wanted + filler)
    start, end = span(ask(locator, "zebra", tmp_path / "text.txt")[0])
    middle = (start + end) / 2
    assert len(filler) <= middle <= len(filler) + len(wanted)


def test_a_place_can_be_asked_with(locator: Locator, tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    soundfile.write(path, np.concatenate([tone(LOW, 8), tone(HIGH, 4), tone(LOW, 8)]), RATE)
    place = ask(locator, "high", path)[0]
    (again, *_) = locator.locate(Sum((Term(path, slice=place.slice),)), path).places
    assert span(again) == span(place)
    assert again.score == pytest.approx(1, abs=1e-5)


def test_what_cannot_be_located_is_refused(locator: Locator, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word")
    with pytest.raises(QueryError, match="one sum of terms"):
        locator.locate(Term("a") & Term("b"), tmp_path / "a.txt")
    with pytest.raises(NoIndexError, match="id:abc is not known"):
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
