"""The files that a run must read, packed: a run may find millions."""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from struct import Struct
from typing import TYPE_CHECKING

from omnisearch_indexer.walk import Signature

if TYPE_CHECKING:
    from omnisearch_indexer.reader import FileReading

_NUMBERS = Struct("<6q")  # the signature and the number of runs; the path follows


class Todo:
    """Files to read, sorted by size in steps of a power of two, so that small files do not wait for large ones.

    A file takes some 150 bytes. `bytes` is the sum of their sizes. `moved` has the items of the files that are gone: a
    file whose folder was renamed or moved keeps its inode and its ctime, so its content is known without reading it. A
    file that is renamed itself gets another ctime, and is hashed.
    """

    def __init__(self) -> None:
        self._steps: defaultdict[int, list[bytes]] = defaultdict(list)
        self.bytes = 0
        self.moved: Mapping[Signature, str] = {}

    def add(self, path: str, signature: Signature, runs: int = 1) -> None:
        """Add a file; `runs` counts the failed runs with the unchanged file, including this one."""
        self._steps[signature.size.bit_length()].append(_NUMBERS.pack(*signature, runs) + os.fsencode(path))
        self.bytes += signature.size

    def __len__(self) -> int:
        return sum(map(len, self._steps.values()))

    def __iter__(self) -> "Iterator[FileReading]":
        from omnisearch_indexer.reader import FileReading

        for step in sorted(self._steps):
            for packed in self._steps[step]:
                *numbers, runs = _NUMBERS.unpack_from(packed)
                signature = Signature(*numbers)
                path = os.fsdecode(packed[_NUMBERS.size :])
                yield FileReading(path, signature, item_id=self.moved.get(signature, ""), runs=runs)
