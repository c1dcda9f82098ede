"""A queue between threads that is bounded by bytes, not by length: one piece may be a word or a film."""

import threading
from collections import deque
from typing import Generic, TypeVar

from omnisearch.types import Clip, Content, PointCloud, Waveform

T = TypeVar("T")


class Channel(Generic[T]):
    """First in, first out. `put` waits while more than `limit` bytes are inside; one message always fits."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._messages: deque[tuple[T, int]] = deque()
        self._changed = threading.Condition()

    def put(self, message: T, size: int = 0) -> None:
        """Add a message of `size` bytes; one without size never waits."""
        with self._changed:
            self._changed.wait_for(lambda: not size or not self._held or self._held + size <= self._limit)
            self._held += size
            self._messages.append((message, size))
            self._changed.notify_all()

    def get(self, seconds: float) -> T | None:
        """Take the oldest message, or None where none comes within `seconds`."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._messages), seconds):
                return None
            message, size = self._messages.popleft()
            self._held -= size
            self._changed.notify_all()
            return message


def content_bytes(content: Content) -> int:
    """How much memory a content holds."""
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
