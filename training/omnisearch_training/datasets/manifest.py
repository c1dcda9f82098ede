"""Manifests: records in JSON lines, or in a Parquet table with the same fields."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnisearch.errors import NotReadyError, UsageError
from omnisearch.types import Modality
from omnisearch_training.datasets.base import Record
from omnisearch_training.datasets.split import Split, split_of

TABLE = ".parquet"  # every other suffix means JSON lines
FIELDS = ("id", "captions", "source_id", "split", "licence", *map(str, Modality))
ROWS = 4096  # of a table in memory at once


@dataclass(frozen=True)
class Dataset:
    """A fetched dataset, or a user's own: an iterable of the records of a file.

    A record has an `id` and `captions`, a list of texts whose first is the plain name. `image`, `audio`, `video` and
    `point_cloud` are paths relative to the file; `source_id`, `split` and `licence` are optional too.
    """

    name: str
    manifest: Path

    def __iter__(self) -> Iterator[Record]:
        """Yield every record in the order of the manifest.

        Raises:
            NotReadyError: there is no manifest, so the dataset was not fetched.
            UsageError: a line or row is not a record, or the file is not a table; names the file and the line.
        """
        if not self.manifest.is_file():
            raise NotReadyError(f"dataset {self.name} is not on this machine; run: omnisearch train fetch {self.name}")
        for place, row in (_table if self.manifest.suffix == TABLE else _lines)(self.manifest):
            try:
                record = _record(json.loads(row) if isinstance(row, str) else row, self.manifest.parent)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise UsageError(f"{self.manifest}, {place} is not a record: {error}") from None
            yield record

    def split(self, split: Split) -> Iterator[Record]:
        """Yield the records of one split."""
        return (record for record in self if record.split is split)


def record_line(record: Record, folder: Path) -> str:
    """Write a record as one line of a manifest in `folder`; paths become relative to it."""
    row = {
        "id": record.id,
        "source_id": record.source_id,
        "split": str(record.split),
        "captions": list(record.captions),
        "licence": record.licence,
        **{str(modality): _relative(path, folder) for modality, path in record.files.items()},
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def _relative(path: Path, folder: Path) -> str:
    # Relative, so that the cache can be moved as a whole.
    return Path(os.path.relpath(path, folder)).as_posix()


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                yield f"line {number}", line
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not in UTF-8, after line {number}: {error}; save it as UTF-8") from None


def _table(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Read a table a few rows at a time; an empty cell means that the record lacks the field."""
    from pyarrow import ArrowException, parquet

    number = 0
    try:
        with parquet.ParquetFile(path) as table:
            for batch in table.iter_batches(
                ROWS, columns=[name for name in table.schema_arrow.names if name in FIELDS]
            ):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", {name: value for name, value in row.items() if value is not None}
    except (OSError, ArrowException) as error:
        raise UsageError(f"{path} cannot be read as a Parquet table: {error}") from None


def _record(row: Mapping[str, Any], folder: Path) -> Record:
    captions = row["captions"]
    if not isinstance(captions, list) or not captions or not all(isinstance(text, str) and text for text in captions):
        raise ValueError(f"captions must be a list of one or more texts, not {captions!r}")
    key = str(row["id"])
    source = str(row.get("source_id", key))
    return Record(
        id=key,
        source_id=source,
        split=Split(row["split"]) if "split" in row else split_of(source),
        captions=tuple(captions),
        files={modality: folder / row[modality] for modality in Modality if modality in row},
        licence=str(row.get("licence", "")),
    )
