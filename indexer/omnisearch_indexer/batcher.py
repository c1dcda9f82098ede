"""Batches: collect the pieces of all files by modality, submit them, and add the results to the files."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import Reason
from omnisearch.stores.ids import point_id
from omnisearch.stores.validation import MAX_TEXT, usable
from omnisearch.types import Floats, Modality, Piece
from omnisearch_indexer.encoder import Encoder
from omnisearch_indexer.encoders import Batch, Deliver, Encoded, Encoders, Lost
from omnisearch_indexer.file_progress import EncodedPieces, FileProgress
from omnisearch_indexer.reader_queue import content_bytes

BATCH_BYTES = 256 << 20
# Texts of like lengths are encoded together, because all texts of a batch are padded to the longest one. They are
# chosen from this many batches.
TEXT_BATCHES = 8
# An idle encoder gets a batch that is not full if it has so many pieces. A network takes longer for a text or a picture
# alone than for one of many; a sound, a film or a 3D object is already many inputs of a network.
FEWEST = {Modality.TEXT: 32, Modality.IMAGE: 8}

_Waiting: TypeAlias = tuple[FileProgress, Piece]


class Batcher:
    """Holds at most one batch per modality, TEXT_BATCHES of texts, and contents of BATCH_BYTES for two slots.

    The contents that are encoded count as well. `add` and `submit_all` return the files with segments whose stored
    embeddings are bound, which need no encoding; `take` returns those with encoded segments. A file that cannot be
    encoded is marked `failed`.
    """

    def __init__(self, encoder: Encoder, encoders: Encoders, deliver: Deliver) -> None:
        self._encoder, self._encoders, self._deliver = encoder, encoders, deliver
        self._waiting: dict[Modality, list[_Waiting]] = defaultdict(list)
        self._waiting_bytes = 0
        self._submitted = 0
        self._submitted_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether no piece may be added before a result is taken."""
        if not self._submitted:
            return False
        if self._waiting_bytes + self._submitted_bytes >= BATCH_BYTES // 2 * self._encoders.slots:
            return True
        return self._submitted >= self._encoders.slots and any(
            len(pieces) >= self._encoders.size(modality) * (TEXT_BATCHES if modality is Modality.TEXT else 1)
            for modality, pieces in self._waiting.items()
        )

    @property
    def is_empty(self) -> bool:
        """Whether no piece waits for its batch or its result."""
        return not self._submitted and not self._waiting

    def add(self, work: FileProgress, piece: Piece) -> Iterable[FileProgress]:
        """Add a piece. Submits a full batch if a slot is free, and all pieces if they hold too much memory.

        A batch that is not full is submitted if the encoders would be idle.
        """
        modality = work.info.modality
        work.pieces += 1
        self._waiting[modality].append((work, piece))
        self._waiting_bytes += content_bytes(piece.content)
        # The other half is for the batches that are encoded meanwhile.
        return self.submit_all() if self._waiting_bytes > BATCH_BYTES // 2 else self._submit_ready()

    def submit_all(self) -> Iterable[FileProgress]:
        """Submit all gathered pieces, also those of batches that are not full."""
        works: list[FileProgress] = []
        while self._waiting:
            works += self._submit(next(iter(self._waiting)))
        return works

    def take(self, encoded: Encoded) -> Iterable[FileProgress]:
        """Store the embeddings of an encoded batch, and add its segments to their files."""
        batch, rows = encoded.batch, encoded.rows
        self._returned(batch)
        others = self._submit_ready()  # first of all, so that the encoders do not wait
        alive = np.array([not work.reading.dead for work, _ in batch.pieces], np.bool_)
        self._encoder.keep(batch.keys, rows.embeddings, alive & ~rows.failed)
        return [*_add_segments(batch.pieces, batch.keys, rows.vectors, alive, rows.failed), *others]

    def lose(self, lost: Lost) -> Iterable[FileProgress]:
        """Return the files of a batch that was lost."""
        self._returned(lost.batch)
        return dict.fromkeys(work for work, _ in lost.batch.pieces)

    def _returned(self, batch: Batch) -> None:
        self._submitted -= 1
        self._submitted_bytes -= batch.bytes

    def _submit_ready(self) -> Iterable[FileProgress]:
        """Submit full batches while slots are free, and others while encoders are idle."""
        works: list[FileProgress] = []
        for modality in list(self._waiting):
            while self._submitted < self._encoders.slots and self._is_ready(modality):
                works += self._submit(modality)
        return works

    def _is_ready(self, modality: Modality) -> bool:
        waiting, size = len(self._waiting.get(modality, ())), self._encoders.size(modality)
        is_idle = 2 * self._submitted < self._encoders.slots  # with two slots an encoder, it takes the second one next
        return waiting >= (min(size, FEWEST.get(modality, 1)) if is_idle else size)

    def _submit(self, modality: Modality) -> Iterable[FileProgress]:
        chosen, rest = _choose(modality, self._waiting.pop(modality), self._encoders.size(modality))
        if rest:
            self._waiting[modality] = rest
        pieces = [(work, piece) for work, piece in chosen if not work.reading.dead]
        self._waiting_bytes = sum(content_bytes(p.content) for others in self._waiting.values() for _, p in others)
        if not pieces:
            return ()
        keys = [point_id(work.reading.item_id, piece.segment) for work, piece in pieces]
        kept = [work.is_marked or key in work.kept for key, (work, _) in zip(keys, pieces, strict=True)]
        vectors, known = self._encoder.recall(modality, keys, kept)
        if not known.all():
            todo = np.flatnonzero(~known).tolist()
            batch = Batch(modality, [keys[n] for n in todo], [pieces[n] for n in todo])
            self._submitted += 1
            self._submitted_bytes += batch.bytes
            self._encoders.submit(batch, self._deliver)
        return _add_segments(pieces, keys, vectors, known, np.zeros(len(keys), np.bool_))


