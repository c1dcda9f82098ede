"""Packages of Office Open XML (docx, pptx, xlsx): a zip archive whose files are related to each other by ids."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import unquote

from omnisearch.errors import MediaError, Reason
from omnisearch.media.archive import Archive
from omnisearch.media.texts.xml_events import Event, Start, xml_events

MAX_FILES = 20_000


@dataclass(frozen=True)
class Relation:
    """A relationship: its kind, which is the last word of its type, and the name of the file that it leads to."""

    kind: str
    target: str


class Package:
    """The files of a package.

    Raises:
        MediaError: as `Archive`; damaged, if it has no main file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._archive = Archive(file, MAX_FILES)
        self.main = self.first("", "officeDocument")
        if self.main not in self._archive:
            raise MediaError(Reason.DAMAGED, f"it lacks its main file {self.main}")

    def events(self, name: str) -> Iterator[Event]:
        """Read a file of the package as XML."""
        yield from xml_events(self._archive.blocks(name))

    def relations(self, name: str) -> dict[str, Relation]:
        """The relationships of a file by id, to files that exist; those of the package where `name` is empty."""
        folder, base = posixpath.split(name)
        of_file = posixpath.join(folder, "_rels", f"{base}.rels")
        if of_file not in self._archive:
            return {}
        found = {}
        for event in self.events(of_file):
            if isinstance(event, Start) and event.name == "Relationship":
                target = posixpath.normpath(posixpath.join("/", folder, unquote(event.get("Target")))).lstrip("/")
                if target in self._archive and event.get("TargetMode") != "External":
                    found[event.get("Id")] = Relation(event.get("Type").rpartition("/")[2], target)
        return found

    def related(self, name: str, *kinds: str) -> Iterator[str]:
        """Yield the files that a file is related to by one of these kinds."""
        yield from (relation.target for relation in self.relations(name).values() if relation.kind in kinds)

    def first(self, name: str, kind: str) -> str:
        """The first file that a file is related to by this kind, or an empty string."""
        return next(self.related(name, kind), "")
