"""The interface through which the indexer encodes batches while it decodes and writes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from omnisearch.types import Content, Modality, Piece
from omnisearch_indexer.batch_encoder import EncodedRows
from omnisearch_indexer.file_progress import FileProgress
from omnisearch_indexer.reader_queue import content_bytes


@dataclass(frozen=True, eq=False)
class Batch:
    """Pieces of one modality, each with its file; `keys` are the ids of their points."""

    modality: Modality
    keys: Sequence[str]
    pieces: Sequence[tuple[FileProgress, Piece]]

    @property
    def contents(self) -> list[Content]:
        """The contents to encode."""
        return [piece.content for _, piece in self.pieces]

    @property
    def bytes(self) -> int:
        """The memory of the contents."""
        return sum(map(content_bytes, self.contents))


@dataclass(frozen=True, eq=False)
class Encoded:
    """An encoded batch, with one row for each piece."""

    batch: Batch
    rows: EncodedRows


@dataclass(frozen=True, eq=False)
class Lost:
    """A batch that was not encoded, because the run was stopped or its contents were lost with the node of a cluster.

    Its files must be read again.
    """

    batch: Batch


# Receives the result of a batch, or the error that ends the run; called from any thread.
Deliver: TypeAlias = Callable[[Encoded | Lost | BaseException], None]


class Encoders(Protocol):
    """Encodes batches beside the thread that submits them.

    `slots` is the number of batches in flight that keep it busy.
    """

    slots: int

    def size(self, modality: Modality) -> int:
        """The batch size of a modality."""
        ...

    def submit(self, batch: Batch, deliver: Deliver) -> None:
        """Encode a batch later, and deliver its result once. Never waits."""
        ...
