"""Embed windows of several sizes over the blocks of a sound, film or text, or over the pixels of a picture."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import MediaError, QueryError, Reason, StoppedError
from omnisearch.search.locate.nms import Window, windows
from omnisearch.types import Clip, Content, Decoded, Floats, Modality, Piece, Pixels, Region, Role, Segment, Waveform

BLOCK_SECONDS, BLOCK_CHARACTERS = 0.5, 250
# Blocks per window: 2, 4 and 8 seconds; 250, 500 and 1,000 characters.
SIZES = {Modality.AUDIO: (4, 8, 16), Modality.VIDEO: (4, 8, 16), Modality.TEXT: (1, 2, 4)}
# The largest number of windows: if there would be more, windows are longer.
MOST = 4096
FRAMES_OF_A_BLOCK, FRAMES_OF_A_WINDOW = 2, 8
# Cells along the shorter side of a picture, and cells along the side of a crop.
CELLS, CROPS = 8, (2, 4, 8)
LOCATED = (Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.VIDEO)

Looks = Iterator[tuple[Window, Content]]


def in_blocks(settings: Settings) -> Settings:
    """Return settings that make decoders split files into the blocks that windows are made of."""
    cut = {"segment_seconds": BLOCK_SECONDS, "segment_overlap": 0.0}
    return settings.model_copy(update={**cut, "passage_characters": BLOCK_CHARACTERS, "passage_overlap": 0})


@dataclass
class Line:
    """A sound, a video or a text as a row of blocks. `bounds` and `parts` grow while its windows are read."""

    decoded: Decoded
    bounds: list[tuple[float, float]] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return 1, len(self.bounds)

    def looks(self) -> Looks:
        """Yield the windows in the order of their ends. Holds at most twice the blocks of the longest window."""
        sizes, laid = self._sizes(), 0
        held: deque[Content] = deque(maxlen=2 * sizes[-1])
        for piece in self.decoded.pieces:
            self.bounds.append(self._bounds(piece))
            self.parts.append(piece.segment.part)
            held.append(_thin(piece.content))
            if self.decoded.info.duration is None and laid > MOST // 2:
                # The length of a text is unknown, so windows become longer, which limits their number.
                sizes, laid = tuple(2 * size for size in sizes), 0
                held = deque(held, maxlen=2 * sizes[-1])
            ends = [size for size in sizes if self._at_rest(size)]
            laid += len(ends)
            yield from ((self._window(size), _join(list(held)[-size:])) for size in ends)
        count = len(self.bounds)
        late = {min(size, count) for size in sizes} - {size for size in sizes if self._at_rest(size)}
        yield from ((self._window(size), _join(list(held)[-size:])) for size in sorted(late - {0}))

    def place(self, window: Window) -> Segment:
        """Return the segment of the file that a window covers."""
        unit: Literal["seconds", "characters"] = (
            "characters" if self.decoded.info.modality is Modality.TEXT else "seconds"
        )
        start, end = self.bounds[window.left][0], self.bounds[window.right - 1][1]
        return Segment(window.left, start, end, unit, self.parts[window.left])

    def _sizes(self) -> Sequence[int]:
        sizes: Sequence[int] = SIZES[self.decoded.info.modality]
        blocks = (self.decoded.info.duration or 0.0) / BLOCK_SECONDS
        while sum(blocks / max(1, size // 2) for size in sizes) > MOST:
            sizes = tuple(2 * size for size in sizes)
        return sizes

    def _at_rest(self, size: int) -> bool:
        """Return whether a window of `size` that ends with the last block starts at a regular position."""
        start = len(self.bounds) - size
        return start >= 0 and start % max(1, size // 2) == 0

    def _window(self, size: int) -> Window:
        return Window(0, len(self.bounds) - size, 1, len(self.bounds))

    def _bounds(self, piece: Piece) -> tuple[float, float]:
        if piece.segment.start is None or piece.segment.end is None:  # the whole file
            return 0.0, _extent(piece.content, self.decoded.info.duration)
        return piece.segment.start, piece.segment.end


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture (height, width, 3) as a grid of squares; squares at the right and the lower edge may be smaller."""

    pixels: Pixels

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        side = min(self.pixels.shape[:2]) / CELLS
        rows, columns = (max(1, round(length / side)) for length in self.pixels.shape[:2])
        return rows, columns

    def looks(self) -> Looks:
        """Yield the windows, each with its crop of the picture."""
        height, width = self.pixels.shape[:2]
        for window in windows(*self.shape, CROPS):
            region = self.place(window)
            top, left = round(region.y * height), round(region.x * width)
            bottom, right = round((region.y + region.height) * height), round((region.x + region.width) * width)
            yield window, self.pixels[top : max(bottom, top + 1), left : max(right, left + 1)]

    def place(self, window: Window) -> Region:
        """Return the region of the picture that a window covers, in fractions of the width and the height."""
        rows, columns = self.shape
        x, y = window.left / columns, window.top / rows
        return Region(x, y, window.right / columns - x, window.bottom / rows - y, relative=True)


