"""The words everything else is said in: modalities, content, segments, slices, hits.

Content is what a decoder makes and a space reads:

    text         str
    image        uint8 (height, width, 3), RGB
    audio        Waveform
    video        Clip
    point_cloud  PointCloud
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float32]
    Pixels: TypeAlias = NDArray[np.uint8]
else:  # a command that asks a running server needs no arrays, and numpy takes 0.1 s to import
    Floats = Pixels = Any


class Modality(StrEnum):
    """The five kinds of media. The order is the order of every report."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    POINT_CLOUD = "point_cloud"


class Role(StrEnum):
    """The side of a search on which a content is embedded: it asks, or it is searched.

    Models with prompts embed a text differently on each side; other models ignore the role.
    """

    QUERY = "query"
    DOCUMENT = "document"


@dataclass(frozen=True, eq=False)
class Waveform:
    """Mono sound: `samples` float32 (n,) in [-1, 1] at `rate` Hz."""

    samples: Floats
    rate: int

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.rate


@dataclass(frozen=True, eq=False)
class Clip:
    """A stretch of video: `frames` uint8 (f, height, width, 3), and its own sound track if it has one."""

    frames: Pixels
    sound: Waveform | None = None


@dataclass(frozen=True, eq=False)
class PointCloud:
    """A 3D object as points and as pictures.

    `points` float32 (n, 3), y up, centred on its mean and scaled into the unit ball.
    `colors` float32 (n, 3) in [0, 1], None where the source has none.
    `views` uint8 (v, side, side, 3): the object rendered from `v` directions around it.
    """

    points: Floats
    colors: Floats | None
    views: Pixels


Content: TypeAlias = str | Pixels | Waveform | Clip | PointCloud


@dataclass(frozen=True)
class Segment:
    """A part of an item: [start, end) in `unit`. A whole image or mesh has no bounds."""

    index: int = 0
    start: float | None = None
    end: float | None = None
    unit: Literal["seconds", "characters"] | None = None


@dataclass(frozen=True)
class Stretch:
    """From `start` to `end` seconds of a sound or a video; written `12.5-15`."""

    start: float
    end: float

    def __str__(self) -> str:
        return f"{self.start:.10g}-{self.end:.10g}"


@dataclass(frozen=True)
class Region:
    """A rectangle of an upright image; written `x,y,w,h`.

    In pixels from the top left corner, or where `relative` in shares of its width and height.
    """

    x: float
    y: float
    width: float
    height: float
    relative: bool = False

    def __str__(self) -> str:
        numbers = (self.x, self.y, self.width, self.height)
        return ",".join(_share(n) if self.relative else f"{n:.0f}" for n in numbers)


def _share(number: float) -> str:
    return f"{number:.6f}".rstrip("0").ljust(3, "0")  # keeps its point, which says that it is no pixel


@dataclass(frozen=True)
class Page:
    """A page of a PDF, counted from 1; written `p3`."""

    number: int

    def __str__(self) -> str:
        return f"p{self.number}"


Slice: TypeAlias = Stretch | Region | Page


@dataclass(frozen=True, eq=False)
class Piece:
    """One segment with its content; `snippet` is a line of text that shows it (empty for media without words)."""

    segment: Segment
    content: Content
    snippet: str = ""


@dataclass(frozen=True)
class MediaInfo:
    """What a decoder knows of a file before its pieces: `duration` in seconds for audio and video."""

    modality: Modality
    mime: str
    duration: float | None = None


# A note that begins with these words says that a part of the file could not be read.
PARTLY_READ = "partly read"


@dataclass(frozen=True, eq=False)
class Decoded:
    """A file being decoded. `pieces` streams; reading it may raise MediaError.

    `notes` are short sentences for the user on how the file was read ("partly read: ..."). They are complete when
    `pieces` has ended.
    """

    info: MediaInfo
    pieces: Iterator[Piece]
    notes: list[str] = field(default_factory=list)


# Raw outputs of frozen spaces for n inputs: (space name, modality of the tower) -> float32 (n, dim).
# Rows have unit norm; a zero row says that the input has no such part (a clip without sound).
SpaceEmbeddings: TypeAlias = Mapping[tuple[str, Modality], Floats]


@dataclass(frozen=True)
class Match:
    """What one term gave to a hit: `contribution` adds up over the terms of a sum to its score.

    Where the query asked to be explained, `factors` are the term's combining factors, "part:branch" -> factor, and
    `spaces` says what each of them gave, and "part:centring" what centring took: they add up to the contribution;
    or `unsplit` says why nothing is known of spaces.
    """

    term: str
    weight: float
    contribution: float
    factors: Mapping[str, float] = field(default_factory=dict)
    spaces: Mapping[str, float] = field(default_factory=dict)
    unsplit: str = ""


@dataclass(frozen=True)
class Finding:
    """Why a hit is relevant: an expression as it was judged, and its parts.

    `odds` is the logit of `relevance`. A sum also has its words in `query`, its cosine `score`, and in `calibration`
    what its odds were made of.
    """

    op: Literal["sum", "and", "or", "not", "then"]
    relevance: float
    odds: float
    segment: Segment | None
    parts: "tuple[Finding, ...]" = ()
    query: str = ""
    score: float = 0.0
    calibration: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Hit:
    """One answer. `score` is the raw cosine in [-1, 1]; `relevance` in [0, 1] compares across modalities.

    Of an expression, `score` is that of the sum that decided: the weakest of AND and THEN, the strongest of OR.
    `segments` are the best ones with their scores, joined where they touch; none where the item has no parts.
    `duplicates` are the ids of items that are almost the same. `missing` is true if no file exists at `path` any more.
    `notes` are short sentences on how the file was read.
    """

    id: str
    path: str
    modality: Modality
    score: float
    relevance: float
    segment: Segment | None
    matched_by: tuple[Match, ...]
    snippet: str = ""
    mime: str = ""
    explanation: Finding | None = None
    segments: tuple[tuple[Segment, float], ...] = ()
    duplicates: tuple[str, ...] = ()
    missing: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The hits of a query and where the time went, in milliseconds by stage; `next_cursor` asks for the next page.

    `nothing_matches` says that the best hit is so little relevant that it is only the least bad.
    """

    hits: tuple[Hit, ...]
    took_ms: Mapping[str, float]
    next_cursor: str | None = None
    nothing_matches: bool = False
