"""Encoders on the nodes of a cluster."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import ray
from ray.exceptions import ObjectLostError, RayActorError, RayTaskError

from omnisearch.errors import StoppedError
from omnisearch.types import Floats, Modality
from omnisearch_indexer.batch_encoder import EncodedRows
from omnisearch_indexer.encoders import Batch, Deliver, Encoded, Lost
from omnisearch_indexer.ray.actors import Actors
from omnisearch_indexer.ray.remote_content import RemoteContent
from omnisearch_indexer.retries import CRASHES

# While an actor encodes a batch, the contents of the next one are brought to its node.
DEPTH = 2


class RayEncoders:
    """The `Encoders` of a cluster, whose actors are `EncoderActor`s that are lent to DEPTH threads at a time."""

    def __init__(self, actors: Actors, count: int, dim: int, batch_size: int) -> None:
        self._actors, self._dim, self._batch_size = actors, dim, batch_size
        self.slots = DEPTH * count
        self._threads = ThreadPoolExecutor(self.slots, thread_name_prefix="encoder")

    def size(self, modality: Modality) -> int:  # noqa: ARG002
        """Return the batch size; an actor without enough memory divides its batches itself."""
        return self._batch_size

    def submit(self, batch: Batch, deliver: Deliver) -> None:
        """See `Encoders.submit`."""
        self._threads.submit(self._run, batch, deliver)

    def close(self) -> None:
        """Drop the batches that are not begun, and wait for the others."""
        self._threads.shutdown(cancel_futures=True)

    def _run(self, batch: Batch, deliver: Deliver) -> None:
        try:
            contents: list[object] = list(batch.contents)
            sent = [content.ref if isinstance(content, RemoteContent) else content for content in contents]
            deliver(Encoded(batch, self._encode(batch.modality, sent)))
        except (ObjectLostError, StoppedError):
            deliver(Lost(batch))
        except BaseException as error:  # without a result the run would never end
            deliver(error)

    def _encode(self, modality: Modality, contents: Sequence[Any]) -> EncodedRows:
        crashes = 0
        while crashes < CRASHES:
            actor = self._actors.take()
            try:
                rows: EncodedRows = ray.get(actor.handle.encode.remote(modality, *contents))
            except RayActorError as error:
                crashes += self._actors.replace(actor, error)
                continue
            except RayTaskError as error:
                self._actors.give(actor)
                raise error.cause if isinstance(error.cause, ObjectLostError) else error from None
            except BaseException:
                self._actors.give(actor)
                raise
            self._actors.give(actor)
            return rows
        # One content may need too much memory: divide the batch to find it.
        if len(contents) == 1:
            return EncodedRows(np.zeros((1, self._dim), np.float32), np.ones(1, np.bool_), {})
        half = len(contents) // 2
        return joined(self._encode(modality, contents[:half]), self._encode(modality, contents[half:]))


def joined(first: EncodedRows, second: EncodedRows) -> EncodedRows:
    """Return the rows of both. A space that only one of them has gets zero rows for the other."""
    parts = [(first, len(first.failed)), (second, len(second.failed))]
    widths = {key: rows.shape[1] for part, _ in parts for key, rows in part.embeddings.items()}

    def rows(key: tuple[str, Modality]) -> Floats:
        empty = ((n, widths[key]) for _, n in parts)
        found = [
            part.embeddings.get(key, np.zeros(shape, np.float32)) for (part, _), shape in zip(parts, empty, strict=True)
        ]
        return np.concatenate(found)

    return EncodedRows(
        np.concatenate([first.vectors, second.vectors]),
        np.concatenate([first.failed, second.failed]),
        {key: rows(key) for key in widths},
    )
