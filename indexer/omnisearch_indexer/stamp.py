"""The stamp of an index: the sizes and times of its files at the end of a run that left nothing to do.

As long as they are the same, the checks of that run hold, so the next run skips them. If that run also finds no change
below its roots, it opens neither the model nor the engine.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from blake3 import blake3

from omnisearch.binding.folder_names import CONFIG, IMPORTED, SHIPPED, TENSORS
from omnisearch.config import Settings
from omnisearch.durable import replace_file
from omnisearch.stores.folders import DIRECTORY, EMBEDDINGS_DIRECTORY
from omnisearch_indexer.batch_log import BatchLog
from omnisearch_indexer.facts_version import facts_version
from omnisearch_indexer.manifest import MANIFEST_FILE
from omnisearch_indexer.open_index import OpenIndex
from omnisearch_indexer.report import Report
from omnisearch_indexer.schema import VERSION

STAMP_FILE = "stamp.json"
# Times of files advance in steps. A file that changes within the step of its stamp would keep its time.
STEP_SECONDS = 0.02
# The engine writes these when it opens and closes a collection, the last two through memory, which changes their times
# on a disk and not on a tmpfs. Every write of a point also changes other files.
UNTIMED = frozenset({"edge_config.json", "segment.json", "flags_a.dat", "status.dat", "tracker.dat"})
UNSTAMPED_FOLDERS, UNSTAMPED_ENDS = frozenset({"wal", "__pycache__"}), (".lock", ".log", "-shm")
# The folders of this package in which spaces and towers are declared.
PACKAGE, DECLARING = SHIPPED.parent, ("binding", "samples", "spaces")
MOST_LOGS = 100  # of roots; the oldest ones are dropped


@dataclass(frozen=True)
class Stamp:
    """A stamp, with counts over the whole index: items without a reading, and files that were read in part.

    `files` is a hash of the sizes and times; `made_with` is one of the model, the settings and the versions that the
    checks depend on. Computing the version of the model takes longer than a run without changes. So `declared` is a
    hash of the same settings, and of the sizes and times of the files from which that version is computed: while it is
    the same, `made_with` is not compared. `logs` has the batch logs of roots in which the last run changed nothing, in
    hexadecimal.
    """

    made_with: str
    declared: str
    files: str
    unread: int
    partly_read: int
    logs: Mapping[str, str] = field(default_factory=dict)

    def batch_logs(self) -> dict[str, BatchLog]:
        """Return the batch logs by root."""
        return {root: BatchLog(bytes.fromhex(records)) for root, records in self.logs.items()}

    def with_logs(self, found: Mapping[str, BatchLog], rows_changed: bool) -> "Stamp":
        """Return the stamp with the batch logs of a run, which replace all earlier ones if it changed rows."""
        kept = {} if rows_changed else {root: log for root, log in self.logs.items() if root not in found}
        logs = [*kept.items(), *((root, bytes(log).hex()) for root, log in found.items())]
        return replace(self, logs=dict(logs[-MOST_LOGS:]))


def read_stamp(settings: Settings, reading: str) -> Stamp | None:
    """Return the stamp of the index if it holds for these settings and this version of the readings, else None.

    The caller holds the lock.
    """
    try:
        stamp = Stamp(**json.loads((settings.index_dir / STAMP_FILE).read_bytes()))
        stamp.batch_logs()
    except (OSError, ValueError, TypeError, AttributeError):  # it was damaged
        return None
    if stamp.files != _files(settings):
        return None
    declared = _declared(settings, reading)
    if stamp.declared != declared and stamp.made_with != _made_with(settings, reading):
        return None
    return replace(stamp, declared=declared)


def new_stamp(report: Report, index: OpenIndex, settings: Settings, reading: str) -> Stamp | None:
    """Return a stamp for `write_stamp`; None if the next run has something to check, to read or to write."""
    enriched = report.enriched
    if enriched is not None and (enriched.left or enriched.skipped or enriched.failed):
        return None
    if not index.is_complete(alone=settings.store is None):
        return None
    declared = _declared(settings, reading)
    return Stamp(_made_with(settings, reading), declared, "", report.unread, index.manifest.count_partly_read(["/"]))


def write_stamp(stamp: Stamp, settings: Settings) -> None:
    """Stamp the files as they are now. The caller holds the lock, and has closed all parts of the index."""
    stamp = replace(stamp, files=_files(settings))
    replace_file(settings.index_dir / STAMP_FILE, json.dumps(vars(stamp)), durable=False)
    time.sleep(STEP_SECONDS)


def _made_with(settings: Settings, reading: str) -> str:
    from omnisearch.binding.model_version import model_version

    model = settings.model, model_version(settings.model, settings), settings.dim, settings.license
    return _hash([*model, settings.store, reading, facts_version(), VERSION])


def _declared(settings: Settings, reading: str) -> str:
    """Return `Stamp.declared`. A model is the folder of an imported one, of a shipped one, or any: all three count."""
    asked = [settings.model, settings.dim, settings.license, settings.store, sorted(map(repr, settings.towers.items()))]
    models = (f"{settings.weights_dir}/{IMPORTED}/{settings.model}", str(SHIPPED / settings.model), settings.model)
    files = [f"{model}/{name}" for model in models for name in (CONFIG, TENSORS)]
    code = [f"{PACKAGE}/{name}" for name in DECLARING]
    return _hash([*asked, reading, facts_version(), VERSION, _states(code, files)])


def _files(settings: Settings) -> str:
    place = settings.index_dir
    alone = [f"{place}/{MANIFEST_FILE}{end}" for end in ("", "-wal")]
    return _hash(_states([f"{place}/{DIRECTORY}", f"{place}/{EMBEDDINGS_DIRECTORY}"], alone))


def _states(folders: Sequence[str], alone: Sequence[str] = ()) -> list[list[str | int]]:
    """Return the states of all files in some folders, and of single files."""
    found = list(alone)
    for folder in folders:
        for top, below, names in os.walk(folder):
            below[:] = [name for name in below if name not in UNSTAMPED_FOLDERS]
            found += (f"{top}/{name}" for name in names if not name.endswith(UNSTAMPED_ENDS))
    return sorted(state for path in found if (state := _state(path)))


def _state(path: str) -> list[str | int] | None:
    """Return what changes with a file; None for a file that is missing or empty, as an unused write-ahead log is."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    if not status.st_size:
        return None
    changing = [] if path.rpartition("/")[2] in UNTIMED else [status.st_ino, status.st_mtime_ns, status.st_ctime_ns]
    return [path, status.st_size, *changing]


def _hash(values: Sequence[object]) -> str:
    return str(blake3(json.dumps(values).encode()).hexdigest())
