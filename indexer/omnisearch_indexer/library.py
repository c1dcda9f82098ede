"""The state of an index for the API: its roots and the files that could not be read (`omnisearch.jobs.library`)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import Reason, reason_message
from omnisearch.paths import show_path
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.manifest_rows import FileRow
from omnisearch_indexer.root_watch import watch_index as watch  # noqa: F401 - `Library.watch`


def roots(settings: Settings, others: Sequence[str]) -> list[Mapping[str, Any]]:
    """See `Library.roots`."""
    with _opened(settings) as manifest:
        known = {} if manifest is None else manifest.roots()
        return [_root(path, indexed, manifest) for path, indexed in {**dict.fromkeys(others), **known}.items()]


def failures(settings: Settings, reason: str | None, after: str, limit: int) -> Sequence[Mapping[str, Any]]:
    """See `Library.failures`."""
    with _opened(settings) as manifest:
        if manifest is None:
            return []
        return [failure(row) for row in manifest.failures_after(after, limit, reason)]


def copies(settings: Settings, item_id: str, limit: int) -> tuple[Sequence[str], int]:
    """See `Library.copies`."""
    with _opened(settings) as manifest:
        paths, total = ([], 0) if manifest is None else manifest.copies(item_id, limit)
    return [show_path(path) for path in paths], total


def reasons(settings: Settings) -> Mapping[str, int]:
    """See `Library.reasons`."""
    with _opened(settings) as manifest:
        return {} if manifest is None else manifest.reasons()


def failure(row: FileRow) -> Mapping[str, Any]:
    """Return a file that could not be read as JSON, with the `cursor` of its place in a list."""
    assert row.reason is not None
    return {
        "path": show_path(row.path),
        "cursor": row.path,
        "reason": str(row.reason),
        "detail": row.detail,
        "message": reason_message(row.reason, row.detail),
        "attempts": row.attempts,
    }


def _root(path: str, indexed: float | None, manifest: Manifest | None) -> Mapping[str, Any]:
    items, found = (0, {}) if manifest is None else (manifest.items_within(path), manifest.reasons(path))
    unsupported = found.pop(Reason.UNSUPPORTED_FORMAT, 0)
    return {"path": path, "indexed": indexed, "items": items, "failures": found, "unsupported": unsupported}


@contextmanager
def _opened(settings: Settings) -> Iterator[Manifest | None]:
    place = settings.index_dir / MANIFEST_FILE
    if not place.exists():
        yield None
        return
    with closing(Manifest(place)) as manifest:
        yield manifest
