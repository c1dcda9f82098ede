"""Export: write the points of an index as rows of JSON lines or Parquet, for other programs and for `import`."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from omnisearch.config import Settings
from omnisearch.durable import written_aside
from omnisearch.errors import UsageError
from omnisearch.meter import SILENT, Meter
from omnisearch.stores.base import Point
from omnisearch.stores.catalog import nothing_indexed, open_current
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.lock import pause_index
from omnisearch.types import Floats
from omnisearch_indexer import parquet_rows
from omnisearch_indexer.manifest import MANIFEST_FILE
from omnisearch_indexer.open_manifest import open_manifest
from omnisearch_indexer.point_row import row_of
from omnisearch_indexer.storage_errors import named_faults

BATCH_POINTS = 512
RowFormat = Literal["jsonl", "parquet"]


def export_points(
    settings: Settings, target: Path, row_format: RowFormat, vectors: bool = False, meter: Meter = SILENT
) -> int:
    """Write a row per point to a new file, and return their number. `meter` receives the points.

    With `vectors`, rows also have the vector, the text vector and the embeddings in every space. A process that indexes
    pauses meanwhile.

    Raises:
        NoIndexError: nothing was indexed yet.
        UsageError: the file exists.
        NotReadyError: Parquet is asked for, and pyarrow is not installed.
    """
    if not (settings.index_dir / MANIFEST_FILE).exists():
        raise nothing_indexed(settings)
    if target.exists():
        raise UsageError(f"{target} exists: name a new file")
    with named_faults(target), ExitStack() as stack:
        aside = stack.enter_context(written_aside(target))
        made: parquet_rows.Writer | _Lines
        made = parquet_rows.Writer(aside, vectors) if row_format == "parquet" else _Lines(aside)
        write = stack.enter_context(closing(made)).write
        stack.enter_context(pause_index(settings.index_dir))
        return _write_rows(settings, write, vectors, meter)


class _Lines:
    """A file of JSON lines."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows."""
        for row in rows:
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _write_rows(
    settings: Settings, write: Callable[[Sequence[dict[str, Any]]], None], vectors: bool, meter: Meter
) -> int:
    with (
        closing(open_manifest(settings)) as manifest,
        closing(open_current(settings)) as store,
        closing(SpaceEmbeddingStore(settings.index_dir / EMBEDDINGS_DIRECTORY)) as raw,
    ):
        items, model = {item.id for item in manifest.items()}, manifest.meta().get("fingerprint", "")
        meter.start(manifest.segments())
        points = (point for point in store.scroll(with_vectors=vectors) if point.payload.item_id in items)
        count = 0
        while batch := list(islice(points, BATCH_POINTS)):
            rows = [row_of(point) | {"model": model} for point in batch]
            if vectors:
                for row, more in zip(rows, _vectors(batch, raw), strict=True):
                    row |= more
            write(rows)
            count += len(batch)
            meter.advance(len(batch))
        return count


def _vectors(points: Sequence[Point], raw: SpaceEmbeddingStore) -> Iterator[dict[str, Any]]:
    """Yield the fields with the vectors of each point; damaged embeddings are left out."""
    embeddings: list[list[dict[str, Any]]] = [[] for _ in points]
    for space, modality in raw.spaces():
        rows, present = raw.get(space, modality, [point.id for point in points])
        for found, row, there in zip(embeddings, rows, present, strict=True):
            if there:
                found.append({"space": space, "modality": str(modality), "vector": _numbers(row)})
    for point, found in zip(points, embeddings, strict=True):
        text = None if point.text_vector is None else _numbers(point.text_vector)
        yield {"vector": _numbers(point.vector), "text_vector": text, "embeddings": found}


def _numbers(row: Floats) -> list[float]:
    """Return numbers with as few digits as give the same float32 again."""
    return [float(str(number)) for number in row]
