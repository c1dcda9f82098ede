"""Batch logs: what a run found in the batches of a root, so that the next one need not read the rows of their files.

A log has a record for each batch, in the order of the walk: its digest, and how many of its files are indexed and how
many have formats that are not read. The record of a batch with any other file has no digest. A log is valid as long as
the manifest has the same rows.
"""

from collections.abc import Iterator
from struct import Struct

from omnisearch_indexer.batch import DIGEST_BYTES

_RECORD = Struct(f"<{DIGEST_BYTES}sHH")
_NONE = bytes(DIGEST_BYTES)


class BatchLog:
    """The records of the batches of one root."""

    def __init__(self, records: bytes = b"") -> None:
        self._records = bytearray(records)
        self._places: dict[bytes, int] | None = None

    def __bytes__(self) -> bytes:
        return bytes(self._records)

    def __len__(self) -> int:
        return len(self._records) // _RECORD.size

    def add(self, digest: bytes, indexed: int, unsupported: int) -> None:
        """Add the record of the next batch."""
        self._records += _RECORD.pack(digest or _NONE, indexed, unsupported)

    def find(self, digest: bytes, likely: int) -> int | None:
        """Return the place of a digest, which is likely the given one; None if there is no such batch."""
        begins = likely * _RECORD.size
        if likely >= 0 and digest == self._records[begins : begins + DIGEST_BYTES]:
            return likely
        if self._places is None:
            self._places = {one: place for place, one in enumerate(self._digests()) if one != _NONE}
        return self._places.get(digest)

    def counts(self, place: int) -> tuple[int, int]:
        """Return the numbers of indexed and of unsupported files of a batch."""
        _, indexed, unsupported = _RECORD.unpack_from(self._records, place * _RECORD.size)
        return indexed, unsupported

    def _digests(self) -> Iterator[bytes]:
        return (digest for digest, _, _ in _RECORD.iter_unpack(self._records))
