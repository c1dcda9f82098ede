"""Batches of the walk: files of one folder with their `stat`s, in the order of the bytes of their paths."""

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
_FACTS = attrgetter("st_mode", "st_mtime_ns", "st_ctime_ns", "st_size", "st_ino", "st_dev")
_MODE, _DEVICE = itemgetter(0), itemgetter(5)
# Later versions write equal values in different ways.
_MARSHAL_VERSION = 2


class Batch:
    """Some entries of one folder; `is_regular` says that all are regular files.

    A run spends most of its time on them, so they are kept in columns.
    """

    def __init__(self, above: str, names: Sequence[str], statuses: Sequence[os.stat_result]) -> None:
        """Take the names of files in the folder `above`, which ends with a slash, or is empty for a path."""
        self._above, self._names, self._statuses = above, names, statuses
        self._facts = list(map(_FACTS, statuses))
        self._entries: list[Entry] | None = None
        self.is_regular = all(map(stat.S_ISREG, set(map(_MODE, self._facts))))

    @classmethod
    def of(cls, entries: list[Entry]) -> Self:
        """Make a batch of any entries."""
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
        """The devices of regular files."""
        return set(map(_DEVICE, self._facts))

    def digest(self, key: str) -> bytes:
        """Return a hash of a key and of all that tells whether a file has changed; empty if not all are regular."""
        if not self.is_regular:
            return b""
        told: Any = (key, self._above, self._names, self._facts)
        return blake3(marshal.dumps(told, _MARSHAL_VERSION)).digest(DIGEST_BYTES)
