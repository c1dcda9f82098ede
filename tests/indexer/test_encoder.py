"""Batches, memory that runs out, and the channel between threads."""

import queue
import threading
import time
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from omnisearch.types import Modality, Piece, Role, Segment
from omnisearch_indexer.batch_encoder import BatchEncoder
from omnisearch_indexer.encoder import Encoder
from omnisearch_indexer.encoder_thread import EncoderThread
from omnisearch_indexer.encoders import Batch, Encoded
from omnisearch_indexer.file_progress import FileProgress
from omnisearch_indexer.reader import FileReading
from omnisearch_indexer.reader_queue import FileQueue, ReaderQueue
from omnisearch_indexer.walk import Signature


class Small:
    """A model whose memory holds `room` characters at a time."""

    dim = 4
    spaces: dict[str, Any] = {}  # noqa: RUF012

    def __init__(self, room: int, error: Exception) -> None:
        self.room, self.error, self.batches = room, error, []

    def encode_spaces(self, modality: Modality, contents: list[str], role: Role) -> dict[Any, Any]:
        assert role is Role.DOCUMENT
        if sum(map(len, contents)) > self.room:
            raise self.error
        self.batches.append(len(contents))
        return {("space", modality): np.array([[len(text), 1, 0] for text in contents], np.float32)}

    def bind(self, modality: Modality, embeddings: Any) -> Any:
        return np.pad(embeddings["space", modality], ((0, 0), (0, 1)))


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory"), RuntimeError("can't allocate memory")]
)
def test_a_batch_that_does_not_fit_is_halved(error: Exception) -> None:
    model = Small(6, error)
    encoder = BatchEncoder(model, 8)
    texts = ["ab"] * 6 + ["far too long"] + ["ab"]
    rows = encoder.encode(Modality.TEXT, texts)
    assert rows.failed.tolist() == [False] * 6 + [True, False]
    assert rows.vectors[:, 0].tolist() == [2] * 6 + [0, 2]
    assert rows.embeddings["space", Modality.TEXT][:, 0].tolist() == [2] * 6 + [0, 2]
    assert encoder.size(Modality.TEXT) == 1
    assert encoder.size(Modality.IMAGE) == 8


def test_other_errors_are_not_taken_for_memory() -> None:
    with pytest.raises(RuntimeError, match="shape"):
        Encoder(Small(0, RuntimeError("shape mismatch")), None, 8).encode(Modality.TEXT, ["0"], ["ab"])


def batch(*texts: str) -> Batch:
    work = FileProgress(FileReading("a.txt", Signature(1, 2, 3, 4, 5)))
    pieces = [(work, Piece(Segment(n), text)) for n, text in enumerate(texts)]
    return Batch(Modality.TEXT, [str(n) for n in range(len(texts))], pieces)


def test_a_thread_encodes_batches_in_order_and_ends_with_an_error() -> None:
    results: queue.SimpleQueue[Encoded | BaseException] = queue.SimpleQueue()
    model = Small(6, ValueError("too long"))
    with closing(EncoderThread(BatchEncoder(model, 8), threading.Event())) as encoders:
        for texts in (("a", "bc"), ("def",), ("far too long",), ("g",)):
            encoders.submit(batch(*texts), results.put)
        rows = [results.get(timeout=10).rows.vectors[:, 0].tolist() for _ in range(2)]
        assert rows == [[1, 2], [3]]
        assert results.get(timeout=10) is model.error
    assert results.empty()  # the last one was not begun


def test_a_closed_thread_drops_what_it_has_not_begun() -> None:
    results: queue.SimpleQueue[Encoded | BaseException] = queue.SimpleQueue()
    begun, go = threading.Event(), threading.Event()

    class Slow(Small):
        def encode_spaces(self, modality: Modality, contents: list[str], role: Role) -> dict[Any, Any]:
            begun.set()
            assert go.wait(10)
            return super().encode_spaces(modality, contents, role)

    encoders = EncoderThread(BatchEncoder(Slow(6, MemoryError()), 8), threading.Event())
    for text in "ab":
        encoders.submit(batch(text), results.put)
    assert begun.wait(10)
    closer = threading.Thread(target=encoders.close)
    closer.start()
    while not encoders.is_closed:
        time.sleep(0.001)
    go.set()
    closer.join()
    assert results.get(timeout=1).batch.contents == ["a"]
    assert results.empty()


def test_a_channel_is_bounded_by_bytes_but_always_takes_one() -> None:
    channel: ReaderQueue[str] = ReaderQueue(10)
    lane: FileQueue[str] = FileQueue()
    channel.put("larger than all", lane, 50)
    late = threading.Thread(target=channel.put, args=("next", lane, 5))
    late.start()
    late.join(0.2)
    assert late.is_alive()
    channel.put("no size waits for nothing", lane)
    assert channel.get(1) == "larger than all"
    late.join()
    assert {channel.get(1), channel.get(1), channel.get(0)} == {"next", "no size waits for nothing", None}


def test_a_channel_keeps_room_for_other_files() -> None:
    channel: ReaderQueue[str] = ReaderQueue(100)
    lanes = [FileQueue[str]() for _ in range(4)]
    puts = [threading.Thread(target=fill, args=(channel, lane, 10), daemon=True) for lane in lanes]
    held = []
    for put in puts:  # one after the other takes what it can
        put.start()
        put.join(0.2)
        held.append([lane.held for lane in lanes])
    # Each stops where another message would make it hold more than is free: of 100, of 50, of 20, of 10.
    assert held == [[50, 0, 0, 0], [50, 30, 0, 0], [50, 30, 10, 0], [50, 30, 10, 10]]
    taken = [channel.get(1) for _ in range(40)]
    assert (len(taken), channel.get(0)) == (40, None)
    for put in puts:
        put.join()


def fill(channel: ReaderQueue[str], lane: FileQueue[str], messages: int) -> None:
    for n in range(messages):
        channel.put(f"message {n}", lane, 10)


def test_a_short_file_overtakes_a_long_one_and_keeps_its_order() -> None:
    channel: ReaderQueue[str] = ReaderQueue(1000)
    long, short = FileQueue[str](), FileQueue[str]()
    for n in range(10):
        channel.put(f"long {n}", long, 10)
    assert [channel.get(1), channel.get(1)] == ["long 0", "long 1"]
    channel.put("short 0", short, 10)
    channel.put("short 1", short, 5)
    channel.put("short ends", short)
    assert [channel.get(1) for _ in range(4)] == ["short 0", "short 1", "short ends", "long 2"]


def test_messages_of_one_file_can_be_taken_first() -> None:
    channel: ReaderQueue[str] = ReaderQueue(10)
    file, results = FileQueue[str](), FileQueue[str]()
    channel.put("a piece", file, 5)
    assert channel.get(0, results) is None
    channel.put("a result", results)
    assert channel.get(1, results) == "a result"
    assert channel.get(1) == "a piece"
