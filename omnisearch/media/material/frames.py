"""Frames of a video to be read: few, and only those that differ visibly from the one before."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from omnisearch.media.container import check_decoder, open_container, seconds
from omnisearch.media.file import Source
from omnisearch.media.material.wanted import Wanted
from omnisearch.media.packets import Packets
from omnisearch.media.video import MAX_PIXELS, frame_pixels, moving_pictures
from omnisearch.types import Floats, Piece, Pixels, Segment

MAX_FRAMES = 5400  # three hours at one in two seconds
# A frame differs if any of 16 x 9 parts of it has changed by this much, of 255, on average.
_PARTS, _CHANGE = (16, 9), 6.0


def frames(source: Source, wanted: Wanted, notes: list[str]) -> Iterator[Piece]:
    """Yield frames with the seconds for which they are seen; nothing for a container without moving pictures.

    The first frame is at 0 seconds. After MAX_FRAMES a note says that the rest was not read.
    """
    container = open_container(source.file)
    with container:
        streams = moving_pictures(container)
        if not streams:
            return
        check_decoder(streams[0])
        if streams[0].width * streams[0].height > MAX_PIXELS:
            return
        yield from _pieces(_chosen(container, streams[0], wanted), notes)


def _pieces(chosen: Iterator[tuple[float, Pixels | None]], notes: list[str]) -> Iterator[Piece]:
    """Give each frame the time of the next one as its end; None marks the end of the video."""
    shown: tuple[float, Pixels] | None = None
    index = 0
    for time, pixels in chosen:
        if shown is not None:
            yield Piece(Segment(index, shown[0], max(time, shown[0]), "seconds"), shown[1])
            index += 1
        if index == MAX_FRAMES:
            notes.append(f"partly read: the text in the first {time:,.0f} seconds")
            return
        shown = None if pixels is None else (time, pixels)


def _chosen(container: Any, picture: Any, wanted: Wanted) -> Iterator[tuple[float, Pixels | None]]:
    picture.thread_type = "AUTO"
    picture.codec_context.thread_count = 2
    picture.codec_context.skip_frame = "NONKEY" if wanted.keyframes else "NONREF"
    origin: float | None = None
    due = time = 0.0
    before: Floats | None = None
    for _, frame in Packets(container, picture):
        if origin is None:
            origin = frame.time or 0.0
        time = max(time, (frame.time or 0.0) - origin)
        if time < due - 1e-6:
            continue
        look = _look(frame)
        if before is not None and np.abs(look - before).max() < _CHANGE:
            continue
        before, due = look, time + wanted.gap
        yield time, frame_pixels(frame, wanted.side)
    yield max(time, seconds(container) or 0.0), None


def _look(frame: Any) -> Floats:
    """The mean brightness of the parts of a frame, and how much it varies in each: letters change this one."""
    across, down = _PARTS
    gray = frame.to_ndarray(width=across * 16, height=down * 16, format="gray").astype(np.float32)
    parts = gray.reshape(down, 16, across, 16)
    look: Floats = np.stack([parts.mean(axis=(1, 3)), parts.std(axis=(1, 3))])
    return look
