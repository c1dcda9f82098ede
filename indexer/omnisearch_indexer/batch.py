"""Batches of the walk: entries of one folder with their `stat`, in the order of the bytes of their paths."""

import marshal
import os
import stat
from collections.abc import Iterator, Sequence
from operator import attrgetter, itemgetter
from typing import Any, Self, TypeAlias

from blake3 import blake3

from omnisearch.errors import Reason

# A path, its stat, and the reason and detail if it cannot be indexed. The stat is None if it failed.
Entry: TypeAlias = tuple[str, os.stat_result | None, tuple[Reason, str] | None]

DIGEST_BYTES = 16
_SIGNS = attrgetter("st_mode", "st_mtime_ns", "st_ctime_ns", "st_size", "st_ino", "st_dev")
_MODE, _DEVICE = itemgetter(0), itemgetter(5)  # of these
# From version 3 on, equal values may give different bytes, because objects that are shared are written once.
_MARSHAL_VERSION = 2


class Batch:
    """Some entries of one folder. With `is_regular`, all are regular files without trouble, which have a digest.

    A run spends most of its time on regular files, so they are kept in columns: names, stats, and signs of change.
    """

    def __init__(self, above: str, names: Sequence[str], statuses: Sequence[os.stat_result]) -> None:
        """Take the names of files in the folder `above`, which ends with a slash; if empty, they are whole paths."""
        self._above, self._names, self._statuses = above, names, statuses
        self._signs = list(map(_SIGNS, statuses))
        self._entries: list[Entry] | None = None
        self.is_regular = all(map(stat.S_ISREG, set(map(_MODE, self._signs))))

    @classmethod
    def of(cls, entries: list[Entry]) -> Self:
        """Make a batch of any entries. It has no digest."""
        made = cls("", [], [])
        made._entries, made.is_regular = entries, False
        return made

    @property
    def entries(self) -> list[Entry]:
        """The entries."""
        if self._entries is not None:
            return self._entries
        above = self._above
        return [(above + name, status, None) for name, status in zip(self._names, self._statuses, strict=True)]

    def __len__(self) -> int:
        return len(self._names) if self._entries is None else len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @property
    def first(self) -> str:
        """The first path."""
        return self._above + self._names[0] if self._entries is None else self._entries[0][0]

    @property
    def last(self) -> str:
        """The last path."""
        return self._above + self._names[-1] if self._entries is None else self._entries[-1][0]

    @property
    def devices(self) -> set[int]:
        """The numbers of the devices of regular files."""
        return set(map(_DEVICE, self._signs))

    def digest(self, key: str) -> bytes:
        """Return a hash of a key and of the paths and signs of change of all files; empty without `is_regular`."""
        if not self.is_regular:
            return b""
        hashed: Any = (key, self._above, self._names, self._signs)
        return blake3(marshal.dumps(hashed, _MARSHAL_VERSION)).digest(DIGEST_BYTES)
