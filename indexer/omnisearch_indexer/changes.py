"""Changes: the paths that changed, until nothing changes them any more."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from omnisearch_indexer.walk import Signature

QUIET_SECONDS = 2.0  # a path waits so long after its last change: programs write files in many steps
LONGEST_SECONDS = 60.0  # a path waits at most so long, as a log that is written all the time
MOST_PATHS = 10_000  # bounds the memory


@dataclass
class _Change:
    """One path. Times are on the monotonic clock; `signature` is None while there is no such file."""

    first: float
    last: float
    signature: Signature | None


class Changes:
    """Paths that wait. Safe to use from several threads.

    Above MOST_PATHS the single paths are dropped, and all of the roots counts as changed.
    """

    def __init__(
        self,
        find_signature: Callable[[str], Signature | None],
        clock: Callable[[], float] = time.monotonic,
        quiet_seconds: float = QUIET_SECONDS,
    ) -> None:
        self._find_signature, self._clock, self._quiet_seconds = find_signature, clock, quiet_seconds
        self._lock = threading.Lock()
        self._waiting: dict[str, _Change] = {}
        self._all: _Change | None = None

    def note(self, path: str) -> None:
        """Note that a path has changed, appeared or gone."""
        now, signature = self._clock(), self._find_signature(path)
        with self._lock:
            if self._all is not None:
                self._note_all(now)
            elif path in self._waiting:
                self._waiting[path].last, self._waiting[path].signature = now, signature
            elif len(self._waiting) < MOST_PATHS:
                self._waiting[path] = _Change(now, now, signature)
            else:
                self._note_all(now)

    def note_all(self) -> None:
        """Note that anything may have changed."""
        with self._lock:
            self._note_all(self._clock())

    def put_back(self, paths: Sequence[str]) -> None:
        """Let paths wait that were taken and not indexed."""
        for path in paths:
            self.note(path)

    def take(self) -> Sequence[str] | None:
        """Return the paths that wait no longer, and drop them; None if anything may have changed.

        A path that is gone waits until all paths are quiet: it may have been moved to another one, and is only known to
        have moved if both are taken together.
        """
        now = self._clock()
        with self._lock:
            if self._all is not None:
                if not self._is_due(self._all, now):
                    return ()
                self._all = None
                return None
            for path, change in self._waiting.items():
                signature = self._find_signature(path) if now - change.last >= self._quiet_seconds else change.signature
                if signature != change.signature:  # written through a mapping, or found by a walk while it is written
                    change.last, change.signature = now, signature
            due = {path: change for path, change in self._waiting.items() if self._is_due(change, now)}
            restless = len(due) < len(self._waiting)
            taken = [
                path
                for path, change in due.items()
                if not restless or change.signature is not None or now - change.first >= LONGEST_SECONDS
            ]
            for path in taken:
                del self._waiting[path]
            return taken

    def _is_due(self, change: _Change, now: float) -> bool:
        return now - change.last >= self._quiet_seconds or now - change.first >= LONGEST_SECONDS

    def _note_all(self, now: float) -> None:
        self._waiting.clear()
        self._all = _Change(self._all.first if self._all else now, now, None)
