"""Decode the packets of a container. Damaged packets are skipped and counted; the rest of the file is read."""

from collections.abc import Iterator
from typing import Any

from av.error import FFmpegError

MAX_BREAKS = 16  # reading continues after this many places with invalid data
_MISSING_SECONDS, _MISSING_SHARE = 0.5, 0.02  # headers round the duration; a smaller gap is not a missing end


class Packets:
    """The frames of some streams of a container, in the order of their packets; iterate once.

    `read` counts the packets with data, `skipped` the packets that could not be decoded, and `breaks` the places where
    the data between two packets were damaged.
    """

    def __init__(self, container: Any, *streams: Any) -> None:
        self._container, self._streams = container, streams
        self.read = self.skipped = self.breaks = 0

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Yield (stream, frame)."""
        while self.breaks < MAX_BREAKS:
            try:
                for packet in self._container.demux(*self._streams):
                    yield from self._frames(packet)
                return
            except FFmpegError as error:
                _raise_if_memory(error)
                self.breaks += 1
        for stream in self._streams:
            for frame in _flushed(stream):
                yield stream, frame

    def notes(self, end: float, duration: float | None) -> list[str]:
        """Describe the missing parts of a file of `duration` seconds that was decoded up to `end`; empty if none."""
        notes = []
        if self.skipped:
            notes.append(f"partly read: {self.skipped} of {self.read} packets are damaged and were skipped")
        if duration is not None and duration - end > max(_MISSING_SECONDS, _MISSING_SHARE * duration):
            notes.append(f"partly read: {end:.1f} of {duration:.1f} seconds; the rest is missing or damaged")
        return notes

    def _frames(self, packet: Any) -> Iterator[tuple[Any, Any]]:
        if packet.size == 0 and packet.pts is not None:
            return  # Theora repeats a picture with an empty packet; a decoder takes it for the end of the stream
        self.read += packet.size > 0
        try:
            frames = packet.decode()
        except FFmpegError as error:
            _raise_if_memory(error)
            self.skipped += packet.size > 0
            return
        for frame in frames:
            yield packet.stream, frame


def _flushed(stream: Any) -> list[Any]:
    try:
        return list(stream.codec_context.decode(None))
    except FFmpegError:
        return []


def _raise_if_memory(error: FFmpegError) -> None:
    if isinstance(error, MemoryError):
        raise error
