"""Import: make an index of exported rows, in an empty data directory or collection. Every row is checked.

The files are not opened. The next run of the indexer reads each once to compare its hash, and encodes nothing again.
"""

import codecs
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import FingerprintError, UsageError
from omnisearch.media.versions import fingerprint
from omnisearch.meter import SILENT, Meter
from omnisearch.stores.base import Payload, Point
from omnisearch.stores.catalog import swap
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.validation import usable
from omnisearch.types import Floats
from omnisearch_indexer import parquet_rows
from omnisearch_indexer.audit import TOLERANCE, by_modality, embeddings_of, is_unit_or_missing
from omnisearch_indexer.identity import identity_of
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.point_row import ExportRow, point_of, read_row
from omnisearch_indexer.rebuild_manifest import Salvaged, fill_manifest
from omnisearch_indexer.stage import stage_index

BATCH_POINTS = 512
MAX_LINE = 16 << 20
PARQUET = b"PAR1"


def import_points(source: Path, settings: Settings, meter: Meter = SILENT) -> tuple[int, int]:
    """Make the index of the settings from a file of `export_points` with vectors. Returns the items and the points.

    `meter` receives the bytes of JSON text that were read.

    Raises:
        UsageError: a row is malformed, has no vectors, or has a vector that its embeddings do not give.
        FingerprintError: another model made the vectors.
        ConflictError: the settings name an index that is not empty.
        ModelMissingError: the model or its weights are not on this machine.
    """
    model = OmniBind.load(settings.model, settings)
    first: dict[str, Payload] = {}
    held = Counter[str]()
    meter.start(source.stat().st_size if source.is_file() else 0)
    with stage_index(settings) as stage, closing(SpaceEmbeddingStore(stage / EMBEDDINGS_DIRECTORY)) as raw:
        rows = _read(source, model, meter)
        with swap(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint) as fresh:
            while batch := list(islice(rows, BATCH_POINTS)):
                points = [point for _, point in batch]
                _keep(batch, raw)
                _check_vectors(points, model, raw, source)
                fresh.upsert(points)
                held.update(point.payload.item_id for point in points)
                for point in points:
                    first.setdefault(point.payload.item_id, point.payload)
            wrong = [one for one in first.values() if held[one.item_id] != one.segments]
            if wrong or fresh.count() != held.total():
                what = f"segments of {wrong[0].path}" if wrong else "points"
                raise UsageError(f"{source}: {what} are missing or there twice: export it again")
            raw.flush()
        with closing(Manifest(stage / MANIFEST_FILE, create=True)) as manifest:
            manifest.claim(**identity_of(model, settings), store=settings.store_name)
            fill_manifest(manifest, list(first.values()), held, fingerprint(settings), Salvaged())
    return len(first), held.total()


def _read(source: Path, model: OmniBind, meter: Meter) -> Iterator[tuple[ExportRow, Point]]:
    """Yield the rows of a file with their points."""
    for number, line in enumerate(_lines(source), 1):
        place = f"{source}, row {number}"
        row = read_row(ExportRow, line, place)
        if row.vector is None or not row.embeddings:
            raise UsageError(f"{place} has no vectors: export with --vectors")
        if row.model != model.fingerprint:
            raise FingerprintError(
                f"{place} was made by a model of fingerprint {row.model[:12]}, not by {model.name!r} "
                f"({model.fingerprint[:12]}): choose that model with --model"
            )
        text = None if row.text_vector is None else np.asarray(row.text_vector, np.float32)
        meter.advance(len(line))
        yield row, point_of(row, np.asarray(row.vector, np.float32), text)


def _lines(source: Path) -> Iterator[str | bytes]:
    try:
        with source.open("rb") as file:
            if file.read(len(PARQUET)) != PARQUET:
                file.seek(0)
                if file.read(len(codecs.BOM_UTF8)) != codecs.BOM_UTF8:
                    file.seek(0)
                while line := file.readline(MAX_LINE):
                    yield line
                return
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from None
    yield from parquet_rows.read_rows(source)


def _keep(batch: Sequence[tuple[ExportRow, Point]], raw: SpaceEmbeddingStore) -> None:
    """Store the embeddings of points."""
    found: dict[tuple[str, str], list[tuple[str, Floats]]] = {}
    for row, _ in batch:
        for one in row.embeddings:
            vector = np.asarray(one.vector, np.float32)
            found.setdefault((one.space, one.modality), []).append((row.id, vector))
    for row, _ in batch:
        for one in row.embeddings:
            if rows := found.pop((one.space, one.modality), None):
                if len({len(vector) for _, vector in rows}) > 1:
                    raise UsageError(f"{row.path}: its embedding in {one.space} is not as wide as the others")
                raw.put(one.space, one.modality, [key for key, _ in rows], np.stack([vector for _, vector in rows]))


def _check_vectors(points: Sequence[Point], model: OmniBind, raw: SpaceEmbeddingStore, source: Path) -> None:
    """Check that the vectors are those that the embeddings give, and that their length is 1."""
    for group in by_modality(points):
        embeddings, complete = embeddings_of(group, model, raw)
        if not complete.all():
            lost = next(point for point, good in zip(group, complete, strict=True) if not good)
            raise UsageError(f"{source}: the point {lost.id} of {lost.payload.path} lacks an embedding of the model")
        for point, wanted in zip(group, model.bind(group[0].payload.modality, embeddings), strict=True):
            place, vector = f"{source}: the vector of {point.id} of {point.payload.path}", point.vector.astype(float)
            lengths = np.linalg.norm(wanted) * (length := np.linalg.norm(vector))
            fits = vector.shape == wanted.shape and usable(wanted)
            if not fits or not vector @ wanted > (1 - TOLERANCE) * lengths:
                raise UsageError(f"{place} is not what its embeddings give")
            if abs(length - 1) > TOLERANCE:
                raise UsageError(f"{place} has the length {length:.3g}, and not 1")
            if not is_unit_or_missing(point.text_vector):
                raise UsageError(f"{place} has a text vector whose length is not 1")
