"""Batch logs: what a run found in the batches of a root, so that the next one need not read the rows of their files.

A log has a record for each batch, in the order of the walk: its digest, and how many of its files are indexed and how
many have unsupported formats. The record of a batch with any other file has no digest. A log is valid as long as the
manifest has the same rows.
"""

from collections.abc import Iterator
from struct import Struct

from omnisearch_indexer.batch import DIGEST_BYTES

_RECORD = Struct(f"<{DIGEST_BYTES}sHH")
_NONE = bytes(DIGEST_BYTES)


class BatchLog:
    """The records of the batches of one root."""

    def __init__(self, records: bytes = b"") -> None:
        """Read records.

        Raises:
            ValueError: the last one is cut.
        """
        if len(records) % _RECORD.size:
            raise ValueError(f"{len(records)} bytes of records of {_RECORD.size}")
        self._records = bytearray(records)
        self._indexes: dict[bytes, int] | None = None

    def __bytes__(self) -> bytes:
        return bytes(self._records)

    def __len__(self) -> int:
        return len(self._records) // _RECORD.size

    def add(self, digest: bytes, indexed: int, unsupported: int) -> None:
        """Add the record of the next batch."""
        self._records += _RECORD.pack(digest or _NONE, indexed, unsupported)

    def find(self, digest: bytes, likely: int) -> int | None:
        """Return the index of the record with a digest; None if there is none. The index `likely` is tried first."""
        begins = likely * _RECORD.size
        if likely >= 0 and digest == self._records[begins : begins + DIGEST_BYTES]:
            return likely
        if self._indexes is None:
            self._indexes = {one: index for index, one in enumerate(self._digests()) if one != _NONE}
        return self._indexes.get(digest)

    def counts(self, index: int) -> tuple[int, int]:
        """Return the numbers of indexed and of unsupported files in the record at an index."""
        _, indexed, unsupported = _RECORD.unpack_from(self._records, index * _RECORD.size)
        return indexed, unsupported

    def _digests(self) -> Iterator[bytes]:
        return (digest for digest, _, _ in _RECORD.iter_unpack(self._records))
