"""Items are read from what the decoders send, by a reader that sees numbers instead of words."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from omnisearch.config import load_settings
from omnisearch.media.pool import DecoderPool
from omnisearch.reading import item
from omnisearch.reading.item import read_item, read_pages
from omnisearch.reading.reader import Level
from omnisearch.types import Floats, Modality, Pixels, Reading, Region
from tests.media import makers
from tests.media.test_material import SRT, scan, write_slides

BOX = Region(0.1, 0.1, 0.5, 0.1, relative=True)


class CountingReader:
    """Reads every picture as its sides, and every sound as its seconds."""

    def __init__(self) -> None:
        self.pictures = 0

    def read_image(
        self, pixels: Pixels, level: Level, notes: list[str], stopped: Callable[[], bool] = lambda: False
    ) -> list[Reading]:
        self.pictures += 1
        return [Reading("ocr", f"{pixels.shape[1]} x {pixels.shape[0]}", box=BOX)]

    def transcribe(
        self,
        blocks: Iterable[Floats],
        level: Level,
        notes: list[str],
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Reading]:
        seconds = sum(map(len, blocks)) / 16_000
        notes.append("heard")
        yield Reading("speech", f"{seconds:.0f} seconds", 0.0, seconds)

    def close(self) -> None:
        """Nothing to stop."""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DecoderPool]:
    with DecoderPool(load_settings(data_dir=tmp_path_factory.mktemp("data")), workers=1) as pool:
        yield pool


def read(pool: DecoderPool, path: Path, modality: Modality, level: Level = "full") -> list[Reading]:
    return list(read_item(pool, CountingReader(), path, modality, level).readings)


def test_an_image(pool: DecoderPool, tmp_path: Path) -> None:
    makers.picture(1600, 800).save(tmp_path / "a.png")
    assert read(pool, tmp_path / "a.png", Modality.IMAGE, "fast") == [Reading("ocr", "1280 x 640", box=BOX)]
    assert read(pool, tmp_path / "a.png", Modality.IMAGE, "full") == [Reading("ocr", "1600 x 800", box=BOX)]


def test_a_sound_is_heard_unless_it_has_subtitles(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    makers.write_sound(path, 2.0)
    reading = read_item(pool, CountingReader(), path, Modality.AUDIO, "fast")
    assert list(reading.readings) == [Reading("speech", "2 seconds", 0.0, 2.0)]
    assert reading.notes == ["heard"]
    (tmp_path / "a.en.srt").write_text(SRT)
    assert read(pool, path, Modality.AUDIO) == [
        Reading("speech", "Good morning", 1.0, 2.5, language="en"),
        Reading("speech", "World", 3.0, 4.0, language="en"),
    ]


def test_text_that_stays_in_a_film_is_one_reading(pool: DecoderPool, tmp_path: Path) -> None:
    write_slides(tmp_path / "a.mp4", (3, 3))
    reader = CountingReader()
    (only,) = read_item(pool, reader, tmp_path / "a.mp4", Modality.VIDEO, "full").readings
    assert (only.text, only.start, only.end) == ("160 x 96", 0.0, pytest.approx(6.0, abs=0.2))
    assert reader.pictures == 2


def test_a_film_with_sound_is_seen_and_heard(pool: DecoderPool, tmp_path: Path) -> None:
    makers.write_video(tmp_path / "a.mp4", 2.0, sound=2.0)
    assert [reading.field for reading in read(pool, tmp_path / "a.mp4", Modality.VIDEO)] == ["ocr", "speech"]


def test_pages_without_text(pool: DecoderPool, tmp_path: Path) -> None:
    scan().save(tmp_path / "a.pdf", save_all=True, append_images=[scan()])
    pages = dict(read_pages(pool, CountingReader(), tmp_path / "a.pdf", "fast").pages)
    assert {number: lines[0].text for number, lines in pages.items()} == {1: "854 x 1280", 2: "854 x 1280"}


def test_pictures_after_the_limit_are_left_out(
    pool: DecoderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(item, "PICTURE_SECONDS", {"fast": -1.0})
    scan().save(tmp_path / "a.pdf")
    reading = read_pages(pool, CountingReader(), tmp_path / "a.pdf", "fast")
    assert list(reading.pages) == []
    assert "partly read: 0 pictures" in reading.notes[0]


def test_a_sound_has_its_decoder_before_it_waits_for_the_reader(pool: DecoderPool, tmp_path: Path) -> None:
    """Else one thread has the reader and waits for a decoder, and another has the decoder and waits for the reader."""
    makers.write_sound(tmp_path / "a.wav", 1.0)
    idle: list[bool] = []

    class Watching(CountingReader):
        def transcribe(self, blocks: Iterable[Floats], *given: Any) -> Iterator[Reading]:
            idle.append(pool._idle.empty())
            return iter(())

    assert list(read_item(pool, Watching(), tmp_path / "a.wav", Modality.AUDIO, "fast").readings) == []
    assert idle == [True]
    assert not pool._idle.empty()


def test_a_folder_is_listed_once_until_it_changes(
    pool: DecoderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[Path] = []
    listing = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda folder: (listed.append(folder), listing(folder))[1])
    for name in ("a.wav", "b.wav"):
        makers.write_sound(tmp_path / name, 0.1)
    for _ in range(2):
        assert [reading.text for reading in read(pool, tmp_path / "a.wav", Modality.AUDIO)] == ["0 seconds"]
        assert len(listed) == 1
    (tmp_path / "b.srt").write_text(SRT)
    assert [reading.text for reading in read(pool, tmp_path / "b.wav", Modality.AUDIO)] == ["Good morning", "World"]
    assert len(listed) == 2


def test_an_item_that_is_left_early_frees_its_decoder(pool: DecoderPool, tmp_path: Path) -> None:
    write_slides(tmp_path / "a.mp4", (3, 3))
    readings = read_item(pool, CountingReader(), tmp_path / "a.mp4", Modality.VIDEO, "full").readings
    assert next(readings)
    readings.close()  # type: ignore[attr-defined]
    makers.picture(8, 8).save(tmp_path / "b.png")
    assert len(read(pool, tmp_path / "b.png", Modality.IMAGE)) == 1  # the pool has one worker


@pytest.mark.parametrize("modality", [Modality.TEXT, Modality.POINT_CLOUD])
def test_other_items_are_not_opened(pool: DecoderPool, modality: Modality) -> None:
    assert read(pool, Path("/nowhere"), modality) == []


def test_a_text_with_one_wrong_letter_goes_on() -> None:
    from omnisearch.reading.shown import ShownText

    shown = ShownText()
    first = Reading("ocr", "budget meeting", 0.0, 2.0, BOX, 0.9)
    assert shown.next_frame([first]) == []
    assert shown.next_frame([Reading("ocr", "budgct meeting", 2.0, 4.0, BOX, 0.8)]) == []
    assert shown.end() == [Reading("ocr", "budget meeting", 0.0, 4.0, BOX, 0.9)]


def test_another_text_at_the_same_place_ends_the_first() -> None:
    from omnisearch.reading.shown import ShownText

    shown = ShownText()
    first = Reading("ocr", "budget meeting", 0.0, 2.0, BOX, 0.9)
    shown.next_frame([first])
    assert shown.next_frame([Reading("ocr", "questions", 2.0, 4.0, BOX, 0.8)]) == [first]
