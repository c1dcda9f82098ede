"""Dry run: what a run would do with each file. Opens and writes no file."""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import NoIndexError, Reason, reason_message
from omnisearch.media.versions import fingerprint
from omnisearch.paths import show_path
from omnisearch_indexer.globs import ALL, Globs
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import FileRow
from omnisearch_indexer.open_manifest import open_manifest
from omnisearch_indexer.report import Outcome, Report
from omnisearch_indexer.roots import changed_places
from omnisearch_indexer.scan import Choices, ScanResult, scan
from omnisearch_indexer.session import find_roots, make_walk


class ChangeKind(StrEnum):
    """What a run would do with a file."""

    NEW = "new"
    CHANGED = "changed"
    MOVED = "moved"  # as far as its inode tells; the run compares the content
    AGAIN = "again"  # an earlier run did not read it, or another decoder did
    REMOVED = "removed"
    REFUSED = "refused"


@dataclass(frozen=True)
class FileChange:
    """One file that a run would not leave as it is, or that it cannot index.

    `before` is the path from which a file was moved. `reason` and `detail` are those of a refused file; `is_known` if
    the index has it with this reason already.
    """

    path: str
    kind: ChangeKind
    before: str = ""
    reason: Reason | None = None
    detail: str = ""
    is_known: bool = False

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        message = "" if self.reason is None else reason_message(self.reason, self.detail)
        note = f"from {show_path(self.before)}" if self.before else message
        return {"path": show_path(self.path), "change": self.kind, "reason": self.reason, "note": note}


@dataclass(frozen=True)
class DryRun:
    """What a run would do. `files` are in the order of their paths; unchanged files are left out."""

    report: Report
    files: Sequence[FileChange]


def dry_run_files(
    paths: Sequence[Path],
    settings: Settings,
    retry_failed: bool = False,
    hidden: bool = False,
    prune: bool = False,
    globs: Globs = ALL,
    within: Sequence[str] = (),
    folders: dict[str, int] | None = None,
    stop: threading.Event | None = None,
) -> DryRun:
    """Tell what `index_files` would do. Files that it would read are `pending` in the report.

    `folders` gets the inodes of the folders that were listed.

    Raises:
        UsageError: a path does not exist, and nothing below it is indexed.
        DamageError: the manifest is damaged or lost.
    """
    roots = changed_places(paths, within) if within else find_roots(paths, settings)
    with ExitStack() as stack:
        manifest: Manifest | None = None
        with suppress(NoIndexError):
            # A watch checked the manifest when it began. For a few places, the check would take longer than the rest.
            manifest = stack.enter_context(closing(open_manifest(settings, checked=bool(within))))
        walk = make_walk(roots, settings, hidden, globs, within)
        walk.folders = folders
        choices = Choices(retry_failed, prune)
        found = scan(walk, roots.missing, manifest, fingerprint(settings), choices, stop or threading.Event())
        found.report.partly_read = manifest.count_partly_read(roots.present) if manifest is not None else 0
        files = sorted(_changes(found, manifest), key=lambda file: os.fsencode(file.path))
    found.report.outcomes[Outcome.PENDING] = len(found.todo)
    found.report.removed = sum(row.item_id is not None for row in found.deleted)
    found.report.check()
    return DryRun(found.report, files)


def _changes(found: ScanResult, manifest: Manifest | None) -> Iterator[FileChange]:
    gone = {row.signature._replace(ctime_ns=0): row for row in found.deleted if row.item_id is not None}
    moved: set[str] = set()
    for reading in found.todo:
        row = None if manifest is None else manifest.file(reading.path)
        before = gone.get(reading.signature._replace(ctime_ns=0))
        if row is None and before is not None and before.path not in moved:
            moved.add(before.path)
            yield FileChange(reading.path, ChangeKind.MOVED, before.path)
        elif row is None:
            yield FileChange(reading.path, ChangeKind.NEW)
        elif not row.signature.matches(reading.signature):
            yield FileChange(reading.path, ChangeKind.CHANGED)
        else:
            yield FileChange(reading.path, ChangeKind.AGAIN, reason=row.reason, detail=row.detail)
    yield from (FileChange(row.path, ChangeKind.REMOVED) for row in found.deleted if row.path not in moved)
    for row in found.refused:
        yield _refused(row, None if manifest is None else manifest.file(row.path))
    yield from (_refused(row, row) for row in found.failed)


def _refused(row: FileRow, known: FileRow | None) -> FileChange:
    assert row.reason is not None
    is_known = known is not None and (known.reason, known.detail) == (row.reason, row.detail)
    return FileChange(row.path, ChangeKind.REFUSED, reason=row.reason, detail=row.detail, is_known=is_known)
