"""A file on its way through the indexer: the pieces read of it, the segments encoded of it, the points it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from omnisearch.errors import Reason
from omnisearch.stores.base import Facts, Payload, Point
from omnisearch.types import Floats, MediaInfo, Segment
from omnisearch_indexer.reader import Reading


@dataclass(frozen=True, eq=False)
class Made:
    """A segment with its vector (dim,), and with its `passage` where it is a text. `key` is the id of its point."""

    key: str
    segment: Segment
    snippet: str
    passage: str
    vector: Floats


@dataclass(eq=False)
class Work:
    """`pieces` were read, `made` are encoded; the file is done when it has ended and both agree.

    `kept` are the keys of segments whose embeddings an interrupted run has stored; they are not encoded again. Nor are
    segments of a file `in_doubt` that have sound embeddings. `keys` are those of the segments that were given to the
    encoder; the first `saved` of them are noted in an intent.
    """

    reading: Reading
    kept: frozenset[str] = frozenset()
    in_doubt: bool = False
    pieces: int = 0
    keys: list[str] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    saved: int = 0
    ended: bool = False
    failed: tuple[Reason, str] | None = None
    notes: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether all of the file is read and encoded."""
        return self.ended and len(self.made) == self.pieces

    @property
    def info(self) -> MediaInfo:
        """What the decoder found; known once a piece was read."""
        assert self.reading.info is not None
        return self.reading.info

    @property
    def unsaved(self) -> Sequence[str]:
        """The keys of the segments whose embeddings are not durable yet."""
        return self.keys[self.saved :]

    @property
    def encoded_bytes(self) -> int:
        """The share of the file that is encoded, in bytes, as far as the place of the last segment tells."""
        if not self.made or not (end := self.made[-1].segment.end):
            return 0
        size = self.reading.signature.size
        whole = self.info.duration if self.made[-1].segment.unit == "seconds" else size
        return int(size * min(1.0, end / whole)) if whole else 0

    def points(self, facts: Facts) -> list[Point]:
        """One point per segment."""
        reading, info = self.reading, self.info
        return [
            Point(
                made.key,
                made.vector,
                Payload(
                    reading.item_id,
                    info.modality,
                    duration=info.duration,
                    segment=made.segment,
                    segments=len(self.made),
                    snippet=made.snippet,
                    passage=made.passage,
                    notes=self.notes,
                    **vars(facts),
                ),
            )
            for made in self.made
        ]
