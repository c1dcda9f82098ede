"""The real models: rendered text is read, and spoken sentences are heard, each in the sandboxed process."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from omnisearch.config import load_settings
from omnisearch.media.material.wanted import RATE
from omnisearch.media.pool import DecoderPool
from omnisearch.media.worker_process import Limits, WorkerProcess
from omnisearch.reading.item import read_item, read_pages
from omnisearch.reading.process import ReadingProcess
from omnisearch.spaces.weights.ocr_models import installed_ocr_models
from omnisearch.spaces.weights.speech_models import speech_folder
from omnisearch.types import Floats, Modality, Pixels
from tests.reading.speaker import say

pytestmark = [pytest.mark.slow, pytest.mark.weights]
FONT = "DejaVuSans.ttf"


@pytest.fixture(scope="module")
def reader() -> Iterator[ReadingProcess]:
    settings = load_settings(workers=2)
    with ReadingProcess(settings, speech_folder(settings), installed_ocr_models(settings)) as process:
        yield process


def page(lines: list[str], size: int = 28, sides: tuple[int, int] = (900, 400)) -> Image.Image:
    picture = Image.new("RGB", sides, "white")
    for number, line in enumerate(lines):
        ImageDraw.Draw(picture).text((30, 30 + 2 * size * number), line, "black", ImageFont.truetype(FONT, size))
    return picture


LINES = ["The budget meeting is on Thursday", "Total amount 1,250.00", "Gleis 7 nach München"]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_a_rendered_page_is_read_whichever_way_it_lies(reader: ReadingProcess, turns: int) -> None:
    pixels = np.ascontiguousarray(np.rot90(np.asarray(page(LINES)), turns))
    notes: list[str] = []
    found = reader.read_image(pixels, "full", notes)
    assert [line.text.replace(" ", "") for line in found] == [line.replace(" ", "") for line in LINES]
    assert notes == []
    for line in found:
        assert line.box is not None
        assert 0 <= line.box.x <= line.box.x + line.box.width <= 1
        assert 0 <= line.box.y <= line.box.y + line.box.height <= 1


OTHERS = ["садовый шланг под мостом", "χειμωνιάτικο παλτό στην αποβάθρα", "مفتاح احتياطي في قاعة السوق"]


@pytest.mark.parametrize("text", OTHERS)
@pytest.mark.parametrize("turns", [0, 1, 2])
def test_lines_in_other_scripts_are_read_by_their_models(reader: ReadingProcess, text: str, turns: int) -> None:
    pixels, notes = np.rot90(np.asarray(page([text, LINES[0]], 40)), turns), list[str]()
    found = reader.read_image(np.ascontiguousarray(pixels), "fast", notes)
    assert sorted(line.text for line in found) == sorted([text, LINES[0]])
    assert notes == []


def test_the_process_has_the_layers_of_a_decoder(reader: ReadingProcess) -> None:
    reader.read_image(np.asarray(page(LINES[:1])), "fast", [])
    decoder = WorkerProcess(Limits())
    decoder.stop()
    assert reader._worker is not None
    assert [layer.name for layer in reader._worker.layers] == [layer.name for layer in decoder.layers]
    assert [layer.active for layer in reader._worker.layers] == [layer.active for layer in decoder.layers]


def test_a_line_has_its_box(reader: ReadingProcess) -> None:
    picture = Image.new("RGB", (1000, 1000), "white")
    ImageDraw.Draw(picture).text((600, 700), "platform seven", "black", ImageFont.truetype(FONT, 40), "lt")
    (line,) = reader.read_image(np.asarray(picture), "fast", [])
    assert line.box is not None
    assert (line.box.x, line.box.y) == (pytest.approx(0.6, abs=0.03), pytest.approx(0.7, abs=0.03))


def test_pictures_without_text_give_none(reader: ReadingProcess) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)
    circle = Image.new("RGB", (400, 400), "white")
    ImageDraw.Draw(circle).ellipse((50, 50, 350, 350), outline="black", width=30)
    for pixels in (noise, np.asarray(circle), np.zeros((1, 10_000, 3), np.uint8), np.zeros((10_000, 9, 3), np.uint8)):
        assert reader.read_image(pixels, "full", []) == []


def tiny_words() -> Pixels:
    """Ten thousand words of nine pixels."""
    picture, font = Image.new("RGB", (2560, 2560), "white"), ImageFont.truetype(FONT, 9)
    for row in range(200):
        for column in range(50):
            ImageDraw.Draw(picture).text((8 + 51 * column, 4 + 12.7 * row), "word", "black", font)
    return np.asarray(picture)


def test_ten_thousand_tiny_words_take_bounded_time(reader: ReadingProcess) -> None:
    notes: list[str] = []
    start = time.monotonic()
    reader.read_image(tiny_words(), "fast", notes)
    assert notes[0].startswith("partly read: ")
    assert time.monotonic() - start < 120  # far above the limit of 10 seconds, which a busy machine overruns


def test_scanned_pages(reader: ReadingProcess, tmp_path: Path) -> None:
    sides = (800, 1100)
    page(LINES[:1], sides=sides).save(tmp_path / "a.pdf", save_all=True, append_images=[page(LINES[1:], sides=sides)])
    with DecoderPool(load_settings(data_dir=tmp_path), workers=1) as pool:
        pages = dict(read_pages(pool, reader, tmp_path / "a.pdf", "fast").pages)
    assert [line.text for line in pages[1]] == LINES[:1]
    assert len(pages[2]) == 2


def write_film(path: Path, sound: Floats) -> None:
    """A film of two slides of four seconds each, and a sound."""
    import av

    with av.open(str(path), "w") as out:
        stream, track = out.add_stream("mpeg4", rate=5), out.add_stream("aac", rate=RATE)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 900, 400, "yuv420p", 4_000_000
        track.layout = "mono"
        for slide in (LINES[0], LINES[1]):
            for _ in range(20):
                out.mux(stream.encode(av.VideoFrame.from_image(page([slide], 40))))
        out.mux(stream.encode(None))
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.rate = RATE
        convert = av.AudioResampler("fltp", "mono", RATE, frame_size=1024)
        for part in [*convert.resample(frame), *convert.resample(None)]:
            out.mux(track.encode(part))
        out.mux(track.encode(None))


def test_a_film_is_seen_and_heard_at_its_seconds(reader: ReadingProcess, tmp_path: Path) -> None:
    pause = np.zeros(4 * RATE, np.float32)
    write_film(tmp_path / "a.mp4", np.concatenate([pause, say("The budget meeting is on Thursday.")]))
    with DecoderPool(load_settings(data_dir=tmp_path), workers=1) as pool:
        readings = list(read_item(pool, reader, tmp_path / "a.mp4", Modality.VIDEO, "full").readings)
    first, second, spoken = readings
    assert (first.text, first.start, first.end) == (LINES[0], 0.0, pytest.approx(4.0, abs=0.6))
    assert second.start == pytest.approx(4.0, abs=0.6)
    assert spoken.field == "speech"
    assert "meeting" in spoken.text
    assert spoken.start == pytest.approx(4.0, abs=1.0)
    assert spoken.language == "en"


SPOKEN = ("The budget meeting is on Thursday at nine o'clock.", "Our flight to Lisbon leaves at a quarter past seven.")


def test_speech_between_music_and_noise_is_heard_where_it_is(reader: ReadingProcess) -> None:
    draw, clock = np.random.default_rng(0), np.arange(40 * RATE) / RATE
    chords = sum(np.sin(2 * np.pi * pitch * clock) for pitch in (220, 277.2, 329.6)) * (0.1 + 0.1 * np.sin(8 * clock))
    noise = draw.normal(0, 0.05, 40 * RATE)
    sound = np.concatenate([chords, say(SPOKEN[0]), noise, say(SPOKEN[1])]).astype(np.float32)
    blocks = [sound[start : start + 7 * RATE] for start in range(0, len(sound), 7 * RATE)]
    heard = list(reader.transcribe(blocks, "full", []))
    assert [word in reading.text for reading, word in zip(heard, ("meeting", "Lisbon"), strict=True)] == [True, True]
    ends = (40.0, 80.0 + len(say(SPOKEN[0])) / RATE)
    assert [reading.start for reading in heard] == [pytest.approx(end, abs=1.0) for end in ends]


def resident(process: ReadingProcess) -> int:
    """The bytes that the process has in memory."""
    assert process._worker is not None
    return int(Path(f"/proc/{process._worker._process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_three_hours_of_noise_are_streamed(reader: ReadingProcess) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 30 * RATE).astype(np.float32)
    assert list(reader.transcribe([noise] * 4, "fast", [])) == []
    before = resident(reader)
    assert list(reader.transcribe((noise for _ in range(360)), "fast", [])) == []
    assert resident(reader) - before < 128 << 20  # the whole sound would be 691 MB
