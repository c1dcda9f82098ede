"""The rows of the manifest: the outcome of a file, and an indexed content."""

import os
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from omnisearch.errors import Reason
from omnisearch.media.versions import is_current
from omnisearch.metadata import NO_METADATA, Metadata
from omnisearch.modality import Modality
from omnisearch_indexer.walk import Signature

# Marks before the decoder of an item: it is suspect, or its pages without text are to be read.
SUSPECT, PAGES = "?", "+"
# A file on the disk, compared with its signature. Nothing is known of one that may not be looked at.
DiskState: TypeAlias = Literal["unchanged", "changed", "missing", "unknown"]


class FileState(StrEnum):
    """The outcome of a file."""

    INDEXED = "indexed"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class FileRow:
    """The outcome of one file: an item if it is indexed, else a reason. `decoder` is the decoding fingerprint.

    A file with an item and a reason is indexed, and the last run could not read it. `attempts` counts the runs that
    read the file since its last change and failed.
    """

    path: str
    signature: Signature
    decoder: str
    item_id: str | None = None
    reason: Reason | None = None
    detail: str = ""
    attempts: int = 1

    @property
    def state(self) -> FileState:
        """The outcome of the file."""
        if self.item_id is not None:
            return FileState.INDEXED
        return FileState.UNSUPPORTED if self.reason is Reason.UNSUPPORTED_FORMAT else FileState.FAILED

    def is_unchanged(self) -> bool:
        """Whether the file is there and still has its signature."""
        return self.on_disk() == "unchanged"

    def on_disk(self) -> DiskState:
        """Compare the file with its signature."""
        try:
            return "unchanged" if self.signature.matches(Signature.of(os.lstat(self.path))) else "changed"
        except (FileNotFoundError, NotADirectoryError):
            return "missing"
        except (OSError, ValueError):  # no permission
            return "unknown"


@dataclass(frozen=True)
class ItemRow:
    """An indexed content. `facts_json` holds the facts that the engine has, see `path_labels.facts_json`.

    `notes` are short sentences on how the file was read. `metadata` is None if an older version read the file, without
    its metadata. `reading` is the version of the texts read in its pictures and sound; empty if none were read. `has`
    and `languages` sum these texts up, and `added` is the time of its first indexing, see `Facts`.
    """

    id: str
    modality: Modality
    segments: int
    decoder: str
    mime: str
    facts_json: str
    notes: tuple[str, ...] = ()
    metadata: Metadata | None = NO_METADATA
    reading: str = ""
    has: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    added: float = 0.0

    def is_current(self, decoder: str) -> bool:
        """Whether this decoder would read the same segments from the item; false if it is suspect."""
        return is_current(self.decoder, decoder, self.mime)

    def was_read_by(self, decoder: str) -> bool:
        """Whether this decoder read the item, marked or not."""
        return self.decoder.lstrip(SUSPECT + PAGES) == decoder
