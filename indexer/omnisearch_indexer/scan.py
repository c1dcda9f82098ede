"""The scan: compare the files that the walk found with the manifest, before any file is opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Event

from omnisearch.errors import Reason
from omnisearch.paths import is_below, is_within, show_path
from omnisearch.stores.absent_folders import AbsentFolder
from omnisearch_indexer.absent import FileSystems, split_absent
from omnisearch_indexer.manifest import FileRow, FileState, Manifest
from omnisearch_indexer.reader import Reading
from omnisearch_indexer.report import Outcome, Report
from omnisearch_indexer.retries import MACHINE, UNREAD, is_retried
from omnisearch_indexer.walk import FoundFile, Walk

CHUNK = 1000


@dataclass
class ScanResult:
    """Files `todo` must be read, `refused` files cannot be read, `deleted` files are known and no longer exist.

    `todo` is sorted by size, in steps of a power of two, so that small files do not wait for large ones. `renewed` says
    that unchanged files have other device numbers or a missing ctime in the manifest.
    """

    decoder: str
    todo: list[Reading] = field(default_factory=list)
    refused: list[FileRow] = field(default_factory=list)
    deleted: list[FileRow] = field(default_factory=list)
    renewed: bool = False
    file_systems: FileSystems = field(default_factory=FileSystems)
    report: Report = field(default_factory=Report)


@dataclass(frozen=True)
class Choices:
    """Options of the user: read failed files again; remove files that are not found, wherever they were."""

    retry_failed: bool = False
    prune: bool = False


def scan(
    walk: Walk, missing: Mapping[str, str], manifest: Manifest | None, decoder: str, choices: Choices, stop: Event
) -> ScanResult:
    """Walk the roots with one `stat` per file; no file is opened. Without a manifest every file must be read.

    `missing` maps roots that cannot be reached to the reason.
    """
    made = ScanResult(decoder)
    met: list[FoundFile] = []
    for found in walk:
        if stop.is_set():
            break
        made.report.seen += 1
        met.append(found)
        if manifest is not None and len(met) == CHUNK:
            manifest.see(met)
            met.clear()
        _sort(found, manifest, made, choices.retry_failed)
    made.todo.sort(key=lambda reading: reading.signature.size.bit_length())
    made.report.links = walk.links
    if manifest is not None and not stop.is_set():
        manifest.see(met)
        _sort_absent(walk, missing, manifest, made, choices.prune)
    return made


def _sort(found: FoundFile, manifest: Manifest | None, made: ScanResult, retry_failed: bool) -> None:
    row = manifest.file(found.path) if manifest is not None else None
    if found.reason is not None:
        made.refused.append(refuse(found, row, found.reason, found.detail, made.decoder))
        made.report.fail(found.reason)
        return
    if row is None or not row.signature.matches(found.signature):
        made.todo.append(Reading(found.path, found.signature))
        return
    made.file_systems.note_unchanged(found.path, row.signature)
    made.renewed |= row.signature != found.signature
    if row.decoder != made.decoder:
        made.todo.append(Reading(found.path, found.signature))
    elif row.reason is None:
        made.report.outcomes[Outcome.UNCHANGED] += 1
    elif retry_failed and row.state is FileState.FAILED:
        made.todo.append(Reading(found.path, found.signature))
    elif is_retried(row.reason, row.attempts):
        runs = row.attempts + 1 if row.reason in MACHINE else 1
        made.todo.append(Reading(found.path, found.signature, runs=runs))
    else:
        made.report.fail(row.reason)


def refuse(
    found: FoundFile | Reading, before: FileRow | None, reason: Reason, detail: str, decoder: str, attempt: int = 1
) -> FileRow:
    """Return the row of a file that failed with this reason. A file that could not be opened keeps its item."""
    if before is not None and before.item_id is not None and reason in UNREAD:
        return replace(before, reason=reason, detail=detail)
    return FileRow(found.path, found.signature, decoder, None, reason, detail, attempt)


def _sort_absent(walk: Walk, missing: Mapping[str, str], manifest: Manifest, made: ScanResult, prune: bool) -> None:
    """Sort the known files that the walk did not find into deleted and kept.

    Files below unread folders stay, and so do files below skipped ones, such as the indexed uploads of the API.
    """
    for root in walk.roots:
        apart = [*walk.unread, *missing, *(folder for folder in walk.skip if is_below(folder, root))]
        rows = [row for row in manifest.unseen(root) if not any(is_within(row.path, top) for top in apart)]
        if prune:
            made.deleted += rows
            continue
        deleted, kept = split_absent(rows, root, not manifest.saw(root), made.file_systems)
        made.deleted += deleted
        made.report.kept += kept
    for root, why in missing.items():
        rows = manifest.unseen(root)
        if prune:
            made.deleted += rows
        elif files := sum(row.item_id is not None for row in rows):
            made.report.kept.append(AbsentFolder(show_path(root), files, why))
