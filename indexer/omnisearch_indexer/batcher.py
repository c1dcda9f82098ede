"""Batches: collect the pieces of all files by modality and encode them together."""

from collections import defaultdict
from collections.abc import Iterable

from omnisearch.errors import Reason
from omnisearch.stores.ids import point_id
from omnisearch.stores.validation import MAX_TEXT, usable
from omnisearch.types import Modality, Piece
from omnisearch_indexer.encoder import Encoder
from omnisearch_indexer.file_progress import EncodedPieces, FileProgress
from omnisearch_indexer.reader_queue import content_bytes

BATCH_BYTES = 256 << 20


class Batcher:
    """Holds at most one batch per modality, and BATCH_BYTES of contents in all.

    Each method returns the files whose segments it has encoded; a file that cannot be encoded is marked `failed`.
    """

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._waiting: dict[Modality, list[tuple[FileProgress, Piece]]] = defaultdict(list)
        self._bytes = 0

    def add(self, work: FileProgress, piece: Piece) -> Iterable[FileProgress]:
        """Add a piece. Encodes its modality if the batch is full, and every modality if they hold too much memory."""
        modality = work.info.modality
        work.pieces += 1
        self._waiting[modality].append((work, piece))
        self._bytes += content_bytes(piece.content)
        if len(self._waiting[modality]) >= self._encoder.size(modality):
            return self._encode(modality)
        return self.encode_all() if self._bytes > BATCH_BYTES else ()

    def encode_all(self) -> Iterable[FileProgress]:
        """Encode all gathered pieces, also those of batches that are not full."""
        return [work for modality in list(self._waiting) for work in self._encode(modality)]

    def _encode(self, modality: Modality) -> Iterable[FileProgress]:
        group = [(work, piece) for work, piece in self._waiting.pop(modality, []) if not work.reading.dead]
        self._bytes = sum(content_bytes(p.content) for others in self._waiting.values() for _, p in others)
        if not group:
            return ()
        keys = [point_id(work.reading.item_id, piece.segment) for work, piece in group]
        kept = [work.is_suspect or key in work.kept for key, (work, _) in zip(keys, group, strict=True)]
        vectors, too_large = self._encoder.encode(modality, keys, [piece.content for _, piece in group], kept)
        for (work, piece), key, vector, failed in zip(group, keys, vectors, too_large, strict=True):
            work.keys.append(key)
            if failed:
                work.failed = (Reason.OOM, f"segment {piece.segment.index} does not fit into memory alone")
            elif not usable(vector):
                work.failed = (Reason.NON_FINITE, f"segment {piece.segment.index} has no usable vector")
            else:
                passage = piece.content[:MAX_TEXT] if isinstance(piece.content, str) else ""
                work.made.append(EncodedPieces(key, piece.segment, piece.snippet, passage, vector))
        return dict.fromkeys(work for work, _ in group)