def _choose(modality: Modality, waiting: list[_Waiting], size: int) -> tuple[list[_Waiting], list[_Waiting]]:
    """Split waiting pieces into a batch, which has the oldest one, and the rest, in the order in which they came.

    The lengths of the texts of a batch differ as little as possible.
    """
    if modality is not Modality.TEXT or len(waiting) <= size:
        return waiting[:size], waiting[size:]
    lengths = [len(str(piece.content)) for _, piece in waiting]
    by_length = sorted(range(len(waiting)), key=lengths.__getitem__)
    oldest = by_length.index(0)
    firsts = range(max(oldest - size + 1, 0), min(oldest, len(waiting) - size) + 1)
    first = min(firsts, key=lambda at: lengths[by_length[at + size - 1]] - lengths[by_length[at]])
    chosen = set(by_length[first : first + size])
    return [waiting[n] for n in sorted(chosen)], [pair for n, pair in enumerate(waiting) if n not in chosen]


def _add_segments(
    pieces: Sequence[tuple[FileProgress, Piece]],
    keys: Sequence[str],
    vectors: Floats,
    wanted: NDArray[np.bool_],
    failed: NDArray[np.bool_],
) -> Iterable[FileProgress]:
    """Add the `wanted` pieces with their vectors (n, dim) to their files; return these files."""
    files: dict[FileProgress, None] = {}
    for n in np.flatnonzero(wanted).tolist():
        work, piece = pieces[n]
        files[work] = None
        work.keys.append(keys[n])
        if failed[n]:
            work.failed = (Reason.OOM, f"segment {piece.segment.index} does not fit into memory alone")
        elif not usable(vectors[n]):
            work.failed = (Reason.NON_FINITE, f"segment {piece.segment.index} has no usable vector")
        else:
            passage = piece.content[:MAX_TEXT] if isinstance(piece.content, str) else ""
            work.add(EncodedPieces(keys[n], piece.segment, piece.snippet, passage, vectors[n]))
    return files
