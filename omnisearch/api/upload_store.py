"""Kept uploads: files that are sent once and named in many queries, by the hash of their content, until they expire."""

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3

from omnisearch.api.expressions import Upload
from omnisearch.api.request_files import placed
from omnisearch.config import Settings
from omnisearch.errors import DiskFullError, MediaError, NotFoundError, Reason
from omnisearch.jobs.database import Database
from omnisearch.jobs.roots import uploaded_dir
from omnisearch.media.detect import detect
from omnisearch.media.file import ID_DIGITS, MIB, Source, check_size
from omnisearch.types import Modality

UPLOADS_DIRECTORY, UPLOADS_FILE = "uploads", "uploads.sqlite"
NEW = ".new-"  # begins the names of folders in which a file is being copied
MAX_NAME_BYTES = 200
VERSION = 1
SCHEMA = """
CREATE TABLE uploads (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, file TEXT NOT NULL, size INTEGER NOT NULL, mime TEXT NOT NULL,
    modality TEXT NOT NULL, expires REAL NOT NULL
)
"""


@dataclass(frozen=True)
class KeptUpload:
    """A kept file: `expires` in seconds since 1970."""

    id: str
    name: str
    file: str
    size: int
    mime: str
    modality: Modality
    expires: float


class UploadStore:
    """The kept uploads of a data directory. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        """Open or create the table; raises as `Database`. Deletes incomplete files of a server that died."""
        self._settings, self._folder = settings, settings.data_dir / UPLOADS_DIRECTORY
        self._database = Database(settings.data_dir / UPLOADS_FILE, SCHEMA, VERSION)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.expire()
        self._delete_unknown()

    @staticmethod
    def exists(settings: Settings) -> bool:
        """Return whether a data directory has a table of uploads."""
        return (settings.data_dir / UPLOADS_FILE).exists()

    def close(self) -> None:
        """Close the table."""
        self._database.close()

    def keep(self, sent: BinaryIO, name: str) -> KeptUpload:
        """Copy a file and keep it. The same content is kept once, under the last name that was sent.

        Raises:
            MediaError: the file is empty, its type is unknown, or it is too large for its type.
            DiskFullError: the uploads together would take up more than `upload_bytes`.
            OSError: the disk failed or is full.
        """
        self.expire()
        with tempfile.TemporaryDirectory(dir=self._folder, prefix=NEW) as aside:
            copy = placed(Path(aside) / "copy", name)
            upload_id, size = _copy(sent, copy.path)
            if not size:
                raise MediaError(Reason.EMPTY)
            with copy.path.open("rb") as file:
                kind = detect(Source(file, size, copy.path.name))
            check_size(kind, size)
            kept = KeptUpload(
                upload_id, copy.label, f"{upload_id}{copy.path.suffix}", size, kind.mime, kind.modality, self._end()
            )
            with self._database.use() as db:
                before = db.execute("SELECT file FROM uploads WHERE id = ?", (upload_id,)).fetchone()
                (held,) = db.execute("SELECT ifnull(sum(size), 0) FROM uploads WHERE id != ?", (upload_id,)).fetchone()
                if held + size > self._settings.upload_bytes:
                    raise DiskFullError(
                        f"uploads may take up {self._settings.upload_bytes:,} bytes together, and {held:,} are taken: "
                        "delete some, wait until they expire, or raise the server's setting `upload_bytes`"
                    )
                copy.path.replace(self._folder / kept.file)
                db.execute(
                    "INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (kept.id, kept.name, kept.file, kept.size, kept.mime, kept.modality, kept.expires),
                )
                if before is not None and before["file"] != kept.file:
                    (self._folder / before["file"]).unlink(missing_ok=True)
        return kept

    def get(self, upload_id: str) -> KeptUpload:
        """Return an upload.

        Raises:
            NotFoundError: it does not exist, has expired, or its file was deleted.
        """
        with self._database.read() as db:
            row = db.execute("SELECT * FROM uploads WHERE id = ? AND expires > ?", (upload_id, time.time())).fetchone()
        if row is None or not (self._folder / row["file"]).is_file():
            raise _gone(upload_id)
        return _kept(row)

    def use(self, ids: Collection[str]) -> dict[str, Upload]:
        """Return uploads by their ids, and extend their lives.

        Raises:
            NotFoundError: an upload does not exist.
        """
        found = {upload_id: self.get(upload_id) for upload_id in ids}
        if found:
            with self._database.use() as db:
                for upload_id in found:
                    put_off = "UPDATE uploads SET expires = max(expires, ?) WHERE id = ?"
                    if db.execute(put_off, (self._end(), upload_id)).rowcount == 0:  # it expired meanwhile
                        raise _gone(upload_id)
        return {upload_id: Upload(path=self._folder / kept.file, label=kept.name) for upload_id, kept in found.items()}

    def link_for_good(self, ids: Sequence[str]) -> list[str]:
        """Put uploads into the folder of indexed uploads, where they do not expire; return their paths.

        Raises:
            NotFoundError: an upload does not exist.
        """
        paths = []
        for upload_id, upload in self.use(ids).items():
            place = uploaded_dir(self._settings) / upload_id / _file_name(upload.label)
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(upload.path, place)
            except FileExistsError:  # the same content: its folder is named by the hash
                pass
            except FileNotFoundError:  # deleted meanwhile
                raise _gone(upload_id) from None
            paths.append(str(place))
        return paths

    def remove(self, upload_id: str) -> None:
        """Delete an upload.

        Raises:
            NotFoundError: it does not exist.
        """
        self.get(upload_id)
        self._delete("id = ?", upload_id)

    def expire(self) -> None:
        """Delete expired uploads."""
        self._delete("expires <= ?", time.time())

    def _delete(self, condition: str, value: str | float) -> None:
        """Delete rows and their files in one transaction: an upload that is sent again meanwhile stays."""
        with self._database.use() as db:
            for (file,) in db.execute(f"DELETE FROM uploads WHERE {condition} RETURNING file", (value,)).fetchall():  # noqa: S608
                (self._folder / file).unlink(missing_ok=True)

    def _delete_unknown(self) -> None:
        with self._database.read() as db:
            known = {row["file"] for row in db.execute("SELECT file FROM uploads")}
        for path in self._folder.iterdir():
            if path.name.startswith(NEW):
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in known:
                path.unlink(missing_ok=True)

    def _end(self) -> float:
        return time.time() + self._settings.upload_seconds


def _gone(upload_id: str) -> NotFoundError:
    return NotFoundError(f"no upload {upload_id!r}, or it has expired: send the file again")


def hash_sent(sent: BinaryIO) -> str:
    """Return the digest of a file that was sent; leaves it at its start."""
    digest = blake3()
    while block := sent.read(MIB):
        digest.update(block)
    sent.seek(0)
    return str(digest.hexdigest())


def _copy(sent: BinaryIO, path: Path) -> tuple[str, int]:
    """Copy a file to `path`, durably; return the id of its content and its size."""
    digest, size = blake3(), 0
    with path.open("wb") as file:
        while block := sent.read(MIB):
            digest.update(block)
            file.write(block)
            size += len(block)
        file.flush()
        os.fsync(file.fileno())
    return str(digest.hexdigest())[:ID_DIGITS], size


def _kept(row: sqlite3.Row) -> KeptUpload:
    return KeptUpload(
        row["id"], row["name"], row["file"], row["size"], row["mime"], Modality(row["modality"]), row["expires"]
    )


def _file_name(label: str) -> str:
    """Return a file name that is not hidden and not too long; it keeps its extension."""
    shown = label.lstrip(". ") or "file"
    suffix = Path(shown).suffix
    stem = shown.removesuffix(suffix).encode()[: MAX_NAME_BYTES - len(suffix.encode())]
    return stem.decode("utf-8", "ignore") + suffix if len(suffix.encode()) < MAX_NAME_BYTES else "file"
