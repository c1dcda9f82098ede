"""The state of one file in the indexer: the pieces read, the segments encoded, and the points made from them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from omnisearch.errors import Reason
from omnisearch.stores.base import Facts, Payload, Point
from omnisearch.types import Floats, MediaInfo, Segment
from omnisearch_indexer.reader import FileReading


@dataclass(frozen=True, eq=False)
class EncodedPieces:
    """An encoded segment: its vector (dim,), and its `passage` if it is a text. `key` is the id of its point."""

    key: str
    segment: Segment
    snippet: str
    passage: str
    vector: Floats


@dataclass(eq=False)
class FileProgress:
    """One file. `pieces` counts the pieces read, `made` holds the encoded segments.

    `kept` are the keys of segments whose embeddings an interrupted run has stored; they are not encoded again. If the
    item `is_marked` to be read again, segments with undamaged embeddings are not encoded again either. `keys` are those
    of the segments whose embeddings are stored; the first `saved` of them are noted in an intent. `furthest` is the
    largest end of an encoded segment: they may arrive in any order.
    """

    reading: FileReading
    kept: frozenset[str] = frozenset()
    is_marked: bool = False
    pieces: int = 0
    keys: list[str] = field(default_factory=list)
    made: list[EncodedPieces] = field(default_factory=list)
    furthest: float = 0.0
    saved: int = 0
    ended: bool = False
    lost: bool = False
    failed: tuple[Reason, str] | None = None
    notes: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the whole file is read and encoded."""
        return self.ended and len(self.made) == self.pieces

    @property
    def info(self) -> MediaInfo:
        """The decoder's description of the file; known after the first piece."""
        assert self.reading.info is not None
        return self.reading.info

    @property
    def unsaved(self) -> Sequence[str]:
        """The keys of the segments whose embeddings are not durable yet."""
        return self.keys[self.saved :]

    @property
    def encoded_bytes(self) -> int:
        """The encoded share of the file, in bytes, estimated from the furthest encoded position."""
        if not self.furthest:
            return 0
        size = self.reading.signature.size
        whole = self.info.duration if self.made[-1].segment.unit == "seconds" else size
        return int(size * min(1.0, self.furthest / whole)) if whole else 0

    def add(self, made: EncodedPieces) -> None:
        """Add an encoded segment."""
        self.made.append(made)
        self.furthest = max(self.furthest, made.segment.end or 0.0)

    def points(self, facts: Facts) -> list[Point]:
        """One point per segment, in the order of the file."""
        reading, info = self.reading, self.info
        return [
            Point(
                made.key,
                made.vector,
                Payload(
                    item_id=reading.item_id,
                    modality=info.modality,
                    duration=info.duration,
                    segment=made.segment,
                    segments=len(self.made),
                    snippet=made.snippet,
                    passage=made.passage,
                    notes=self.notes,
                    **vars(facts),
                ),
            )
            for made in sorted(self.made, key=lambda made: made.segment.index)
        ]
