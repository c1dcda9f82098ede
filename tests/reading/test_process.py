"""The reading process: its protocol, its limits, and its restarts."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import load_settings
from omnisearch.errors import MediaError, Reason, StoppedError
from omnisearch.media.material.wanted import BLOCK_SECONDS, RATE
from omnisearch.media.worker_process import Limits
from omnisearch.reading import process as reading_process
from omnisearch.reading import reading_codec
from omnisearch.reading.process import ReadingProcess
from omnisearch.types import Floats, Pixels, Reading, Region
from omnisearch.wire import Message, WireError
from tests.reading.fakes import DIE, HANG, REFUSE, start_fake
from tests.warm_fork import Decoder


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReadingProcess]:
    monkeypatch.setattr(reading_process, "start_module", start_fake)
    with ReadingProcess(load_settings(), None, limits=Limits(answer_seconds=5.0)) as process:
        yield process


def test_the_process_is_told_the_paths_of_its_models(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def start(module: str, theirs: socket.socket, arguments: Sequence[str], environment: Mapping[str, str]) -> Decoder:
        told.extend(arguments[2:])
        return start_fake(module, theirs, arguments, environment)

    monkeypatch.setattr(reading_process, "start_module", start)
    with ReadingProcess(
        load_settings(), Path("/a=b/speech-en"), {"ocr-greek": Path("/a b/Greek.traineddata")}
    ) as process:
        process.read_image(picture(3), "fast", [])
    assert told == ["speech=/a=b/speech-en", "ocr-greek=/a b/Greek.traineddata"]


def picture(value: int) -> Pixels:
    return np.full((8, 8, 3), value, np.uint8)


def test_a_picture_gives_its_readings_and_notes(reader: ReadingProcess) -> None:
    notes: list[str] = []
    (found,) = reader.read_image(picture(7), "full", notes)
    assert found == Reading("ocr", "value 7", None, None, Region(0.0, 0.25, 0.5, 0.75, relative=True), 0.75)
    assert notes[0].startswith("full: ")


def test_readings_of_a_sound_arrive_while_it_is_sent(reader: ReadingProcess) -> None:
    sent: list[int] = []

    def blocks() -> Iterator[Floats]:
        for value in (1, 2):
            sent.append(value)
            yield np.full(100, value, np.float32)

    notes: list[str] = []
    heard = reader.transcribe(blocks(), "fast", notes)
    assert next(heard).text == "100 of 1"
    assert sent == [1]
    assert [reading.text for reading in heard] == ["100 of 2", "2 blocks"]
    assert notes == ["heard"]


def test_a_long_block_is_cut(reader: ReadingProcess) -> None:
    most = round(BLOCK_SECONDS * RATE)
    heard = [reading.text for reading in reader.transcribe([np.zeros(most + 5, np.float32)], "fast", [])]
    assert heard == [f"{most} of 0", "5 of 0", "2 blocks"]


def test_a_process_that_dies_is_started_again(reader: ReadingProcess) -> None:
    notes: list[str] = []
    reader.read_image(picture(1), "fast", notes)
    with pytest.raises(MediaError, match="SIGKILL") as error:
        reader.read_image(picture(DIE), "fast", notes)
    assert error.value.reason is Reason.DECODER_CRASHED
    reader.read_image(picture(2), "fast", notes)
    assert len(set(notes)) == 2  # two process ids


def test_a_process_that_was_killed_while_idle_is_started_again(reader: ReadingProcess) -> None:
    reader.read_image(picture(1), "fast", [])
    assert reader._worker is not None
    reader._worker._process.kill()
    reader._worker._process.wait(5)
    assert reader.read_image(picture(2), "fast", [])


def test_a_sound_whose_process_dies_ends_with_an_error(reader: ReadingProcess) -> None:
    heard = reader.transcribe([np.full(10, value, np.float32) for value in (1, DIE, 2)], "fast", [])
    assert next(heard).text == "10 of 1"
    with pytest.raises(MediaError, match="SIGKILL"):
        list(heard)
    assert len(list(reader.transcribe([np.zeros(10, np.float32)], "fast", []))) == 2


def test_an_abandoned_sound_frees_the_process(reader: ReadingProcess) -> None:
    heard = reader.transcribe((np.zeros(10, np.float32) for _ in range(9)), "fast", [])
    next(heard)
    heard.close()  # type: ignore[attr-defined]
    assert [reading.text for reading in reader.transcribe([], "fast", [])] == ["0 blocks"]


def test_too_much_time_and_memory_are_reasons(monkeypatch: pytest.MonkeyPatch, reader: ReadingProcess) -> None:
    with pytest.raises(MediaError) as error:
        reader.read_image(picture(REFUSE), "fast", [])
    assert error.value.reason is Reason.MEMORY_LIMIT
    monkeypatch.setattr(reader, "_limits", Limits(answer_seconds=0.2))
    with pytest.raises(MediaError) as error:
        reader.read_image(picture(HANG), "fast", [])
    assert error.value.reason is Reason.TIMEOUT


def test_waiting_ends_when_stopped(reader: ReadingProcess) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(StoppedError):
        reader.read_image(picture(HANG), "fast", [], stop.is_set)
    assert reader.read_image(picture(3), "fast", [])


@pytest.mark.parametrize("row", [[], ["ocr", "word"], ["content", "word", None, None, None, 1.0, ""], {"field": "ocr"}])
def test_an_answer_of_a_hostile_process_is_refused(row: object) -> None:
    with pytest.raises(WireError):
        reading_codec.unpack(Message({"readings": [row], "notes": []}))


def test_an_answer_of_a_hostile_process_is_bounded() -> None:
    long = Reading("ocr", "x" * 9999, None, None, None, 7.0)
    (found,), notes = reading_codec.unpack(reading_codec.pack([long], ["n" * 999]))
    assert (len(found.text), found.confidence, len(notes[0])) == (reading_codec.MAX_TEXT, 1.0, reading_codec.MAX_NOTE)
