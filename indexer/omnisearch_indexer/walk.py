"""The walk: every file below the given paths, in order, without following a link or opening a file."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

from pathspec import GitIgnoreSpec

from omnisearch.errors import Reason, UsageError
from omnisearch.paths import show_path

IGNORE_FILE = ".omnisearchignore"
# What systems and programs leave in folders of media.
DEFAULT_IGNORED = frozenset(
    {"$RECYCLE.BIN", "#recycle", "@eaDir", "System Volume Information", "Thumbs.db", "__pycache__"}
    | {"desktop.ini", "lost+found", "node_modules"}
)


class Signature(NamedTuple):
    """What one `stat` says of a file's content: while it stays the same, the file is not opened again."""

    size: int
    mtime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """Take it from a stat; numbers are kept within SQLite's signed 64 bits."""
        signed = (1 << 63) - 1
        return cls(status.st_size, status.st_mtime_ns, status.st_ino & signed, status.st_dev & signed)


@dataclass(frozen=True)
class Found:
    """A path that the walk met: absolute, as the system spells it. With a `reason` it can never be indexed."""

    path: str
    signature: Signature
    reason: Reason | None = None
    detail: str = ""


@dataclass
class Walk:
    """One pass over `roots`; iterate once.

    `links` counts the links that lead somewhere; they are not followed. `unread` are the folders that could not be
    listed: nothing is known of what lies below them.
    """

    roots: Sequence[str]
    hidden: bool = False
    skip: frozenset[str] = frozenset()
    links: int = 0
    unread: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[Found]:
        for root in self.roots:
            status = os.lstat(root)
            if stat.S_ISDIR(status.st_mode):
                yield from self._folder(root, ())
            else:
                yield from self._entry(root, status)

    def _folder(self, folder: str, rules: "tuple[_Rules, ...]") -> Iterator[Found]:
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=_order)
            own = _Rules.read(folder)
        except OSError as error:
            self.unread.append(folder)
            yield _refused(folder, error)
            return
        rules = (*rules, own) if own else rules
        for entry in entries:
            is_folder = entry.is_dir(follow_symlinks=False)
            if self._ignored(entry, is_folder, rules):
                continue
            if is_folder:
                yield from self._folder(entry.path, rules)
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError as error:
                yield _refused(entry.path, error)
                continue
            yield from self._entry(entry.path, status)

    def _entry(self, path: str, status: os.stat_result) -> Iterator[Found]:
        signature = Signature.of(status)
        if stat.S_ISREG(status.st_mode):
            yield Found(path, signature)
        elif not stat.S_ISLNK(status.st_mode):
            yield Found(path, signature, Reason.NOT_REGULAR, _kind(status.st_mode))
        elif (trouble := _link_trouble(path)) is None:
            self.links += 1
        else:
            yield Found(path, signature, *trouble)

    def _ignored(self, entry: os.DirEntry[str], is_folder: bool, rules: "tuple[_Rules, ...]") -> bool:
        if entry.path in self.skip or entry.name in DEFAULT_IGNORED:
            return True
        if entry.name.startswith(".") and not self.hidden:
            return True
        # The deepest file that has an opinion decides, as with git.
        verdicts = (rule.verdict(entry.path, is_folder) for rule in reversed(rules))
        return next((verdict for verdict in verdicts if verdict is not None), False)


def resolve_roots(paths: Sequence[Path]) -> list[str]:
    """Make the given paths absolute, once each, and drop those that lie below another; links in them are followed.

    Raises:
        UsageError: a path does not exist or cannot be read; nothing may be concluded from its emptiness.
    """
    roots: set[str] = set()
    for path in paths:
        try:
            root = os.path.realpath(path, strict=True)
        except OSError as error:
            raise UsageError(f"{show_path(str(path))}: {os.strerror(error.errno or 0)}") from None
        if not os.access(root, os.R_OK | (os.X_OK if Path(root).is_dir() else 0)):
            raise UsageError(f"{show_path(root)}: {os.strerror(errno.EACCES)}")
        roots.add(root)
    return sorted((r for r in roots if not any(is_below(r, other) for other in roots - {r})), key=os.fsencode)


def is_below(path: str, folder: str) -> bool:
    """Whether `path` lies below `folder`, by name alone."""
    return path.startswith(folder.rstrip("/") + "/")


@dataclass(frozen=True)
class _Rules:
    """The rules of one ignore file, for what lies below its folder."""

    folder: str
    spec: GitIgnoreSpec

    @classmethod
    def read(cls, folder: str) -> "_Rules | None":
        try:
            lines = Path(folder, IGNORE_FILE).read_text("utf-8", "surrogateescape").splitlines()
        except FileNotFoundError:
            return None
        return cls(folder, GitIgnoreSpec.from_lines(lines))

    def verdict(self, path: str, is_folder: bool) -> bool | None:
        name = os.path.relpath(path, self.folder) + ("/" if is_folder else "")
        return self.spec.check_file(name).include


def _order(entry: os.DirEntry[str]) -> bytes:
    # A folder sorts as its content does, so that the walk yields paths in the order of their bytes.
    return os.fsencode(entry.name) + (b"/" if entry.is_dir(follow_symlinks=False) else b"")


def _refused(path: str, error: OSError) -> Found:
    reasons = {errno.ENOENT: Reason.VANISHED, errno.ENOTDIR: Reason.VANISHED}
    reason = reasons.get(error.errno or 0, Reason.PERMISSION)
    return Found(path, Signature(0, 0, 0, 0), reason, os.strerror(error.errno or 0))


def _link_trouble(path: str) -> tuple[Reason, str] | None:
    target = show_path(str(Path(path).readlink()))
    try:
        status = Path(path).stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            return Reason.LINK_LOOP, f"link to {target}"
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return Reason.NOT_REGULAR, f"link to {target}, which does not exist"
        return Reason.PERMISSION, f"link to {target}: {os.strerror(error.errno or 0)}"
    if stat.S_ISDIR(status.st_mode) and is_below(os.path.abspath(path), os.path.realpath(path)):  # noqa: PTH100
        return Reason.LINK_LOOP, f"link to {target}, a folder that it lies in"
    return None


def _kind(mode: int) -> str:
    kinds = {stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return f"{kinds.get(stat.S_IFMT(mode), 'no file')}; only regular files are read"
