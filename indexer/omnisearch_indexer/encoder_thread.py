"""Encode batches in one thread, so that files are decoded and points are written meanwhile."""

import queue
import threading

from omnisearch.types import Modality
from omnisearch_indexer.batch_encoder import BatchEncoder
from omnisearch_indexer.encoders import Batch, Deliver, Encoded, Lost


class EncoderThread:
    """Encodes one batch after the other. Once `stop` is set, each batch that is not begun is delivered as `Lost`.

    An error ends the thread, because it ends the run.
    """

    slots = 2  # one is encoded, and the next one is ready

    def __init__(self, encoder: BatchEncoder, stop: threading.Event) -> None:
        self._encoder, self._stop = encoder, stop
        self.is_closed = False
        self._batches: queue.SimpleQueue[tuple[Batch, Deliver] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="encoder")
        self._thread.start()

    def size(self, modality: Modality) -> int:
        """The batch size of a modality; it is halved when memory runs out."""
        return self._encoder.size(modality)

    def submit(self, batch: Batch, deliver: Deliver) -> None:
        """Encode a batch later, and deliver its result once. Never waits."""
        self._batches.put((batch, deliver))

    def close(self) -> None:
        """Drop the batches that are not begun, and wait for the one that is."""
        self.is_closed = True
        self._batches.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._batches.get()) is not None and not self.is_closed:
            batch, deliver = job
            try:
                deliver(Lost(batch) if self._stop.is_set() else self._encode(batch))
            except BaseException as error:  # without a result the run would never end
                deliver(error)
                return
            del job, batch  # the contents are no longer needed while this thread waits

    def _encode(self, batch: Batch) -> Encoded:
        return Encoded(batch, self._encoder.encode(batch.modality, batch.contents))
