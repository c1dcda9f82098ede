"""Rows of points in Parquet files, by pyarrow of the extra `parquet`. Fields of any depth are JSON text."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from omnisearch.errors import NotReadyError, UsageError

AS_JSON = ("meta", "metadata", "readings")
BATCH_ROWS = 256


class Writer:
    """A Parquet file that is written in batches.

    Raises:
        NotReadyError: pyarrow is not installed.
    """

    def __init__(self, path: Path, vectors: bool) -> None:
        arrow = _arrow()
        texts, numbers = arrow.list_(arrow.string()), arrow.list_(arrow.float32())
        kinds = {
            **dict.fromkeys(("id", "item_id", "modality", "path", "mime", "unit", "part"), arrow.string()),
            **dict.fromkeys(("snippet", "passage", "model", *AS_JSON), arrow.string()),
            **dict.fromkeys(("size", "segment", "segments"), arrow.int64()),
            **dict.fromkeys(("mtime", "added", "duration", "start", "end"), arrow.float64()),
            **dict.fromkeys(("tags", "names", "has", "languages", "notes"), texts),
        }
        if vectors:
            one = arrow.struct({"space": arrow.string(), "modality": arrow.string(), "vector": numbers})
            kinds |= {"vector": numbers, "text_vector": numbers, "embeddings": arrow.list_(one)}
        self._arrow, self._schema = arrow, arrow.schema(kinds)
        self._file = _parquet().ParquetWriter(path, self._schema, compression="zstd")

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows."""
        plain = [row | {name: json.dumps(row[name], ensure_ascii=False) for name in AS_JSON} for row in rows]
        self._file.write_table(self._arrow.Table.from_pylist(plain, schema=self._schema))

    def close(self) -> None:
        """Write the end of the file."""
        self._file.close()


def read_rows(path: Path) -> Iterator[str]:
    """Yield each row as JSON text.

    Raises:
        NotReadyError: pyarrow is not installed.
        UsageError: it is no Parquet file, or a field is no JSON text.
    """
    arrow = _arrow()
    try:
        with _parquet().ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                for row in batch.to_pylist():
                    yield json.dumps(row | {name: json.loads(row[name]) for name in AS_JSON if row.get(name)})
    except (arrow.ArrowException, OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no Parquet file of `omnisearch export`: {error}") from None


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        raise NotReadyError("Parquet needs pyarrow: install the extra `parquet`, or use `--format jsonl`") from None
    return pyarrow


def _parquet() -> Any:
    from pyarrow import parquet

    return parquet
