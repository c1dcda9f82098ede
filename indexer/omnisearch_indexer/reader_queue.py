"""Queues between reader threads and the indexer: one queue per file, bounded by bytes.

The bound counts bytes and not messages, because a message may hold a word or a video.
"""

import threading
from collections import deque
from typing import Generic, TypeVar

from omnisearch.types import Clip, Content, PointCloud, Waveform

T = TypeVar("T")


class FileQueue(Generic[T]):
    """The messages of one file, first in, first out. Only a ReaderQueue changes it. `served` counts the bytes taken."""

    def __init__(self) -> None:
        self.messages: deque[tuple[T, int]] = deque()
        self.held = 0
        self.served = 0


class ReaderQueue(Generic[T]):
    """Holds at most `limit` bytes in all, and per file at most as many bytes as are free. One message always fits.

    So one long file fills at most half of the queue, n long files 1 / (n + 1) each, and another file always fits
    (buffer sharing with dynamic thresholds). `get` takes from the file that was served the fewest bytes, so a short
    file never waits behind a long one (least attained service first).
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._waiting: list[FileQueue[T]] = []  # the files with messages
        self._changed = threading.Condition()

    def put(self, message: T, lane: FileQueue[T], size: int = 0) -> None:
        """Add a message of `size` bytes to a file's queue; waits until it fits. A message of size 0 never waits."""
        with self._changed:
            self._changed.wait_for(lambda: not size or self._fits(lane, size))
            self._held += size
            lane.held += size
            lane.messages.append((message, size))
            if len(lane.messages) == 1:
                self._waiting.append(lane)
            self._changed.notify_all()

    def _fits(self, lane: FileQueue[T], size: int) -> bool:
        free = self._limit - self._held
        return not self._held or lane.held + size <= free

    def get(self, seconds: float, lane: FileQueue[T] | None = None) -> T | None:
        """Take the oldest message of `lane`, or of the next file. Returns None if none arrives within `seconds`."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._waiting if lane is None else lane.messages, seconds):
                return None
            lane = lane or min(self._waiting, key=lambda waiting: waiting.served)
            message, size = lane.messages.popleft()
            self._held -= size
            lane.held -= size
            lane.served += size
            if not lane.messages:
                self._waiting.remove(lane)
            self._changed.notify_all()
            return message


def content_bytes(content: Content) -> int:
    """Return the memory of a content in bytes."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, Waveform):
        return content.samples.nbytes
    if isinstance(content, Clip):
        return content.frames.nbytes + (content.sound.samples.nbytes if content.sound else 0)
    if isinstance(content, PointCloud):
        colors = 0 if content.colors is None else content.colors.nbytes
        return content.points.nbytes + colors + content.views.nbytes
    return content.nbytes
