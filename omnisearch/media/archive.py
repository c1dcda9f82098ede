"""Read files that are zip archives: bounded members, and XML without entities."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from omnisearch.errors import MediaError, Reason

MAX_MEMBERS = 2000
MAX_UNPACKED = 512 << 20
BLOCK = 1 << 16
_ENTITIES = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
# Other methods unpack a block to any size at once, and no format that is read uses them.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1


class Archive:
    """The members of a zip archive by case-insensitive name, at most `most`. The total size of all reads is bounded.

    Raises:
        MediaError: damaged, needs_password, unsupported_format or too_large; `read` and `blocks` too.
    """

    def __init__(self, file: BinaryIO, most: int = MAX_MEMBERS) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:  # wrong offsets give these
            raise MediaError(Reason.DAMAGED, f"zip: {error}") from error
        entries = self._zip.infolist()
        if len(entries) > most:
            raise MediaError(Reason.TOO_LARGE, f"{len(entries)} files inside, the limit is {most}")
        self._entries = {_key(entry.filename): entry for entry in entries}
        self.names = [entry.filename.lstrip("/") for entry in entries]
        self._left = MAX_UNPACKED

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._entries

    def read(self, name: str) -> bytes | None:
        """The content of a member; None if no member has this name."""
        return b"".join(self.blocks(name)) if name in self else None

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the content of a member block by block; damaged if no member has this name."""
        entry = self._entries.get(_key(name))
        if entry is None:
            raise MediaError(Reason.DAMAGED, f"zip: it lacks its file {name}")
        if entry.flag_bits & _ENCRYPTED:
            raise MediaError(Reason.NEEDS_PASSWORD, name)
        if entry.compress_type not in _METHODS:
            raise MediaError(Reason.UNSUPPORTED_FORMAT, f"zip: the compression of {name} is not supported")
        self._left -= entry.file_size  # no more is unpacked than the archive says
        if self._left < 0:
            raise MediaError(Reason.TOO_LARGE, f"it unpacks to more than {MAX_UNPACKED >> 20} MiB")
        try:
            with self._zip.open(entry) as file:
                while block := file.read(BLOCK):
                    yield block
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError, zlib.error) as error:
            raise MediaError(Reason.DAMAGED, f"zip: {name} is broken") from error


def _key(name: str) -> str:
    return name.lstrip("/").lower()


def refuse_entities(xml: bytes) -> bytes:
    """Return the XML if it defines no entities, which can grow without bound or read other files.

    Raises:
        MediaError: unsupported_format.
    """
    if _ENTITIES.search(xml.replace(b"\0", b"")):
        raise MediaError(Reason.UNSUPPORTED_FORMAT, "its XML has a document type or entities, which are not supported")
    return xml
