"""Read an item: decode its material in the pool of decoders, and read it in the reading process."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import Any

from omnisearch.errors import MediaError, Reason
from omnisearch.media.material.subtitles import SUFFIXES, names_beside
from omnisearch.media.material.wanted import Wanted
from omnisearch.media.pool import DecoderPool
from omnisearch.reading.reader import Level, Reader, never
from omnisearch.reading.shown import ShownText
from omnisearch.types import Decoded, Modality, Piece, Reading, Waveform

# The pictures that are read: in fast, only keyframes of a video, which are often ten seconds apart.
PICTURES: dict[Level, Wanted] = {
    "fast": Wanted("pictures", side=1280, gap=4.0, keyframes=True),
    "full": Wanted("pictures", side=2560, gap=2.0),
}
# Seconds for the pictures of one video or PDF; the rest is left out with a note.
PICTURE_SECONDS: dict[Level, float] = {"fast": 300.0, "full": 3600.0}


@dataclass(frozen=True, eq=False)
class ItemReading:
    """An item being read. Iterating `readings` may raise MediaError. `notes` are complete when it has ended."""

    readings: Iterator[Reading]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class PageReading:
    """The pages without text of a PDF being read, as `ItemReading`; a page is its number from 1 and its lines."""

    pages: Iterator[tuple[int, list[Reading]]]
    notes: list[str] = field(default_factory=list)


def read_item(
    pool: DecoderPool,
    reader: Reader,
    path: Path,
    modality: Modality,
    level: Level,
    stopped: Callable[[], bool] = never,
) -> ItemReading:
    """Read the text in an image, the speech or lyrics of a sound, or both of a video; other items give no readings.

    Subtitles are preferred over recognition. Close `readings` to stop early.

    Raises (while `readings` are read):
        MediaError: the file cannot be decoded, or the reading process died or took too long.
        StoppedError: `stopped()` became true.
    """
    work = _Work(pool, reader, path, level, stopped)
    readings: Iterator[Reading] = iter(())
    if modality is Modality.IMAGE:
        readings = work.image()
    elif modality is Modality.AUDIO:
        readings = work.speech()
    elif modality is Modality.VIDEO:
        readings = work.video()
    return ItemReading(readings, work.notes)


def read_pages(
    pool: DecoderPool, reader: Reader, path: Path, level: Level, stopped: Callable[[], bool] = never
) -> PageReading:
    """Read the pages of a PDF that have no text; a page on which nothing is found is left out.

    Raises (while `pages` are read):
        MediaError, StoppedError: as `read_item`.
    """
    work = _Work(pool, reader, path, level, stopped)
    return PageReading(work.pages(), work.notes)


class _Work:
    """One item that is read; `notes` say what is left out."""

    def __init__(
        self, pool: DecoderPool, reader: Reader, path: Path, level: Level, stopped: Callable[[], bool]
    ) -> None:
        self.notes: list[str] = []
        self._pool, self._reader, self._path, self._level, self._stopped = pool, reader, path, level, stopped

    def image(self) -> Iterator[Reading]:
        for _, readings in self._pictures():
            yield from readings

    def video(self) -> Iterator[Reading]:
        shown = ShownText()
        for piece, readings in self._pictures():
            start, end = piece.segment.start, piece.segment.end
            yield from shown.next_frame(replace(reading, start=start, end=end) for reading in readings)
        yield from shown.end()
        yield from self.speech()

    def pages(self) -> Iterator[tuple[int, list[Reading]]]:
        for piece, readings in self._pictures():
            if readings:
                yield piece.segment.index + 1, readings

    def speech(self) -> Iterator[Reading]:
        beside = names_beside(PurePosixPath(self._path.name), _names(self._path.parent))
        said = False
        for piece in self._pieces(Wanted("subtitles", beside=beside)):
            said = True
            segment = piece.segment
            yield Reading("speech", str(piece.content), segment.start, segment.end, None, 1.0, piece.snippet)
        if said:
            return
        try:
            # The decoder is opened before the reader is locked. In the other order, one thread holds the reader and
            # waits for a decoder, and another holds the decoder and waits for the reader.
            sound = self._material(Wanted("sound"))
            with closing(sound.pieces):  # type: ignore[type-var]
                yield from self._reader.transcribe(_samples(sound), self._level, self.notes, self._stopped)
        except MediaError as error:
            if error.reason is not Reason.NO_AUDIO_STREAM:
                raise

    def _pictures(self) -> Iterator[tuple[Piece, list[Reading]]]:
        limit = monotonic() + PICTURE_SECONDS[self._level]
        for count, piece in enumerate(self._pieces(PICTURES[self._level])):
            if monotonic() > limit:
                seconds = PICTURE_SECONDS[self._level]
                self.notes.append(f"partly read: {count:,} pictures in {seconds:.0f} seconds; the rest took too long")
                return
            pixels: Any = piece.content
            yield piece, self._reader.read_image(pixels, self._level, self.notes, self._stopped)

    def _pieces(self, wanted: Wanted) -> Iterator[Piece]:
        decoded = self._material(wanted)
        with closing(decoded.pieces):  # type: ignore[type-var]  # the pool's pieces hold a worker
            yield from decoded.pieces
        self.notes += decoded.notes

    def _material(self, wanted: Wanted) -> Decoded:
        # A link that replaced the file may lead anywhere.
        return self._pool.material(self._path, wanted, follow_links=False, stopped=self._stopped)


def _samples(sound: Decoded) -> Iterator[Any]:
    for piece in sound.pieces:
        if isinstance(piece.content, Waveform):
            yield piece.content.samples


def _names(folder: Path) -> tuple[str, ...]:
    """Return the names in a folder that are those of subtitles. A folder with many sounds is listed once."""
    try:
        return _listed(folder, folder.stat().st_mtime_ns)
    except OSError:
        return ()


@lru_cache(maxsize=64)
def _listed(folder: Path, mtime_ns: int) -> tuple[str, ...]:  # noqa: ARG001  # a later listing has another time
    return tuple(entry.name for entry in folder.iterdir() if entry.suffix.lower() in SUFFIXES)
