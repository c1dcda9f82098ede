"""The scan: compare the files that the walk found with the manifest, before any file is opened."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice, takewhile
from threading import Event
from typing import TYPE_CHECKING

from omnisearch.errors import Reason
from omnisearch.paths import is_below, is_within, show_path
from omnisearch.stores.absent_folders import AbsentFolder
from omnisearch_indexer.absent import FileSystems, split_absent
from omnisearch_indexer.batch import Batch, Entry
from omnisearch_indexer.batch_log import BatchLog
from omnisearch_indexer.manifest import KnownFile, Manifest, Standing
from omnisearch_indexer.manifest_rows import FileRow, FileState
from omnisearch_indexer.report import Outcome, Report
from omnisearch_indexer.retries import MACHINE, UNREAD, is_retried
from omnisearch_indexer.todo import Todo
from omnisearch_indexer.walk import BATCH, FoundFile, Walk

if TYPE_CHECKING:
    from omnisearch_indexer.reader import FileReading

NO_LOGS: Mapping[str, BatchLog] = {}


@dataclass
class ScanResult:
    """Files `todo` must be read, `refused` files cannot be read, `deleted` files are known and no longer exist.

    `roots` are the places that were scanned. `renewed` says that the manifest has other device numbers, no ctime or an
    older decoder of unchanged files. `failed` files could not be read by an earlier run, and are not read again; those
    of unsupported formats are only counted. `logs` has the new batch log of each root whose known files were all found.
    """

    decoder: str
    roots: Sequence[str] = ()
    todo: Todo = field(default_factory=Todo)
    refused: list[FileRow] = field(default_factory=list)
    deleted: list[FileRow] = field(default_factory=list)
    failed: list[FileRow] = field(default_factory=list)
    renewed: bool = False
    logs: dict[str, BatchLog] = field(default_factory=dict)
    file_systems: FileSystems = field(default_factory=FileSystems)
    report: Report = field(default_factory=Report)

    @property
    def is_unchanged(self) -> bool:
        """Whether no file must be read, recorded or removed."""
        return not (len(self.todo) or self.refused or self.deleted)


@dataclass(frozen=True)
class Choices:
    """Options of the user: read failed files again; remove files that are not found, wherever they were.

    `pages` is the version in which PDFs without text are read; empty if their pages are not read.
    """

    retry_failed: bool = False
    prune: bool = False
    pages: str = ""


def scan(
    walk: Walk,
    missing: Mapping[str, str],
    manifest: Manifest | None,
    decoder: str,
    choices: Choices,
    stop: Event,
    logs: Mapping[str, BatchLog] = NO_LOGS,
) -> ScanResult:
    """Walk the roots with one `stat` per file; no file is opened. Without a manifest every file must be read.

    `missing` maps roots that cannot be reached to the reason. `logs` has the batch logs of the last run by root, unless
    the manifest has changed since.
    """
    made = ScanResult(decoder, walk.roots)
    empty: list[str] = []
    for root in walk.roots:
        scanned = _RootScan(root, manifest, made, choices, logs.get(root))
        before = made.report.seen
        for batch in walk.batches(root):
            if stop.is_set():
                return made
            scanned.add(batch)
        scanned.end()
        if made.report.seen == before:
            empty.append(root)
    made.report.links = walk.links
    if manifest is not None:
        _sort_absent(walk, empty, missing, manifest, made, choices.prune)
        made.todo.moved = {row.signature: row.item_id for row in made.deleted if row.item_id and row.signature.ctime_ns}
    return made


class _RootScan:
    """Compares the files of one root with the known ones.

    The rows come in the same order (a merge join). The rows of a batch are not read if the log of the last run has its
    digest.
    """

    def __init__(
        self, root: str, manifest: Manifest | None, made: ScanResult, choices: Choices, log: BatchLog | None
    ) -> None:
        self._root, self._manifest, self._made, self._choices = root, manifest, made, choices
        self._log, self._new, self._found_all = log or BatchLog(), BatchLog(), manifest is not None
        # All known files up to the path `_last` are compared. The record that follows in the log has the index `_next`;
        # -1 if other known files may be between both.
        self._last, self._next = b"", 0
        self._rows: Iterator[KnownFile] | None = None
        self._known: KnownFile | None = None

    def add(self, batch: Batch) -> None:
        """Sort the next entries of the walk, all of one folder."""
        digest = batch.digest(self._made.decoder) if self._manifest is not None else b""
        logged = self._log.find(digest, self._next) if digest else None
        if logged is None:
            indexed, unsupported, devices = self._compare(batch)
            self._next = -1
        else:
            if logged != self._next:
                self._pass(os.fsencode(batch.first))
            (indexed, unsupported), devices = self._log.counts(logged), batch.devices
            self._rows, self._next = None, logged + 1
        self._last = max(self._last, os.fsencode(batch.last))
        self._new.add(digest if indexed + unsupported == len(batch) else b"", indexed, unsupported)
        report, outcomes = self._made.report, self._made.report.outcomes
        report.seen += len(batch)
        outcomes[Outcome.UNCHANGED] += indexed
        outcomes[Outcome.UNSUPPORTED] += unsupported
        for device in devices:
            self._made.file_systems.note_unchanged(batch.first, device)

    def _compare(self, batch: Batch) -> tuple[int, int, set[int]]:
        """Compare entries with their rows. Return how many unchanged files are indexed and unsupported, and devices."""
        unchanged = unsupported = 0
        absent: list[bytes] = []
        devices: set[int] = set()
        rows, known = self._open_rows(), self._known
        for entry in batch.entries:
            path, status, trouble = entry
            key = os.fsencode(path)
            while known is not None and known[0] < key:
                absent.append(known[0])
                known = next(rows, None)
            if known is None or known[0] != key:
                self._sort(entry, is_known=False)
                continue
            _, mtime_ns, ctime_ns, size, inode, device, standing = known
            known = next(rows, None)
            if not (
                standing
                and status
                and not trouble
                and status.st_mtime_ns == mtime_ns
                and status.st_ctime_ns == ctime_ns
                and status.st_size == size
                and status.st_ino == inode
                and status.st_dev == device
            ):
                self._sort(entry, is_known=True)
                continue
            devices.add(device)
            if standing == Standing.INDEXED:
                unchanged += 1
            else:
                unsupported += 1
        self._known = known
        self._note_absent(absent)
        return unchanged, unsupported, devices

    def end(self) -> None:
        """Note the known files behind the last entry as absent."""
        if self._next != len(self._log) or not self._log:
            self._pass(None)
        if self._found_all:
            self._made.logs[self._root] = self._new

    def _open_rows(self) -> Iterator[KnownFile]:
        """Return the rows after those that were compared; the first of them is `_known`."""
        if self._rows is None:
            known = () if self._manifest is None else self._manifest.known(self._root, self._made.decoder, self._last)
            self._rows = iter(known)
            self._known = next(self._rows, None)
        return self._rows

    def _pass(self, end: bytes | None) -> None:
        """Note the known files before a path as absent, or all that are left."""
        rows = self._open_rows()
        rest = rows if self._known is None else chain((self._known,), rows)
        before = (row[0] for row in takewhile(lambda row: end is None or row[0] < end, rest))
        while absent := list(islice(before, BATCH)):
            self._note_absent(absent)

    def _note_absent(self, paths: Sequence[bytes]) -> None:
        if paths and self._manifest is not None:
            self._manifest.note_absent(paths)
            self._found_all = False

    def _sort(self, entry: Entry, is_known: bool) -> None:
        made, manifest, found = self._made, self._manifest, FoundFile.of(entry)
        # A folder that could not be listed comes behind its place in the order.
        row = manifest.file(found.path) if manifest is not None and (is_known or found.reason is not None) else None
        if found.reason is not None:
            if manifest is not None and row is not None:
                manifest.note_present(found.path)
            refused = refuse(found, row, found.reason, found.detail, made.decoder)
            (made.failed if refused == row else made.refused).append(refused)
            made.report.fail(found.reason)
        elif row is None or not row.signature.matches(found.signature):
            made.todo.add(found.path, found.signature)
        else:
            self._sort_unchanged(found, row)

    def _sort_unchanged(self, found: FoundFile, row: FileRow) -> None:
        """Sort a known file whose content is unchanged."""
        made, choices, manifest = self._made, self._choices, self._manifest
        made.file_systems.note_unchanged(found.path, row.signature.device)
        is_current = _is_current(row, manifest, made.decoder)
        if manifest is not None and is_current and (row.signature, row.decoder) != (found.signature, made.decoder):
            manifest.note_renewed(found, made.decoder)
            made.renewed = True
        if not is_current:
            made.todo.add(found.path, found.signature)
        elif row.reason is None:
            made.report.outcomes[Outcome.UNCHANGED] += 1
        elif row.state is FileState.FAILED and (choices.retry_failed or _has_unread_pages(row, choices)):
            made.todo.add(found.path, found.signature)
        elif is_retried(row.reason, row.attempts):
            made.todo.add(found.path, found.signature, row.attempts + 1 if row.reason in MACHINE else 1)
        else:
            made.failed.append(row)
            made.report.fail(row.reason)


def _has_unread_pages(row: FileRow, choices: Choices) -> bool:
    if not choices.pages:
        return False
    from omnisearch_indexer.unread_pages import has_unread_pages

    return has_unread_pages(row, choices.pages)


def _is_current(row: FileRow, manifest: Manifest | None, decoder: str) -> bool:
    """Whether this decoder would give the same outcome. It may read a file that an older version could not."""
    if row.decoder == decoder:
        return True
    item = manifest.item(row.item_id) if manifest is not None and row.item_id is not None else None
    return item is not None and item.is_current(decoder)


def refuse(
    found: "FoundFile | FileReading",
    before: FileRow | None,
    reason: Reason,
    detail: str,
    decoder: str,
    attempt: int = 1,
) -> FileRow:
    """Return the row of a file that failed with this reason. A file that could not be opened keeps its item."""
    if before is not None and before.item_id is not None and reason in UNREAD:
        return replace(before, reason=reason, detail=detail)
    return FileRow(found.path, found.signature, decoder, None, reason, detail, attempt)


def _sort_absent(
    walk: Walk, empty: Sequence[str], missing: Mapping[str, str], manifest: Manifest, made: ScanResult, prune: bool
) -> None:
    """Sort the known files that the walk did not find into deleted and kept.

    Files below unread folders stay, and so do files below skipped ones, such as the indexed uploads of the API, and
    files that only the globs of this run leave out.
    """
    for root in walk.roots:
        apart = [*walk.unread, *missing, *(folder for folder in walk.skip if is_below(folder, root))]
        rows = (row for row in manifest.absent(root) if not any(is_within(row.path, top) for top in apart))
        if prune:
            made.deleted += rows
            continue
        rows = (row for row in rows if not walk.spares(row.path, root))
        # A root without files may be one that is not mounted, but not a place that was seen to change.
        deleted, kept = split_absent(rows, root, root in empty and not walk.within, made.file_systems)
        made.deleted += deleted
        made.report.kept += kept
    for root, why in missing.items():
        manifest.note_absent_root(root, [each for each in walk.roots if is_below(each, root)])
        if prune:
            made.deleted += manifest.absent(root)
        elif files := sum(row.item_id is not None for row in manifest.absent(root)):
            made.report.kept.append(AbsentFolder(show_path(root), files, why))
