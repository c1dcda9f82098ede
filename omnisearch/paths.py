"""Paths as text and back: a name on a disk is bytes, and what we store, show and send is UTF-8."""

import os
import re
from pathlib import Path

_ESCAPE = re.compile("%(25|[89A-F][0-9A-F])")


def show_path(path: str) -> str:
    """Return a path as text: as it is, or, where bytes of it are no UTF-8, with those as %XX and a % as %25."""
    if not any("\udc80" <= c <= "\udcff" for c in path):
        return path
    return "".join(f"%{ord(c) & 0xFF:02X}" if c == "%" or "\udc80" <= c <= "\udcff" else c for c in path)


def find_path(shown: str) -> Path:
    """Return the path that `show_path` showed: the one of that very name where there is one, else of those bytes."""
    literal = Path(shown)
    if os.path.lexists(literal) or not _ESCAPE.search(shown):
        return literal
    return Path(_ESCAPE.sub(lambda m: "%" if m[1] == "25" else chr(0xDC00 + int(m[1], 16)), shown))


def is_missing(shown: str) -> bool:
    """Whether no file exists at a path that `show_path` showed. One that may not be looked up is not missing."""
    try:
        os.lstat(find_path(shown) if _ESCAPE.search(shown) else shown)  # a page of hits asks for each of them
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def is_below(path: str, folder: str) -> bool:
    """Whether `path` lies below `folder`, by name alone."""
    return path.startswith(folder.rstrip("/") + "/")


def is_within(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it, by name alone."""
    return path == folder or is_below(path, folder)