@dataclass(frozen=True, eq=False)
class ScoredWindows:
    """The windows of a file and their vectors (n, dim)."""

    modality: Modality
    view: Picture | Line
    windows: Sequence[Window]
    vectors: Floats


def score_windows(
    model: OmniBind, decoded: Decoded, batch: int, stopped: Callable[[], bool] = lambda: False
) -> ScoredWindows:
    """Embed the windows of a file that was decoded in blocks (`in_blocks`), so that any query can be located in it.

    Calls `stopped` before each `batch` of windows.

    Raises:
        QueryError: the file is a 3D model.
        MediaError: the file cannot be read, or lasts longer than its header says.
        StoppedError: `stopped()` became true.
    """
    modality = decoded.info.modality
    if modality not in LOCATED:
        raise QueryError(f"locate cannot search inside a file of {modality}: give one of {', '.join(LOCATED)}")
    view: Picture | Line = Picture(_pixels(decoded)) if modality is Modality.IMAGE else Line(decoded)
    laid: list[Window] = []
    rows: list[Floats] = []
    for looks in _batches(view.looks(), batch):
        if stopped():
            raise StoppedError("the query was stopped before the end of the file was reached")
        if decoded.info.duration is not None and len(laid) > 2 * MOST:
            raise MediaError(Reason.TOO_LARGE, f"lasts longer than the {decoded.info.duration} seconds that it says")
        laid += [window for window, _ in looks]
        rows.append(model.encode(modality, [content for _, content in looks], Role.DOCUMENT))
    return ScoredWindows(modality, view, laid, np.concatenate(rows))


def _pixels(decoded: Decoded) -> Pixels:
    (piece,) = decoded.pieces
    return np.asarray(piece.content, np.uint8)


def _batches(looks: Looks, size: int) -> Iterator[list[tuple[Window, Content]]]:
    while batch := list(islice(looks, size)):
        yield batch


def _extent(content: Content, duration: float | None) -> float:
    if isinstance(content, str):
        return float(len(content))
    return content.seconds if isinstance(content, Waveform) else duration or BLOCK_SECONDS


def _thin(content: Content) -> Content:
    return Clip(_spread(content.frames, FRAMES_OF_A_BLOCK), content.sound) if isinstance(content, Clip) else content


def _spread(frames: Pixels, count: int) -> Pixels:
    """Return up to `count` of the frames (n, height, width, 3), evenly spaced."""
    spread: Pixels = frames[np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(int)]
    return spread


def _join(blocks: Sequence[Content]) -> Content:
    """Concatenate neighbouring blocks of one file."""
    if isinstance(blocks[0], str):
        return "".join(block for block in blocks if isinstance(block, str))
    sounds = [block.sound if isinstance(block, Clip) else block for block in blocks]
    heard = [sound for sound in sounds if isinstance(sound, Waveform)]
    sound = Waveform(_samples(heard), heard[0].rate) if heard else None
    frames = [block.frames for block in blocks if isinstance(block, Clip)]
    if frames:
        return Clip(_spread(np.concatenate(frames), FRAMES_OF_A_WINDOW), sound)
    assert sound is not None
    return sound


def _samples(sounds: Sequence[Waveform]) -> Floats:
    return np.concatenate([sound.samples for sound in sounds])
