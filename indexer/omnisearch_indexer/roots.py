"""Roots: the files and folders that the user gives to one run."""

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from omnisearch.paths import is_below, is_within


@dataclass(frozen=True)
class Roots:
    """Absolute paths, sorted. `missing` maps each path that cannot be reached to the reason."""

    present: Sequence[str]
    missing: Mapping[str, str]


def changed_places(paths: Sequence[Path], within: Sequence[str]) -> Roots:
    """Return the places in the roots `within` that changed; those of a root that cannot be reached are left out."""
    reachable = [root for root in within if os.path.exists(root)]  # noqa: PTH110 - a link was followed to it before
    places = {str(path) for path in paths if any(is_within(str(path), root) for root in reachable)}
    return Roots(tops(places), {})


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
    return Roots(tops(roots), missing)


def tops(paths: set[str]) -> list[str]:
    """Return the paths that are below no other one, sorted."""
    found: list[str] = []
    for path in sorted(paths, key=lambda path: os.fsencode(path) + b"/"):  # a folder right before what is below it
        if not found or not is_below(path, found[-1]):
            found.append(path)
    return sorted(found, key=os.fsencode)
