"""The survey: what the walk met against what the manifest knows, before anything is opened."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from omnisearch_indexer.manifest import FileRow, Manifest, State
from omnisearch_indexer.reader import Reading
from omnisearch_indexer.report import Outcome, Report
from omnisearch_indexer.retries import is_retried
from omnisearch_indexer.walk import Found, Walk, is_below

CHUNK = 1000


@dataclass
class Survey:
    """`todo` must be read, `refused` never can be, `gone` are known files that are not there any more.

    `todo` begins with the small files, in steps of a power of two, so that no large file keeps them waiting.
    """

    decoder: str
    todo: list[Reading] = field(default_factory=list)
    refused: list[FileRow] = field(default_factory=list)
    gone: list[FileRow] = field(default_factory=list)
    report: Report = field(default_factory=Report)


def survey(walk: Walk, manifest: Manifest | None, decoder: str, retry_failed: bool, stop: threading.Event) -> Survey:
    """Walk the roots; one `stat` a file, none is opened. Without a manifest every file is to be read."""
    made = Survey(decoder)
    met: list[str] = []
    for found in walk:
        if stop.is_set():
            break
        made.report.seen += 1
        met.append(found.path)
        if manifest is not None and len(met) == CHUNK:
            manifest.see(met)
            met.clear()
        _sort(found, manifest, made, retry_failed)
    made.todo.sort(key=lambda reading: reading.signature.size.bit_length())
    made.report.links = walk.links
    if manifest is not None and not stop.is_set():
        manifest.see(met)
        made.gone = _gone(walk.roots, walk.unread, manifest)
    return made


def _sort(found: Found, manifest: Manifest | None, made: Survey, retry_failed: bool) -> None:
    if found.reason is not None:
        made.refused.append(
            FileRow(found.path, found.signature, made.decoder, reason=found.reason, detail=found.detail)
        )
        made.report.fail(found.reason)
        return
    row = manifest.file(found.path) if manifest is not None else None
    if row is None or row.signature != found.signature or row.decoder != made.decoder:
        made.todo.append(Reading(found.path, found.signature))
    elif row.reason is None:
        made.report.outcomes[Outcome.UNCHANGED] += 1
    elif retry_failed and row.state is State.FAILED:
        made.todo.append(Reading(found.path, found.signature))
    elif is_retried(row.reason, row.attempts):
        made.todo.append(Reading(found.path, found.signature, runs=row.attempts + 1))
    else:
        made.report.fail(row.reason)


def _gone(roots: Sequence[str], unread: Sequence[str], manifest: Manifest) -> list[FileRow]:
    return [
        row for root in roots for row in manifest.unseen(root) if not any(is_below(row.path, top) for top in unread)
    ]
