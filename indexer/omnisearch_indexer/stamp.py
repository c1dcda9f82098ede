"""The stamp of an index: the sizes and times of its files at the end of a run that left nothing to do.

As long as they are the same, the checks of that run hold, so the next run skips them. If that run also finds no change
below its roots, it opens neither the model nor the engine.
"""

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from omnisearch.binding.model_version import model_version
from omnisearch.config import Settings
from omnisearch.durable import replace_file
from omnisearch.stores.catalog import DIRECTORY
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY
from omnisearch_indexer.manifest import MANIFEST_FILE
from omnisearch_indexer.open_index import OpenIndex
from omnisearch_indexer.path_labels import facts_version
from omnisearch_indexer.report import Report
from omnisearch_indexer.schema import VERSION

STAMP_FILE = "stamp.json"
# Times of files advance in steps. A file that changes within the step of its stamp would keep its time.
STEP_SECONDS = 0.02
# The engine writes these when it opens and closes a collection, the last two through memory, which changes their times
# on a disk and not on a tmpfs. Every write of a point also changes other files.
UNTIMED = frozenset({"edge_config.json", "segment.json", "flags_a.dat", "status.dat", "tracker.dat"})
UNSTAMPED_FOLDER, UNSTAMPED_ENDS = "wal", (".lock", ".log", "-shm")


@dataclass(frozen=True)
class Stamp:
    """A stamp, with counts over the whole index: items without a reading, and files that were read in part.

    `files` is a hash of the sizes and times; `made_with` is one of the model, the settings and the versions that the
    checks depend on.
    """

    made_with: str
    files: str
    unread: int
    partly_read: int


def read_stamp(settings: Settings, reading: str) -> Stamp | None:
    """Return the stamp of the index if it holds for these settings and this version of the readings, else None.

    The caller holds the lock.
    """
    try:
        stamp = Stamp(**json.loads((settings.index_dir / STAMP_FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return stamp if stamp.files == _files(settings) and stamp.made_with == _made_with(settings, reading) else None


def new_stamp(report: Report, index: OpenIndex, settings: Settings, reading: str) -> Stamp | None:
    """Return a stamp for `write_stamp`; None if the next run has something to check, to read or to write."""
    enriched = report.enriched
    if enriched is not None and (enriched.left or enriched.skipped or enriched.failed):
        return None
    if not index.is_complete(alone=settings.store is None):
        return None
    return Stamp(_made_with(settings, reading), "", report.unread, index.manifest.count_partly_read(["/"]))


def write_stamp(stamp: Stamp, settings: Settings) -> None:
    """Stamp the files as they are now. The caller holds the lock, and has closed all parts of the index."""
    stamp = replace(stamp, files=_files(settings))
    replace_file(settings.index_dir / STAMP_FILE, json.dumps(asdict(stamp)), durable=False)
    time.sleep(STEP_SECONDS)


def _made_with(settings: Settings, reading: str) -> str:
    model = settings.model, model_version(settings.model, settings), settings.dim, settings.license
    return _hash([*model, settings.store, reading, facts_version(), VERSION])


def _files(settings: Settings) -> str:
    found = [settings.index_dir / f"{MANIFEST_FILE}{end}" for end in ("", "-wal")]
    for folder in (DIRECTORY, EMBEDDINGS_DIRECTORY):
        for top, folders, names in os.walk(settings.index_dir / folder):
            folders[:] = [name for name in folders if name != UNSTAMPED_FOLDER]
            found += (Path(top, name) for name in names if not name.endswith(UNSTAMPED_ENDS))
    return _hash(sorted(state for path in found if (state := _state(path))))


def _state(path: Path) -> list[str | int] | None:
    """Return what changes with a file; None for a file that is missing or empty, as an unused write-ahead log is."""
    try:
        status = path.lstat()
    except OSError:
        return None
    if not status.st_size:
        return None
    changing = [] if path.name in UNTIMED else [status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
    return [str(path), status.st_size, *changing]


def _hash(values: Sequence[object]) -> str:
    return sha256(json.dumps(values).encode()).hexdigest()
