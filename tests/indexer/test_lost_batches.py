"""Files whose contents were lost with a node of a cluster are read again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import Reason
from omnisearch.types import Modality
from omnisearch_indexer import session
from omnisearch_indexer.batch_encoder import BatchEncoder
from omnisearch_indexer.encoders import Batch, Deliver, Encoded, Lost
from omnisearch_indexer.executor import Executor, OpenExecutor
from omnisearch_indexer.local_files import LocalFiles
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_failures
from tests.indexer.conftest import points_of, write_image, write_sound


class LosingEncoders:
    """Encodes at once, and loses the first `losses` batches of each modality."""

    slots = 2

    def __init__(self, encoder: BatchEncoder, losses: int) -> None:
        self._encoder, self._losses = encoder, losses
        self.lost: dict[Modality, int] = {}

    def size(self, modality: Modality) -> int:
        return 2

    def submit(self, batch: Batch, deliver: Deliver) -> None:
        lost = self.lost.get(batch.modality, 0)
        if lost < self._losses:
            self.lost[batch.modality] = lost + 1
            deliver(Lost(batch))
        else:
            deliver(Encoded(batch, self._encoder.encode(batch.modality, batch.contents)))


def losing(losses: int) -> OpenExecutor:
    @contextmanager
    def open_executor(settings: Settings, model: OmniBind, stop: threading.Event) -> Iterator[Executor]:
        encoders = LosingEncoders(BatchEncoder(model, 2), losses)
        with session.decoder_pool(settings, 2, previews=True) as pool:
            yield Executor(LocalFiles(pool), encoders, 2)

    return open_executor


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A sound of several batches, a note and a picture that is there twice."""
    write_sound(tmp_path / "files" / "s.wav", seconds=45)
    write_image(tmp_path / "files" / "p.png")
    write_image(tmp_path / "files" / "q.png")
    (tmp_path / "files" / "n.txt").write_text("a note")
    return tmp_path / "files"


def test_a_lost_batch_costs_nothing_but_time(files: Path, settings: Settings, tmp_path: Path) -> None:
    index_files([files], settings)
    other = settings.model_copy(update={"data_dir": tmp_path / "other"})
    report = index_files([files], other, open_executor=losing(1))
    assert (report.failed, report.seen) == (0, 4)
    here, there = points_of(settings), points_of(other)
    assert here.keys() == there.keys()
    for key, point in here.items():
        assert np.array_equal(point.vector, there[key].vector)
        assert point.payload.segments == there[key].payload.segments


def test_a_file_whose_batches_are_always_lost_is_refused(files: Path, settings: Settings) -> None:
    report = index_files([files], settings, open_executor=losing(1000))
    assert (report.failed, report.seen) == (4, 4)
    assert {row["reason"] for row in read_failures(settings, False)} == {Reason.DECODER_CRASHED}
    assert points_of(settings) == {}
    assert index_files([files], settings, retry_failed=True).failed == 0
