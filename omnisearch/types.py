"""The words everything else is said in: modalities, content, segments, slices, hits.

Content is what a decoder makes and a space reads:

    text         str
    image        uint8 (height, width, 3), RGB
    audio        Waveform
    video        Clip
    point_cloud  PointCloud
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from omnisearch.metadata import NO_METADATA, Metadata
from omnisearch.modality import Modality as Modality

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float32]
    Pixels: TypeAlias = NDArray[np.uint8]
else:  # a command that asks a running server needs no arrays, and numpy takes 0.1 s to import
    Floats = Pixels = Any


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
    """A part of an item: [start, end) in `unit`. A whole image or mesh has no bounds.

    `part` names the page, slide, sheet or chapter in which a passage of a document begins ("page 3"); it is empty for
    other media, and in an index of a version that did not record it.
    """

    index: int = 0
    start: float | None = None
    end: float | None = None
    unit: Literal["seconds", "characters"] | None = None
    part: str = ""


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
    """A page of a PDF or a slide of a presentation, counted from 1; written `p3`."""

    number: int

    def __str__(self) -> str:
        return f"p{self.number}"


Slice: TypeAlias = Stretch | Region | Page


@dataclass(frozen=True)
class Reading:
    """A text that was read from media: seen in a picture, heard in a sound, or the title of a chapter.

    `start` and `end` are in seconds, of sounds and videos. `box` is relative to the picture or frame that shows the
    text. `confidence` in [0, 1] is the recognizer's. `language` is a code of ISO 639-1, empty if it is unknown.
    """

    field: Literal["ocr", "speech", "chapter"]
    text: str
    start: float | None = None
    end: float | None = None
    box: Region | None = None
    confidence: float = 1.0
    language: str = ""

    def as_row(self) -> list[Any]:
        """Return the fields as a list for JSON."""
        box = self.box and [self.box.x, self.box.y, self.box.width, self.box.height]
        return [self.field, self.text, self.start, self.end, box, self.confidence, self.language]

    @classmethod
    def from_row(cls, row: Any) -> "Reading":
        """The inverse of `as_row`. Checks every type and range, because some senders are not trusted.

        Raises:
            ValueError: the row is not a result of `as_row`.
        """
        try:
            field, text, start, end, box, confidence, language = row
            if field not in READING_FIELDS or not isinstance(text, str) or not isinstance(language, str):
                raise ValueError(f"a reading of {field!r}")
            x, y, width, height = map(_finite, box or (0, 0, 0, 0))
            region = Region(x, y, width, height, relative=True) if box else None
            start, end = (None if bound is None else _finite(bound) for bound in (start, end))
            return cls(field, text, start, end, region, _finite(confidence), language)
        except TypeError as error:
            raise ValueError(f"not a reading: {error}") from None


READING_FIELDS = ("ocr", "speech", "chapter")


def _finite(number: Any) -> float:
    value = float(number)
    if not isfinite(value):
        raise ValueError(f"{number} is not a finite number")
    return value


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
    metadata: Metadata = NO_METADATA


@dataclass(frozen=True, eq=False)
class Decoded:
    """A file being decoded. `pieces` streams; reading it may raise MediaError.

    `notes` are short sentences for the user on how the file was read ("partly read: ..."). They are complete when
    `pieces` has ended, and then `preview` returns the small preview as a WebP file, or None if none was made.
    """

    info: MediaInfo
    pieces: Iterator[Piece]
    notes: list[str] = field(default_factory=list)
    preview: Callable[[], bytes | None] = lambda: None


# Raw outputs of frozen spaces for n inputs: (space name, modality of the tower) -> float32 (n, dim).
# Rows have unit norm; a zero row says that the input has no such part (a clip without sound).
SpaceEmbeddings: TypeAlias = Mapping[tuple[str, Modality], Floats]


@dataclass(frozen=True)
class Match:
    """What one term gave to a hit: `contribution` adds up over the terms of a sum to its score.

    Where the query asked to be explained, `factors` are the term's combining factors, "part:branch" -> factor, and
    `spaces` says what each of them gave, and "part:centring" what centring took: they add up to the contribution;
    or `unsplit` says why nothing is known of spaces.

    If a text of the item matched, `field` is its field (`name`, `passage`, `ocr`, `speech` ...), and `text` a part of
    it with the matched words at `marks`, offsets of characters. `start` and `end` are its seconds, `box` is its place.
    """

    term: str
    weight: float
    contribution: float
    factors: Mapping[str, float] = field(default_factory=dict)
    spaces: Mapping[str, float] = field(default_factory=dict)
    unsplit: str = ""
    field: str = ""
    text: str = ""
    marks: tuple[tuple[int, int], ...] = ()
    start: float | None = None
    end: float | None = None
    box: Region | None = None


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
    `notes` are short sentences on how the file was read. `mtime` is the time of the file's last change, in seconds
    since 1970; `taken` is the time at which it was taken, None if that is unknown. `group` is the name of its group, a
    modality or a day such as 2023-07-14, if the query asks for groups.
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
    mtime: float = 0.0
    taken: float | None = None
    group: str = ""


@dataclass(frozen=True)
class Answer:
    """The hits of a query and where the time went, in milliseconds by stage; `next_cursor` asks for the next page.

    `nothing_matches` says that the best hit is so little relevant that it is only the least bad. Hits that are less
    relevant than `cut` are expected by chance. `matching` counts the items of each modality that reach it,
    near-duplicates once; there may be more of them if the last hit reaches it too.
    """

    hits: tuple[Hit, ...]
    took_ms: Mapping[str, float]
    next_cursor: str | None = None
    nothing_matches: bool = False
    cut: float = 0.0
    matching: Mapping[Modality, int] = field(default_factory=dict)
