"""The survey: what the walk met against what the manifest knows, before anything is opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from threading import Event

from omnisearch.errors import Reason
from omnisearch.paths import show_path
from omnisearch.stores.kept_places import KeptPlace
from omnisearch_indexer.absent import Volumes, sort_absent
from omnisearch_indexer.manifest import FileRow, Manifest, State
from omnisearch_indexer.reader import Reading
from omnisearch_indexer.report import Outcome, Report
from omnisearch_indexer.retries import MACHINE, UNREAD, is_retried
from omnisearch_indexer.roots import is_within
from omnisearch_indexer.walk import Found, Walk

CHUNK = 1000


@dataclass
class Survey:
    """`todo` must be read, `refused` never can be, `gone` are known files that are not there any more.

    `todo` begins with the small files, in steps of a power of two, so that no large file keeps them waiting. `renewed`
    says that files are as they were, on devices of other numbers or with a ctime that was not recorded.
    """

    decoder: str
    todo: list[Reading] = field(default_factory=list)
    refused: list[FileRow] = field(default_factory=list)
    gone: list[FileRow] = field(default_factory=list)
    renewed: bool = False
    volumes: Volumes = field(default_factory=Volumes)
    report: Report = field(default_factory=Report)


@dataclass(frozen=True)
class Choices:
    """What the user chose: read failed files again; remove files that are not found, wherever they were."""

    retry_failed: bool = False
    prune: bool = False


def survey(
    walk: Walk, missing: Mapping[str, str], manifest: Manifest | None, decoder: str, choices: Choices, stop: Event
) -> Survey:
    """Walk the roots; one `stat` a file, none is opened. Without a manifest every file is to be read.

    `missing` are roots that cannot be reached, with the reason.
    """
    made = Survey(decoder)
    met: list[Found] = []
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
        _miss(walk, missing, manifest, made, choices.prune)
    return made


def _sort(found: Found, manifest: Manifest | None, made: Survey, retry_failed: bool) -> None:
    row = manifest.file(found.path) if manifest is not None else None
    if found.reason is not None:
        made.refused.append(refuse(found, row, found.reason, found.detail, made.decoder))
        made.report.fail(found.reason)
        return
    if row is None or not row.signature.matches(found.signature):
        made.todo.append(Reading(found.path, found.signature))
        return
    made.volumes.meet(found.path, row.signature)
    made.renewed |= row.signature != found.signature
    if row.decoder != made.decoder:
        made.todo.append(Reading(found.path, found.signature))
    elif row.reason is None:
        made.report.outcomes[Outcome.UNCHANGED] += 1
    elif retry_failed and row.state is State.FAILED:
        made.todo.append(Reading(found.path, found.signature))
    elif is_retried(row.reason, row.attempts):
        runs = row.attempts + 1 if row.reason in MACHINE else 1
        made.todo.append(Reading(found.path, found.signature, runs=runs))
    else:
        made.report.fail(row.reason)


def refuse(
    found: Found | Reading, before: FileRow | None, reason: Reason, detail: str, decoder: str, attempt: int = 1
) -> FileRow:
    """What becomes of a file with this reason. One that was not read at all keeps what was known of it before."""
    if before is not None and before.item_id is not None and reason in UNREAD:
        return replace(before, reason=reason, detail=detail)
    return FileRow(found.path, found.signature, decoder, None, reason, detail, attempt)


def _miss(walk: Walk, missing: Mapping[str, str], manifest: Manifest, made: Survey, prune: bool) -> None:
    """Find what becomes of the known files that were not met. Nothing is known of those below unread folders."""
    apart = [*walk.unread, *missing]
    for root in walk.roots:
        rows = [row for row in manifest.unseen(root) if not any(is_within(row.path, top) for top in apart)]
        if prune:
            made.gone += rows
            continue
        gone, kept = sort_absent(rows, root, not manifest.saw(root), made.volumes)
        made.gone += gone
        made.report.kept += kept
    for root, why in missing.items():
        rows = manifest.unseen(root)
        if prune:
            made.gone += rows
        elif files := sum(row.item_id is not None for row in rows):
            made.report.kept.append(KeptPlace(show_path(root), files, why))
