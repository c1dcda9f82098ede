"""The walk: every file below the given paths, in order, without following a link or opening a file."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self, TypeAlias

from omnisearch.errors import MediaError, Reason
from omnisearch.media.file import reason_of
from omnisearch.paths import is_below, show_path
from omnisearch_indexer.ignore import Rules

# Files and folders that systems and programs leave in media folders.
DEFAULT_IGNORED = frozenset(
    {"$RECYCLE.BIN", "#recycle", "@eaDir", "System Volume Information", "Thumbs.db", "__pycache__"}
    | {"desktop.ini", "lost+found", "node_modules"}
)

# The rules of the folders above, the deepest last.
_Chain: TypeAlias = tuple[Rules, ...]


class Signature(NamedTuple):
    """The fields of one `stat` of a file. `ctime_ns` is 0 if an older version did not record it."""

    size: int
    mtime_ns: int
    inode: int
    device: int
    ctime_ns: int = 0

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """Take it from a stat; numbers are kept within SQLite's signed 64 bits."""
        signed = (1 << 63) - 1
        return cls(
            status.st_size, status.st_mtime_ns, status.st_ino & signed, status.st_dev & signed, status.st_ctime_ns
        )

    def matches(self, other: "Signature") -> bool:
        """Whether the content is unchanged as far as `stat` can tell; then the file is not opened again.

        Every write changes the ctime, and programs cannot set it back as they can the mtime. The device is not
        compared: its number may change when the same file system is mounted again.
        """
        known = 0 not in (self.ctime_ns, other.ctime_ns)
        return self[:3] == other[:3] and (not known or self.ctime_ns == other.ctime_ns)


@dataclass(frozen=True)
class FoundFile:
    """A path that the walk found: absolute, as the system spells it. With a `reason` it cannot be indexed."""

    path: str
    signature: Signature
    reason: Reason | None = None
    detail: str = ""


@dataclass
class Walk:
    """One pass over `roots`; iterate once.

    System errors do not end the walk: it yields a file that cannot be read with the reason. `links` counts the links
    with an existing target; they are not followed. `unread` are the folders that could not be listed.
    """

    roots: Sequence[str]
    hidden: bool = False
    skip: frozenset[str] = frozenset()
    links: int = 0
    unread: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[FoundFile]:
        for root in self.roots:
            waiting: list[tuple[os.DirEntry[str], _Chain]] = []  # the next one last
            try:
                is_folder = stat.S_ISDIR(os.lstat(root).st_mode)
            except OSError as error:
                self.unread.append(root)
                yield _refused(root, error)
                continue
            yield from self._list(root, (), waiting) if is_folder else self._file(root)
            while waiting:
                entry, rules = waiting.pop()
                is_folder = _is_folder(entry)
                if self._ignored(entry, is_folder, rules):
                    continue
                yield from self._list(entry.path, rules, waiting) if is_folder else self._file(entry.path)

    def _list(
        self, folder: str, rules: "_Chain", waiting: "list[tuple[os.DirEntry[str], _Chain]]"
    ) -> Iterator[FoundFile]:
        """Push the entries of a folder on the stack of `waiting` entries."""
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=_order, reverse=True)
            own = Rules.read(folder)
        except (OSError, MediaError) as error:
            self.unread.append(folder)
            yield _refused(folder, error)
            return
        below = (*rules, own) if own else rules
        waiting += [(entry, below) for entry in entries]

    def _file(self, path: str) -> Iterator[FoundFile]:
        try:
            yield from self._entry(path, os.lstat(path))
        except OSError as error:
            yield _refused(path, error)

    def _entry(self, path: str, status: os.stat_result) -> Iterator[FoundFile]:
        signature = Signature.of(status)
        if stat.S_ISREG(status.st_mode):
            yield FoundFile(path, signature)
        elif not stat.S_ISLNK(status.st_mode):
            yield FoundFile(path, signature, Reason.NOT_REGULAR, _kind(status.st_mode))
        elif (trouble := _link_trouble(path)) is None:
            self.links += 1
        else:
            yield FoundFile(path, signature, *trouble)

    def _ignored(self, entry: os.DirEntry[str], is_folder: bool, rules: "_Chain") -> bool:
        if entry.path in self.skip or entry.name in DEFAULT_IGNORED:
            return True
        if entry.name.startswith(".") and not self.hidden:
            return True
        # The deepest ignore file with a matching rule decides, as in git.
        verdicts = (rule.verdict(entry.path, is_folder) for rule in reversed(rules))
        return next((verdict for verdict in verdicts if verdict is not None), False)


def _order(entry: os.DirEntry[str]) -> bytes:
    # A folder sorts like its content, so that the walk yields paths in the order of their bytes.
    return os.fsencode(entry.name) + (b"/" if _is_folder(entry) else b"")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # some file systems need a `stat` for the type of an entry; it fails again below, with a reason
        return False


def _refused(path: str, error: OSError | MediaError) -> FoundFile:
    if isinstance(error, MediaError):
        return FoundFile(path, Signature(0, 0, 0, 0), error.reason, error.detail)
    return FoundFile(path, Signature(0, 0, 0, 0), reason_of(error), os.strerror(error.errno or 0))


def _link_trouble(path: str) -> tuple[Reason, str] | None:
    target = show_path(str(Path(path).readlink()))
    try:
        status = Path(path).stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return Reason.LINK_LOOP, f"link to {target}"
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return Reason.NOT_REGULAR, f"link to {target}, which does not exist"
        return reason_of(error), f"link to {target}: {os.strerror(error.errno or 0)}"
    if stat.S_ISDIR(status.st_mode) and is_below(os.path.abspath(path), os.path.realpath(path)):  # noqa: PTH100
        return Reason.LINK_LOOP, f"link to {target}, which contains the link"
    return None


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return f"{kinds.get(stat.S_IFMT(mode), 'no file')}; only regular files are read"
