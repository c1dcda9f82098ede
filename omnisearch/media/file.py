"""Open files that may be hostile: regular files only, without following links where asked, up to a size limit."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from blake3 import blake3

from omnisearch.errors import MediaError, Reason
from omnisearch.media.images.limits import LONGER_SIDE
from omnisearch.media.kinds import Kind
from omnisearch.media.system_errors import reason_and_detail
from omnisearch.types import Modality, Slice

ID_DIGITS = 32
MIB = 1 << 20
MAX_BYTES = {
    Modality.TEXT: 64 * MIB,
    Modality.IMAGE: 256 * MIB,
    Modality.AUDIO: 1024 * MIB,
    Modality.VIDEO: 4096 * MIB,
    Modality.POINT_CLOUD: 128 * MIB,
}
# Documents that hold pictures and films beside their words, and are read in parts.
ILLUSTRATED = frozenset({"pdf", "docx", "pptx", "xlsx", "odt", "odp", "ods", "epub"})
MAX_ILLUSTRATED_BYTES = 512 * MIB
MAX_SIBLING_BYTES = 128 * MIB

# O_PATH opens folders without permission to list them. Systems without it (macOS) need that permission.
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # O_NONBLOCK: opening a FIFO would block until a writer comes


class Sibling(Protocol):
    """Returns the content of a file below the folder of the decoded one.

    None if there is no such file, or if it has more than `most` bytes.
    """

    def __call__(self, name: str, most: int = MAX_SIBLING_BYTES) -> bytes | None:
        """Read the file `name`."""
        ...


def _no_sibling(name: str, most: int = 0) -> bytes | None:  # noqa: ARG001
    return None


@dataclass(frozen=True)
class Source:
    """The input of a decoder: an open file, its size in bytes, its name, and the files beside it.

    `slice` is what to decode; the rest of the file is ignored. `sibling` may be called only before the decoder
    returns its MediaInfo.
    A picture is reduced until its longer side is at most `side` pixels. With `shorter_side`, it is first reduced by
    whole factors, which costs little, as long as its shorter side keeps so many pixels.
    """

    file: BinaryIO
    size: int
    name: str
    sibling: Sibling = _no_sibling
    slice: Slice | None = None
    side: int = LONGER_SIDE
    shorter_side: int | None = None

    @property
    def suffix(self) -> str:
        """The name's extension in lower case, with its dot."""
        return PurePosixPath(self.name).suffix.lower()


def open_file(path: Path, follow_links: bool = True) -> int:
    """Open a regular, non-empty file for reading; the caller closes the descriptor.

    Raises:
        MediaError: not_regular, empty, too_large, vanished, permission, unreadable or link_loop.
    """
    try:
        fd = os.open(path, _FLAGS | (0 if follow_links else os.O_NOFOLLOW))
    except OSError as error:
        refused = _refused(error)
        if refused.reason is Reason.LINK_LOOP and not follow_links:
            refused = MediaError(Reason.NOT_REGULAR, refused.detail)
        raise refused from None
    return _checked(fd, max(MAX_BYTES.values()))


def open_unlinked(path: Path) -> int:
    """Open a regular, non-empty file by its absolute path; the caller closes the descriptor.

    No component of the path may be a link, so a folder that was replaced by a link is not followed.

    Raises:
        MediaError: as `open_file`. vanished if a folder of the path is a link, link_loop if the file is a link.
    """
    parts = path.parts[1:]
    if not path.is_absolute() or not parts or ".." in parts:
        raise MediaError(Reason.VANISHED, "the path is not absolute or contains ..")
    try:
        fd = _descend(Path(path.anchor), parts)
    except OSError as error:
        raise _refused(error) from None
    return _checked(fd, max(MAX_BYTES.values()))


def open_below(folder: Path, name: str) -> int | None:
    """Open the regular file `name` at or below `folder` without following any link; None if it does not exist.

    An absolute name and a name with `..` give None too.
    """
    parts = name.replace("\\", "/").split("/")
    parts = [part for part in parts if part != "."]
    if not parts or any(part in ("", "..") or "\0" in part for part in parts):
        return None
    try:
        return _checked(_descend(folder, parts), MAX_SIBLING_BYTES)
    except (OSError, MediaError, UnicodeEncodeError):  # JSON can spell names that no file system has
        return None


def check_size(kind: Kind, size: int) -> None:
    """Refuse a file that is larger than its kind allows.

    Raises:
        MediaError: too_large, naming both sizes.
    """
    limit = MAX_ILLUSTRATED_BYTES if kind.format in ILLUSTRATED else MAX_BYTES[kind.modality]
    if size > limit:
        raise MediaError(Reason.TOO_LARGE, f"{size} bytes of {kind.modality}, the limit is {limit}")


def content_hash(fd: int) -> str:
    """The BLAKE3 digest of the whole content, in hexadecimal; the file position is ignored and kept."""
    digest, offset = blake3(), 0
    while block := os.pread(fd, 4 * MIB, offset):
        digest.update(block)
        offset += len(block)
    return str(digest.hexdigest())


def item_id(path: Path) -> str:
    """The identity of a file's content as an item of the index: the first ID_DIGITS of its digest.

    Raises:
        MediaError: it cannot be opened; see `open_file`.
    """
    fd = open_file(path)
    try:
        return content_hash(fd)[:ID_DIGITS]
    finally:
        os.close(fd)


def _descend(folder: Path, parts: Sequence[str]) -> int:
    """Open the file at `parts` below a folder; no part may be a link."""
    here = os.open(folder, _FOLDER)
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=here)
            os.close(here)
            here = below
        return os.open(parts[-1], _FLAGS | os.O_NOFOLLOW, dir_fd=here)
    finally:
        os.close(here)


def _checked(fd: int, limit: int) -> int:
    """Return the descriptor if it is a regular file of 1 to `limit` bytes; else close it and raise MediaError."""
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise MediaError(Reason.NOT_REGULAR, "only regular files are read")
        if status.st_size == 0:
            raise MediaError(Reason.EMPTY)
        if status.st_size > limit:
            raise MediaError(Reason.TOO_LARGE, f"{status.st_size} bytes, the limit is {limit}")
    except BaseException:
        os.close(fd)
        raise
    return fd


def _refused(error: OSError) -> MediaError:
    return MediaError(*reason_and_detail(error))
