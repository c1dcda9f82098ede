"""Roots: the files and folders that the user gives to one run."""

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omnisearch.paths import is_below


@dataclass(frozen=True)
class Roots:
    """Absolute paths, sorted. `missing` maps each path that cannot be reached to the reason."""

    present: Sequence[str]
    missing: Mapping[str, str]


def resolve_roots(paths: Sequence[Path]) -> Roots:
    """Make the paths absolute, follow links, and drop duplicates and paths below another path."""
    roots: set[str] = set()
    missing: dict[str, str] = {}
    for path in paths:
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)
            root = os.path.realpath(path, strict=True)
            if not os.access(root, os.R_OK | (os.X_OK if is_folder else 0)):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            # realpath recurses once per link of a chain, and this chain is endless or very long.
            shown = path.absolute() if error.errno == errno.ELOOP else os.path.realpath(path)
            missing[str(shown)] = os.strerror(error.errno or 0)
        else:
            roots.add(root)
    tops = sorted((r for r in roots if not any(is_below(r, other) for other in roots - {r})), key=os.fsencode)
    return Roots(tops, missing)
