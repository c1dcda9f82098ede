"""The walk: every file below the given paths, in order, without following a link or opening a file."""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self, TypeAlias

from omnisearch.errors import MediaError, Reason
from omnisearch.media.system_errors import reason_and_detail, reason_of
from omnisearch.paths import is_below, is_within, show_path
from omnisearch_indexer.batch import Batch, Entry
from omnisearch_indexer.globs import ALL, Globs
from omnisearch_indexer.ignore import IGNORE_FILE, Rules

# Files and folders that systems and programs leave in media folders.
DEFAULT_IGNORED = frozenset(
    {"$RECYCLE.BIN", "#recycle", "@eaDir", "System Volume Information", "Thumbs.db", "__pycache__"}
    | {"desktop.ini", "lost+found", "node_modules"}
)

BATCH = 1000
# From so many files of a folder on, opening the folder and looking them up in it saves time.
MANY = 8
# A folder whose path has more characters is not opened. The system refuses paths of 4,096 bytes, but not a name in an
# open folder: the walk would find a file that cannot be opened by its path.
MOST_ABOVE = 900
_FOLDER_FLAGS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC

# The rules of a folder and of those above it, the deepest last.
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

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Take it from an entry of the walk."""
        path, status, trouble = entry
        return cls(path, Signature(0, 0, 0, 0) if status is None else Signature.of(status), *(trouble or ()))


@dataclass
class _Listing:
    """The entries of a folder in order, of which the walk has `taken` some. Names of folders end with a slash."""

    folder: str
    names: list[str]
    rules: _Chain
    has_folders: bool
    taken: int = 0


@dataclass
class Walk:
    """One pass over `roots`: iterate once, over the files or over the `batches` of each root.

    System errors do not end the walk: it yields a file that cannot be read with the reason. `links` counts the links
    with an existing target; they are not followed. `unread` are the folders that could not be listed. `globs` select
    among the files that the ignore files leave.

    `within` are folders above `roots`: then the ignore files of the folders between them apply, too, and a root that
    does not exist or that they leave out has no files. `folders` gets the inodes of the listed folders, by path.

    `refused` are files in `roots` that are yielded with this reason and detail, and not looked at.
    """

    roots: Sequence[str]
    hidden: bool = False
    skip: frozenset[str] = frozenset()
    globs: Globs = ALL
    within: Sequence[str] = ()
    links: int = 0
    unread: list[str] = field(default_factory=list)
    folders: dict[str, int] | None = None
    refused: Mapping[str, tuple[Reason, str]] = field(default_factory=dict)
    _chains: dict[str, _Chain | None] = field(default_factory=dict, init=False)

    def __iter__(self) -> Iterator[FoundFile]:
        for root in self.roots:
            for batch in self.batches(root):
                yield from map(FoundFile.of, batch)

    def batches(self, root: str) -> Iterator[Batch]:
        """Walk one root and yield at most BATCH entries of one folder at a time.

        The entries are in the order of the bytes of their paths. Only folders that could not be listed and refused
        files come later.
        """
        rules = self._rules_above(root)
        if rules is None:
            return
        yield from self._listed(root, rules)
        refused: list[Entry] = [(path, None, why) for path, why in self.refused.items() if is_within(path, root)]
        if refused:
            yield Batch.of(refused)

    def leaves_out(self, path: str, root: str) -> bool:
        """Whether the names alone of a file in a root and of the folders above it leave it out; it need not exist.

        The rules of a folder, which are read from its ignore file, are those at the first call about a file below it.
        """
        chain: _Chain = ()
        folder = root
        for name in path[len(root) :].strip("/").split("/") if path != root else ():
            if folder not in self._chains:
                self._chains[folder] = _with_rules(folder, chain)
            if (below := self._chains[folder]) is None:
                return True
            chain, folder = below, f"{folder}/{name}"
            if self._ignored(folder, name, folder != path, chain, root):
                return True
        return False

    def _listed(self, root: str, rules: _Chain) -> Iterator[Batch]:
        """Walk one root that no rule leaves out."""
        try:
            is_folder = stat.S_ISDIR(os.lstat(root).st_mode)
        except OSError as error:
            if not self.within or error.errno not in (errno.ENOENT, errno.ENOTDIR):
                yield Batch.of([self._unlisted(root, error)])
            return
        if is_folder:
            yield from self._folders(root, rules)
        elif root not in self.refused and (batch := self._batch("", [root])):
            yield batch

    def spares(self, path: str, root: str) -> bool:
        """Whether `globs` alone leave out a file of this root that still exists: an earlier run may have indexed it."""
        return self.globs.leaves_out_file(path, self._top(root)) and os.path.lexists(path)

    def _top(self, root: str) -> str:
        return next((top for top in self.within if is_within(root, top)), root)

    def _rules_above(self, root: str) -> _Chain | None:
        """Return the rules of the folders from `within` down to a root; None if it is left out or behind a link."""
        folder = top = self._top(root)
        chain: _Chain = ()
        for name in root[len(top) :].strip("/").split("/") if root != top else ():
            path = str(Path(folder, name))
            try:
                if not stat.S_ISDIR(os.lstat(folder).st_mode):
                    return None
                own = Rules.read(folder)
                is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
            except MediaError:
                self.unread.append(folder)
                return None
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                    self.unread.append(path)
                return None
            chain = (*chain, own) if own else chain
            if self._ignored(path, name, is_folder, chain, top):
                return None
            folder = path
        return chain

    def _folders(self, root: str, rules: _Chain) -> Iterator[Batch]:
        """Walk a folder; `rules` are those of the folders above it."""
        top = self._top(root)
        deeper: str | None = root
        waiting: list[_Listing] = []
        while deeper or waiting:
            if deeper:
                try:
                    waiting.append(_list(deeper, rules))
                except (OSError, MediaError) as error:
                    yield Batch.of([self._unlisted(deeper, error)])
                    deeper = None
                    continue
                if self.folders is not None:
                    with suppress(OSError):
                        self.folders[deeper] = os.lstat(deeper).st_ino
            listing = waiting[-1]
            rules = listing.rules
            names, deeper = self._take(listing, top)
            if listing.taken == len(listing.names):
                waiting.pop()
            if names and (batch := self._batch(_above(listing.folder), names)):
                yield batch

    def _take(self, listing: _Listing, top: str) -> tuple[list[str], str | None]:
        """Take the names of the next files of a folder, and the path of the folder that follows them."""
        names, begin = listing.names, listing.taken
        end = min(begin + BATCH, len(names))
        folders = (n for n in range(begin, end) if names[n][-1] == "/") if listing.has_folders else iter(())
        place = next(folders, end)
        listing.taken = place
        files, deeper = self._sift(listing, names[begin:place], top), None
        if place < end:
            listing.taken += 1
            name = names[place][:-1]
            path = _above(listing.folder) + name
            deeper = None if self._ignored(path, name, True, listing.rules, top) else path
        return files, deeper

    def _sift(self, listing: _Listing, names: list[str], top: str) -> list[str]:
        """Return the names of the files of a folder that are not left out."""
        above = _above(listing.folder)
        if listing.rules or self.globs != ALL or any(path.startswith(above) for path in (*self.skip, *self.refused)):
            return [
                name
                for name in names
                if not self._ignored(path := above + name, name, False, listing.rules, top) and path not in self.refused
            ]
        kept = names if self.hidden else [name for name in names if name[0] != "."]
        return kept if DEFAULT_IGNORED.isdisjoint(kept) else [name for name in kept if name not in DEFAULT_IGNORED]

    def _ignored(self, path: str, name: str, is_folder: bool, rules: _Chain, top: str) -> bool:
        if name in DEFAULT_IGNORED or (name[0] == "." and not self.hidden) or path in self.skip:
            return True
        # The deepest ignore file with a matching rule decides, as in git.
        for rule in reversed(rules):
            if (verdict := rule.verdict(path, is_folder)) is not None:
                if verdict:
                    return True
                break
        return self.globs.leaves_out(path, is_folder, top)

    def _batch(self, above: str, names: list[str]) -> Batch:
        """Look at the files with these names in the folder `above`."""
        with suppress(OSError):  # one of them was deleted, say: `_entries` notes the reason
            batch = Batch(above, names, _stats(above, names))
            if batch.is_regular:
                return batch
        return Batch.of(self._entries(above + name for name in names))

    def _entries(self, paths: Iterable[str]) -> list[Entry]:
        entries: list[Entry] = []
        lstat, is_regular = os.lstat, stat.S_ISREG
        for path in paths:
            try:
                status = lstat(path)
                if is_regular(status.st_mode):
                    entries.append((path, status, None))
                elif not stat.S_ISLNK(status.st_mode):
                    entries.append((path, status, (Reason.NOT_REGULAR, _kind(status.st_mode))))
                elif trouble := _link_trouble(path):
                    entries.append((path, status, trouble))
                else:
                    self.links += 1
            except OSError as error:
                entries.append((path, None, reason_and_detail(error)))
        return entries

    def _unlisted(self, folder: str, error: OSError | MediaError) -> Entry:
        self.unread.append(folder)
        return folder, None, reason_and_detail(error)


def _list(folder: str, above: _Chain) -> _Listing:
    # A folder sorts like its content, so that the walk yields paths in the order of their bytes.
    try:
        with os.scandir(folder) as listing:
            names = [f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name for entry in listing]
    except OSError:  # of any entry, or of the folder, which fails again; a call for each entry would be slower
        with os.scandir(folder) as listing:
            names = [f"{entry.name}/" if _is_folder(entry) else entry.name for entry in listing]
    own = Rules.read(folder) if IGNORE_FILE in names else None
    # ASCII texts sort like their bytes.
    names.sort(key=None if all(map(str.isascii, names)) else os.fsencode)
    return _Listing(folder, names, (*above, own) if own else above, "/" in "".join(names))


def _with_rules(folder: str, above: _Chain) -> _Chain | None:
    """Return the rules of a folder and of those above it; None if its ignore file leaves it out, as in a walk."""
    try:
        own = Rules.read(folder)
    except (OSError, MediaError):
        return None
    return (*above, own) if own else above


def _stats(above: str, names: list[str]) -> list[os.stat_result]:
    """Return the `lstat` of files in the folder `above`.

    Raises:
        OSError: that of any of them failed.
    """
    if len(names) < MANY or len(above) > MOST_ABOVE:
        lstat = os.lstat
        return [lstat(above + name) for name in names]
    look, folder = os.stat, os.open(above, _FOLDER_FLAGS)
    try:  # saves a fifth of the time, in which the system looks up the folders of each path
        return [look(name, dir_fd=folder, follow_symlinks=False) for name in names]
    finally:
        os.close(folder)


def _above(folder: str) -> str:
    return f"{folder.rstrip('/')}/"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:  # some file systems need a `stat` for the type of an entry; it fails again below, with a reason
        return False


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
