"""Processor time and memory of this process with all of its descendants, from Linux's /proc.

A process whose parent has ended, such as the worker of the embedded store, belongs to the nearest process that called
`adopt_orphans`, and is counted there.
"""

import ctypes
import os
import threading
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from types import TracebackType

PR_SET_CHILD_SUBREAPER = 36
TICKS = os.sysconf("SC_CLK_TCK")
EVERY_SECONDS = 0.2


def adopt_orphans() -> None:
    """Become the parent of the descendants whose own parents end."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl cannot make this process adopt orphans")


def processes(root: int) -> list[int]:
    """Return the ids of a process and its descendants."""
    children = defaultdict[int, list[int]](list)
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                children[int(_stat(int(place.name))[1])].append(int(place.name))
    found = [root]
    for each in found:
        found += children[each]
    return found


def cpu_seconds(root: int | None = None) -> float:
    """Return the processor time of a process, this one by default, and its descendants, with those that have ended."""
    total = 0.0
    for pid in processes(root or os.getpid()):
        with suppress(OSError, IndexError):
            total += sum(int(ticks) for ticks in _stat(pid)[11:15]) / TICKS
    return total


def memory_mib(root: int | None = None, itself: bool = True) -> float:
    """Return the memory of a process, if `itself`, and its descendants; pages that several share are counted once."""
    total = 0
    for pid in processes(root or os.getpid())[0 if itself else 1 :]:
        with suppress(OSError, IndexError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
            total += int(text.partition("Pss:")[2].split()[0])
    return total / 1024


def _stat(pid: int) -> list[str]:
    """Return the fields after the name: state, parent, ..., and at 11 to 14 the user and system ticks."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


class PeakMemory:
    """The most memory in MiB that this process, if `itself`, and its descendants took inside the block."""

    def __init__(self, itself: bool = True) -> None:
        self.mib, self._itself = 0.0, itself
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def _watch(self) -> None:
        while not self._done.is_set():
            self.mib = max(self.mib, memory_mib(itself=self._itself))
            self._done.wait(EVERY_SECONDS)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
