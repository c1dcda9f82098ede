"""Folders below an index root, by name, so that a user can choose one without typing its path."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from omnisearch.errors import NotFoundError
from omnisearch.paths import find_path, show_path

MOST_FOLDERS = 1000
MOST_ENTRIES = 100_000  # of one folder, read to find the folders in it


@dataclass(frozen=True)
class FolderList:
    """The folder at `path` and the names of the folders in it, sorted; `more` is true if some were left out."""

    path: str
    folders: list[str]
    more: bool


def list_folders(root: Path, below: str) -> FolderList:
    """List the folders in the folder `below` a root; "" is the root itself. Links and hidden folders are left out.

    Raises:
        NotFoundError: there is no such folder, a link leads to it, or it may not be read.
    """
    top = os.path.realpath(root)
    names = [name for name in below.split("/") if name]
    try:
        if any(name in (".", "..") for name in names):
            raise FileNotFoundError
        place = str(find_path(str(Path(top, *names))))
        with _opened(top, place[len(top) :].strip("/")) as folder, os.scandir(folder) as entries:
            seen = list(islice(entries, MOST_ENTRIES + 1))
            found = sorted(e.name for e in seen if not e.name.startswith(".") and e.is_dir(follow_symlinks=False))
    except (OSError, ValueError):
        raise NotFoundError(
            f"there is no folder {below!r} in this root that may be read; links are not followed"
        ) from None
    more = len(seen) > MOST_ENTRIES or len(found) > MOST_FOLDERS
    return FolderList(show_path(place), [_shown(place, name) for name in found[:MOST_FOLDERS]], more)


@contextmanager
def _opened(top: str, below: str) -> Iterator[int]:
    """Open a folder name by name, so that no part of its path is a link."""
    folder = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in filter(None, below.split("/")):
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


def _shown(place: str, name: str) -> str:
    """Return the last name of the path of a folder as text; a name that is no UTF-8 is escaped, as in the path."""
    return show_path(f"{place}/{name}").rpartition("/")[2]
