"""The folder of a snapshot: plain data, each file named in `index.json` with its size and SHA-256.

    index.json           what it is of, and its files
    manifest.sqlite      the manifest
    points.jsonl         a row per point, without vectors
    vectors.f32          float32 rows (points, dim), in the order of the points
    text_vectors.f32     float32 rows of the points that have a text vector
    embeddings/          the embeddings of every space, as in the data directory

A snapshot may come from somebody else, so nothing in it is trusted: only files of these names are opened, no link is
followed, and each file is checked while it is copied.
"""

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from omnisearch.durable import sync
from omnisearch.errors import StoreError, UsageError
from omnisearch.stores.validation import RESERVE

FORMAT = 1
SNAPSHOT_FILE = "index.json"
MANIFEST, POINTS, VECTORS, TEXT_VECTORS = "manifest.sqlite", "points.jsonl", "vectors.f32", "text_vectors.f32"
EMBEDDINGS, EMBEDDINGS_INDEX = "embeddings", "embeddings/index.sqlite"
_NAME = re.compile(
    r"manifest\.sqlite|points\.jsonl|(?:text_)?vectors\.f32|embeddings/(?:index\.sqlite|[\w.-]{1,200}\.f32)"
)
REQUIRED = frozenset({MANIFEST, POINTS, VECTORS, TEXT_VECTORS, EMBEDDINGS_INDEX})
MAX_INDEX_BYTES = 16 << 20
CHUNK = 1 << 20

Count = Annotated[int, Field(ge=0, lt=1 << 62)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SnapshotFile(_Strict):
    """The size and the hash of a file."""

    bytes: Count
    sha256: Digest


class SnapshotIndex(_Strict):
    """The content of `index.json`. `created` is in ISO 8601, UTC; `fingerprint` is that of the model."""

    format: Literal[1]
    omnisearch: str
    created: str
    collection: str
    model: str
    dim: int = Field(ge=1, le=1 << 16)
    fingerprint: str
    items: Count
    points: Count
    files: Mapping[str, SnapshotFile]

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(one.bytes for one in self.files.values())


def read_index(folder: Path) -> SnapshotIndex:
    """Read `index.json`, and check that the folder holds exactly its files, each a plain file of its size.

    Raises:
        UsageError: it is no snapshot, or of a newer version, or something in it is not as `index.json` says.
    """
    with _opened(folder, SNAPSHOT_FILE) as file:
        text = file.read(MAX_INDEX_BYTES + 1)
    if len(text) > MAX_INDEX_BYTES:
        raise UsageError(f"{folder / SNAPSHOT_FILE} is larger than {MAX_INDEX_BYTES:,} bytes: this is no snapshot")
    try:
        index = SnapshotIndex.model_validate_json(text)
    except ValidationError as error:
        raise UsageError(_refusal(folder, error)) from None
    for name in index.files:
        if not _NAME.fullmatch(name):
            raise UsageError(f"{folder / SNAPSHOT_FILE} names the file {name!r}, which is not one of a snapshot")
    if missing := REQUIRED - index.files.keys():
        raise UsageError(f"{folder / SNAPSHOT_FILE} does not name {', '.join(sorted(missing))}: it is incomplete")
    _check_names(folder, index)
    return index


def is_snapshot(folder: Path) -> bool:
    """Whether a folder has a file that only snapshots have; the snapshot may be damaged."""
    return any((folder / name).is_file() for name in (POINTS, VECTORS, TEXT_VECTORS))


def is_partial(folder: Path) -> bool:
    """Whether a folder holds only what an interrupted snapshot leaves."""
    names = [path.name.lstrip(".") for path in folder.iterdir()]
    return EMBEDDINGS in names and all(name.startswith((*REQUIRED, EMBEDDINGS, SNAPSHOT_FILE)) for name in names)


def check_room(index: SnapshotIndex, folder: Path, target: Path) -> None:
    """Check that the disk of `target` has space for the snapshot twice, as files and in the engine.

    Raises:
        StoreError: it has not.
    """
    needed, free = 2 * index.bytes + RESERVE, shutil.disk_usage(target).free
    if free < needed:
        raise StoreError(
            f"{target} has {free:,} bytes free, and {folder} needs {needed:,}: nothing was written; free some space or "
            f"choose another folder with --data-dir"
        )


def copy_checked(folder: Path, index: SnapshotIndex, target: Path | None) -> None:
    """Compare every file with its size and hash, and copy it to `target`, if any, while it is read.

    Raises:
        UsageError: a file differs.
    """
    for name, wanted in index.files.items():
        digest, left = hashlib.sha256(), wanted.bytes
        place = None if target is None else target / name
        if place is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
        with _opened(folder, name) as file, (place or Path(os.devnull)).open("wb") as copy:
            while chunk := file.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    break
                digest.update(chunk)
                copy.write(chunk)
        if left or digest.hexdigest() != wanted.sha256:
            raise UsageError(f"{folder / name} is damaged: its bytes do not have the hash that {SNAPSHOT_FILE} names")
        if place is not None:
            sync(place)


def describe_file(path: Path) -> SnapshotFile:
    """Return the size and the hash of a file that was just written, and make it durable."""
    sync(path)
    with path.open("rb") as file:
        return SnapshotFile(bytes=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _refusal(folder: Path, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where, place = ".".join(map(str, first["loc"])), folder / SNAPSHOT_FILE
    if where == "format":
        return f"{place} has format {first['input']!r}, this omnisearch reads {FORMAT}: install a newer omnisearch"
    return f"{place} is no index of a snapshot: {where or 'it'}: {first['msg']}"


def _check_names(folder: Path, index: SnapshotIndex) -> None:
    """Check every entry of the folder: its name, that it is a plain file, and its size."""
    allowed = {SNAPSHOT_FILE, EMBEDDINGS, *index.files}
    found = [Path(entry.path) for entry in os.scandir(folder)]
    inner = folder / EMBEDDINGS
    if stat.S_ISDIR(inner.lstat().st_mode if inner in found else 0):
        found += [Path(entry.path) for entry in os.scandir(inner)]
    for path in found:
        name = path.relative_to(folder).as_posix()
        if name not in allowed:
            raise UsageError(f"{path} is not named in {SNAPSHOT_FILE}: a snapshot holds only its own files")
    for name, wanted in index.files.items():
        with _opened(folder, name) as file:
            size = os.fstat(file.fileno()).st_size
        if size != wanted.bytes:
            raise UsageError(f"{folder / name} has {size:,} bytes, and {SNAPSHOT_FILE} says {wanted.bytes:,}")


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[BinaryIO]:
    """Open a plain file of the folder. No link is followed, and no pipe is waited for."""
    *parents, last = name.split("/")
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for parent in parents:
                inner = os.open(parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
                os.close(place)
                place = inner
            fd = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
        finally:
            os.close(place)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise UsageError(f"{folder / name} cannot be opened as a plain file of a snapshot: {why}") from None
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UsageError(f"{folder / name} is not a plain file")
        yield file
