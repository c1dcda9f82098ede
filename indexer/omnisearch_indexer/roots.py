"""Roots: the files and folders that one run is asked to index."""

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Roots:
    """Absolute paths, sorted. `missing` cannot be reached now and says why."""

    present: Sequence[str]
    missing: Mapping[str, str]


def resolve_roots(paths: Sequence[Path]) -> Roots:
    """Make the given paths absolute, once each, and drop those that lie below another; links in them are followed."""
    roots: set[str] = set()
    missing: dict[str, str] = {}
    for path in paths:
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
            root = os.path.realpath(path, strict=True)
            if not os.access(root, os.R_OK | (os.X_OK if is_folder else 0)):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            # realpath follows each link of a chain in a call of its own, and this chain has no end or is very long.
            shown = path.absolute() if error.errno == errno.ELOOP else os.path.realpath(path)
            missing[str(shown)] = os.strerror(error.errno or 0)
        else:
            roots.add(root)
    tops = sorted((r for r in roots if not any(is_below(r, other) for other in roots - {r})), key=os.fsencode)
    return Roots(tops, missing)


def is_below(path: str, folder: str) -> bool:
    """Whether `path` lies below `folder`, by name alone."""
    return path.startswith(folder.rstrip("/") + "/")


def is_within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it, by name alone."""
    return path == folder or is_below(path, folder)
