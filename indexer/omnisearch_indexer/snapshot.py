"""Snapshots: write an index as one verifiable folder, also while it is indexed, and list such folders."""

import fcntl
import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omnisearch import __version__
from omnisearch.config import Settings
from omnisearch.durable import replace_file, sync
from omnisearch.errors import BusyError, OmnisearchError, UsageError
from omnisearch.meter import SILENT, Meter
from omnisearch.stores.base import VectorStore
from omnisearch.stores.catalog import open_current
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.lock import pause_index
from omnisearch.stores.row_file import ROW, RowFile
from omnisearch.stores.validation import check_space
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.open_manifest import open_manifest
from omnisearch_indexer.point_row import row_of
from omnisearch_indexer.snapshot_folder import (
    EMBEDDINGS,
    MANIFEST,
    POINTS,
    SNAPSHOT_FILE,
    TEXT_VECTORS,
    VECTORS,
    SnapshotIndex,
    copy_checked,
    describe_file,
    is_partial,
    is_snapshot,
    read_index,
)
from omnisearch_indexer.storage_errors import named_faults

FOLDER = "snapshots"
CHUNK = 1 << 24


def create_snapshot(
    settings: Settings, folder: Path | None = None, meter: Meter = SILENT
) -> tuple[Path, SnapshotIndex]:
    """Write the index of the settings to a new folder, by default one below `snapshots` in the data directory.

    A process that indexes pauses while the manifest and the points are read. `meter` receives the points. The folder
    appears when it is complete and durable. If writing fails, or if SIGINT or SIGTERM ends it, nothing is left. Returns
    the path of the snapshot and its index.

    Raises:
        NoIndexError: nothing was indexed yet.
        UsageError: the folder exists.
        BusyError: another process writes the index and does not pause, such as a repair, or writes this folder.
        StoreError: the disk is full or failing, or the index is damaged.
    """
    open_manifest(settings, checked=True).close()  # raises if there is none
    now = datetime.now(UTC)
    target = (folder or settings.data_dir / FOLDER / f"{settings.collection}-{now:%Y%m%d-%H%M%S}").absolute()
    if target.exists():
        raise UsageError(f"{target} exists: name a new folder")
    with named_faults(target), _interrupted_by_sigterm(), _written_aside(target) as partial:
        check_space(partial)
        index = _write(settings, partial, now, meter)
    return target, index


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Raise KeyboardInterrupt in the block when SIGTERM arrives: by default it ends the process without a cleanup."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _written_aside(target: Path) -> Iterator[Path]:
    """Yield a folder beside `target`, which gets that name when the block succeeds, and is removed when it fails.

    Partial folders that killed processes left beside it are removed.
    """
    for left in target.parent.glob(".*.partial"):
        if is_partial(left):
            remove_partial(left)
    partial = target.with_name(f".{target.name}.partial")
    if not remove_partial(partial):
        raise BusyError(f"another process is writing {target}: wait for it, or name another folder")
    partial.mkdir(parents=True)
    held = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)  # tells `remove_partial` that it is being written
        yield partial
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    finally:
        os.close(held)
    sync(target.parent)


def remove_partial(folder: Path) -> bool:
    """Remove what a process that was killed left of a snapshot. Returns False if a process is writing it."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return True
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True


def check_snapshot(folder: Path) -> SnapshotIndex:
    """Compare every file of a snapshot with its size and hash.

    Raises:
        UsageError: it is no snapshot, or a file differs; names it.
    """
    index = read_index(folder)
    copy_checked(folder, index, None)
    return index


def list_snapshots(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the snapshots in a folder, in order of name. `problem` says why one cannot be used.

    Other folders are left out. Hashes are not checked.
    """
    places = sorted(folder.iterdir()) if folder.is_dir() else []
    for place in places:
        if place.name.startswith(".") or not is_snapshot(place):
            continue
        row: dict[str, Any] = {"name": place.name, "path": str(place), "problem": ""}
        try:
            yield row | summary(read_index(place))
        except OmnisearchError as error:
            yield row | {"problem": str(error)}


def summary(index: SnapshotIndex) -> dict[str, Any]:
    """Return the fields of a snapshot that users see."""
    return {**index.model_dump(exclude={"files", "format"}), "files": len(index.files), "bytes": index.bytes}


def _write(settings: Settings, folder: Path, now: datetime, meter: Meter) -> SnapshotIndex:
    (folder / EMBEDDINGS).mkdir()
    with ExitStack() as stack:
        with pause_index(settings.index_dir):
            manifest = stack.enter_context(closing(Manifest(settings.index_dir / MANIFEST_FILE)))
            manifest.copy(folder / MANIFEST)
            raw = stack.enter_context(closing(SpaceEmbeddingStore(settings.index_dir / EMBEDDINGS_DIRECTORY)))
            # Opened now, so a later `compact` does not take them away.
            rows = [
                (table, stack.enter_context(table.path.open("rb"))) for table in raw.copy_index(folder / EMBEDDINGS)
            ]
            with closing(open_current(settings)) as store:
                points = _write_points(store, manifest, folder, meter)
                dim = store.dim
        for table, file in rows:
            _copy_rows(table, file, folder / EMBEDDINGS / table.path.name)
        meta = manifest.meta()
        index = SnapshotIndex(
            format=1,
            omnisearch=__version__,
            created=now.isoformat(timespec="seconds"),
            collection=settings.collection,
            model=meta.get("model", ""),
            dim=dim,
            fingerprint=meta.get("fingerprint", ""),
            items=sum(items for items, _ in manifest.modalities().values()),
            points=points,
            files={
                path.relative_to(folder).as_posix(): describe_file(path)
                for path in sorted(folder.rglob("*"))
                if path.is_file()
            },
        )
    sync(folder / EMBEDDINGS)
    replace_file(folder / SNAPSHOT_FILE, index.model_dump_json(indent=1))
    return index


def _write_points(store: VectorStore, manifest: Manifest, folder: Path, meter: Meter) -> int:
    """Write the points of the items of the manifest, and return their number."""
    items = {item.id for item in manifest.items()}
    meter.start(manifest.segments())
    count = 0
    with (
        (folder / POINTS).open("w", encoding="utf-8") as lines,
        (folder / VECTORS).open("wb") as vectors,
        (folder / TEXT_VECTORS).open("wb") as texts,
    ):
        for point in store.scroll(with_vectors=True):
            if point.payload.item_id not in items:
                continue
            row = row_of(point) | {"has_text_vector": point.text_vector is not None}
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            vectors.write(point.vector.astype(ROW).tobytes())
            if point.text_vector is not None:
                texts.write(point.text_vector.astype(ROW).tobytes())
            count += 1
            meter.advance(1)
    return count


def _copy_rows(table: RowFile, file: Any, place: Path) -> None:
    left = table.size * table.dim * ROW.itemsize
    with place.open("wb") as copy:
        while left and (chunk := file.read(min(CHUNK, left))):
            copy.write(chunk)
            left -= len(chunk)
