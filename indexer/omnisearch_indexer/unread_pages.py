"""Documents with pages that were not read: mark them before a run that recognizes text, and note them afterwards."""

from collections.abc import Sequence
from dataclasses import replace

from omnisearch.errors import Reason
from omnisearch.media.kinds import TEXTS
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import FileRow
from omnisearch_indexer.reading_version import is_enough

PDF = TEXTS["pdf"]


def mark_unread_pages(manifest: Manifest, version: str) -> None:
    """Mark the PDFs whose pages without text were not read in this version, so that the next run reads their files."""
    unread = [item.id for item in manifest.items() if item.mime == PDF.mime and not is_enough(item.reading, version)]
    with manifest.transaction():
        manifest.mark_pages(unread)


def note_read_pages(manifest: Manifest, version: str) -> None:
    """Note that the pages of all PDFs that are no longer marked were read in this version."""
    marked = {item.id for item in manifest.marked()}
    read = [item for item in manifest.items() if item.mime == PDF.mime and item.id not in marked]
    with manifest.transaction():
        manifest.put_items(replace(item, reading=version) for item in read if not is_enough(item.reading, version))


def no_text(version: str, notes: Sequence[str] = ()) -> str:
    """Return the detail of the failure of a PDF on whose pages this version recognized no text, with notes on why."""
    return "; ".join((f"no text was recognized on its pages either ({version})", *dict.fromkeys(notes)))


def has_unread_pages(row: FileRow, version: str) -> bool:
    """Whether a file is a PDF that failed because it has no text, and whose pages were not read in this version."""
    is_pdf = row.path.lower().endswith(PDF.suffixes)
    return (
        bool(version)
        and row.reason is Reason.EMPTY_TEXT
        and row.item_id is None
        and is_pdf
        and not row.detail.startswith(no_text(version))
    )
