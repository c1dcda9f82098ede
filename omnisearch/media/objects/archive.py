"""Read 3D files that are zip archives: bounded members, and XML without entities."""

import re
import zipfile
from io import BytesIO
from typing import BinaryIO

from omnisearch.errors import MediaError, Reason

MAX_MEMBERS = 2000
MAX_UNPACKED = 512 << 20
_ENTITIES = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)


class Archive:
    """The members of a zip archive by case-insensitive name. The total size of all reads is bounded.

    Raises:
        MediaError: damaged, needs_password or too_large; `read` too.
    """

    def __init__(self, file: BinaryIO) -> None:
        try:
            self._zip = zipfile.ZipFile(BytesIO(file.read()))
        except zipfile.BadZipFile as error:
            raise MediaError(Reason.DAMAGED, f"zip: {error}") from error
        entries = self._zip.infolist()
        if len(entries) > MAX_MEMBERS:
            raise MediaError(Reason.TOO_LARGE, f"{len(entries)} files inside, the limit is {MAX_MEMBERS}")
        self._entries = {entry.filename.lstrip("/").lower(): entry for entry in entries}
        self.names = [entry.filename.lstrip("/") for entry in entries]
        self._left = MAX_UNPACKED

    def read(self, name: str) -> bytes | None:
        """The content of a member; None if no member has this name."""
        entry = self._entries.get(name.lstrip("/").lower())
        if entry is None:
            return None
        if entry.flag_bits & 1:
            raise MediaError(Reason.NEEDS_PASSWORD, name)
        try:
            with self._zip.open(entry) as file:
                data = file.read(self._left + 1)
        except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
            raise MediaError(Reason.DAMAGED, f"zip: {name} is broken") from error
        self._left -= len(data)
        if self._left < 0:
            raise MediaError(Reason.TOO_LARGE, f"it unpacks to more than {MAX_UNPACKED >> 20} MiB")
        return data


def refuse_entities(xml: bytes) -> bytes:
    """Return the XML if it defines no entities, which can grow without bound or read other files.

    Raises:
        MediaError: unsupported_format.
    """
    if _ENTITIES.search(xml.replace(b"\0", b"")):
        raise MediaError(Reason.UNSUPPORTED_FORMAT, "its XML has a document type or entities, which are not supported")
    return xml
