"""Batches: texts of like lengths, with every piece once, and none that waits for ever or while encoders are idle."""

import random

import numpy as np
import pytest

from omnisearch.types import MediaInfo, Modality, Piece, Segment
from omnisearch_indexer import batcher
from omnisearch_indexer.batch_encoder import EncodedRows
from omnisearch_indexer.batcher import Batcher
from omnisearch_indexer.encoders import Batch, Deliver, Encoded
from omnisearch_indexer.file_progress import FileProgress
from omnisearch_indexer.reader import FileReading
from omnisearch_indexer.walk import Signature

SIZE, SLOTS = 4, 2


class Stored:
    """An encoder without stored embeddings."""

    def recall(self, modality: Modality, keys: list[str], kept: list[bool]) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((len(keys), 2), np.float32), np.zeros(len(keys), np.bool_)

    def keep(self, *_: object) -> None:
        pass


class Held:
    """Encoders that hold their batches."""

    slots = SLOTS

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.taken: list[Batch] = []

    def size(self, modality: Modality) -> int:
        return SIZE

    def submit(self, batch: Batch, deliver: Deliver) -> None:
        self.batches.append(batch)

    def give(self, batches: Batcher) -> None:
        """Return the oldest batch."""
        batch = self.batches.pop(0)
        self.taken.append(batch)
        count = len(batch.keys)
        rows = EncodedRows(np.ones((count, 2), np.float32), np.zeros(count, np.bool_), {})
        batches.take(Encoded(batch, rows))


class Large(Held):
    """Encoders of large batches."""

    def size(self, modality: Modality) -> int:
        return 64


def add(batches: Batcher, texts: list[str], encoders: Held) -> None:
    work = FileProgress(FileReading("a.txt", Signature(1, 2, 3, 4)))
    work.reading.info = MediaInfo(Modality.TEXT, "text/plain")
    for n, text in enumerate(texts):
        while batches.is_full:
            encoders.give(batches)
        batches.add(work, Piece(Segment(n), text))
    while not batches.is_empty:
        batches.submit_all()
        while encoders.batches:
            encoders.give(batches)


def widths(encoders: Held) -> list[set[int]]:
    return [{len(str(piece.content)) for _, piece in batch.pieces} for batch in encoders.taken]


def test_texts_of_like_lengths_are_encoded_together() -> None:
    encoders = Held()
    add(Batcher(Stored(), encoders, print), ["long " * 20, "short"] * 40, encoders)
    assert sum(len(found) > 1 for found in widths(encoders)) <= SLOTS + 1  # the first, and the one between both


@pytest.mark.parametrize("seed", range(5))
def test_every_text_is_encoded_once_and_soon(seed: int) -> None:
    dice, encoders = random.Random(seed), Held()
    texts = ["x" * dice.randrange(1, 500) for _ in range(300)]
    add(Batcher(Stored(), encoders, print), texts, encoders)
    order = [piece.segment.index for batch in encoders.taken for _, piece in batch.pieces]
    assert sorted(order) == list(range(len(texts)))
    assert max(place - n for place, n in enumerate(order)) <= (batcher.TEXT_BATCHES + SLOTS) * SIZE
    padded = sum(max(found) * len(batch.keys) for found, batch in zip(widths(encoders), encoders.taken, strict=True))
    plain = sum(max(map(len, texts[at : at + SIZE])) * SIZE for at in range(0, len(texts), SIZE))
    assert padded < 0.85 * plain


@pytest.mark.parametrize(("modality", "fewest"), [(Modality.IMAGE, 8), (Modality.POINT_CLOUD, 1)])
def test_an_idle_encoder_gets_a_batch_that_is_not_full(modality: Modality, fewest: int) -> None:
    encoders = Large()
    batches, work = Batcher(Stored(), encoders, print), FileProgress(FileReading("a", Signature(1, 2, 3, 4)))
    work.reading.info = MediaInfo(modality, "any/thing")
    content = np.zeros((2, 2, 3), np.uint8)
    for n in range(fewest + 20):
        batches.add(work, Piece(Segment(n), content))
    assert [len(batch.keys) for batch in encoders.batches] == [fewest]  # it is busy, and the others wait
    encoders.give(batches)
    assert [len(batch.keys) for batch in encoders.batches] == [20]
    for n in range(70):
        batches.add(work, Piece(Segment(100 + n), content))
    assert [len(batch.keys) for batch in encoders.batches] == [20, 64]  # the next one is ready
