"""A reader that measures how long pictures and sound take."""

import time
from collections.abc import Callable, Iterable, Iterator
from threading import RLock

from omnisearch.reading.reader import Level, Reader, never
from omnisearch.types import Floats, Pixels, Reading


class TimedReader:
    """Reads like another reader. `seconds` are spent in `pictures` and in `sound`, whose decoding is part of it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = RLock()  # threads wait for each other; waiting does not count
        self.seconds = {"pictures": 0.0, "sound": 0.0}

    def read_image(
        self, pixels: Pixels, level: Level, notes: list[str], stopped: Callable[[], bool] = never
    ) -> list[Reading]:
        """See `Reader.read_image`."""
        with self._lock:
            begun = time.monotonic()
            try:
                return self._reader.read_image(pixels, level, notes, stopped)
            finally:
                self.seconds["pictures"] += time.monotonic() - begun

    def transcribe(
        self, blocks: Iterable[Floats], level: Level, notes: list[str], stopped: Callable[[], bool] = never
    ) -> Iterator[Reading]:
        """See `Reader.transcribe`."""
        with self._lock:
            begun = time.monotonic()
            try:
                yield from self._reader.transcribe(blocks, level, notes, stopped)
            finally:
                self.seconds["sound"] += time.monotonic() - begun

    def close(self) -> None:
        """See `Reader.close`."""
        self._reader.close()
