"""A file on its way through the indexer: what was read of it, what was made of that, and the points it becomes."""

from dataclasses import dataclass, field

from omnisearch.errors import Reason
from omnisearch.stores.base import Facts, Payload, Point
from omnisearch.stores.ids import point_id
from omnisearch.types import Floats, MediaInfo, Segment
from omnisearch_indexer.reader import Reading


@dataclass(frozen=True, eq=False)
class Made:
    """A segment with its vector (dim,), and with its `passage` where it is a text."""

    segment: Segment
    snippet: str
    passage: str
    vector: Floats


@dataclass(eq=False)
class Work:
    """`pieces` were read, `made` are encoded; the file is done when it has ended and both agree."""

    reading: Reading
    pieces: int = 0
    made: list[Made] = field(default_factory=list)
    ended: bool = False
    failed: tuple[Reason, str] | None = None

    @property
    def done(self) -> bool:
        """Whether all of the file is read and encoded."""
        return self.ended and len(self.made) == self.pieces

    @property
    def info(self) -> MediaInfo:
        """What the decoder found; known once a piece was read."""
        assert self.reading.info is not None
        return self.reading.info

    def points(self, facts: Facts) -> list[Point]:
        """One point per segment."""
        reading, info = self.reading, self.info
        return [
            Point(
                point_id(reading.item_id, made.segment),
                made.vector,
                Payload(
                    reading.item_id,
                    info.modality,
                    duration=info.duration,
                    segment=made.segment,
                    segments=len(self.made),
                    snippet=made.snippet,
                    passage=made.passage,
                    **vars(facts),
                ),
            )
            for made in self.made
        ]
