"""An append-only file of float32 rows, and the CRC-32 that detects damaged rows."""

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from omnisearch.errors import StoreError
from omnisearch.types import Floats

ROW = np.dtype("<f4")
# The checksum of a row that was lost before it had one. No row matches it.
NO_CHECKSUM = -1


@dataclass(frozen=True)
class RowFile:
    """One file of `size` rows of `dim` float32 numbers. `id` is its key in the index."""

    id: int
    path: Path
    dim: int
    size: int

    def append(self, rows: Floats) -> None:
        """Write rows (n, dim) after the `size` rows; bytes after these, left by a crash, are cut off.

        Raises:
            StoreError: the file cannot be written.
        """
        try:
            with self.path.open("ab") as file:
                file.truncate(self.size * self.dim * ROW.itemsize)
                file.write(rows.astype(ROW).tobytes())
        except OSError as error:
            raise StoreError(f"{self.path} cannot be written: {error}") from error

    def map(self) -> NDArray[np.float32]:
        """Return the rows that are on the disk: fewer than `size` if the file was truncated or removed.

        Raises:
            StoreError: the file cannot be read.
        """
        try:
            there = self.path.stat().st_size // (self.dim * ROW.itemsize)
        except FileNotFoundError:
            there = 0
        except OSError as error:
            raise StoreError(f"{self.path} cannot be read: {error}") from error
        if not there or not self.size:
            return np.empty((0, self.dim), np.float32)  # an empty file cannot be mapped
        return np.memmap(self.path, dtype=ROW, mode="r", shape=(min(there, self.size), self.dim))


def undamaged(rows: Floats, at: int, checksum: int | None) -> Floats | None:
    """Return row `at` (dim,), or None if it is lost or does not match its checksum.

    A row without a checksum, as an older version wrote it, is only known to be damaged if it is not finite.
    """
    if at >= len(rows):
        return None
    row: Floats = rows[at]
    good = np.isfinite(row).all() if checksum is None else row_checksum(row) == checksum
    return row if good else None


def row_checksum(row: Floats) -> int:
    """Return the CRC-32 of the bytes of a row (dim,) as they are on the disk."""
    return zlib.crc32(np.asarray(row, ROW).tobytes())
