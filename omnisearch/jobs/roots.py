"""Index roots: the only folders that jobs may index, so that clients of the API cannot read other files."""

import os
from collections.abc import Sequence
from pathlib import Path

from omnisearch.config import Settings
from omnisearch.errors import RootError
from omnisearch.paths import find_path, is_within, show_path

UPLOADED_DIRECTORY = "uploaded"


def uploaded_dir(settings: Settings) -> Path:
    """Return the folder of indexed uploads, which is a root too."""
    return settings.data_dir / UPLOADED_DIRECTORY


def check_roots(paths: Sequence[str], settings: Settings) -> list[str]:
    """Return the real paths, without links and `..`, as `show_path` shows them; each is in a root of the settings.

    Raises:
        RootError: a path is relative, or outside all roots.
    """
    roots = [os.path.realpath(root) for root in (*settings.index_roots, uploaded_dir(settings))]
    return [_inside(path, roots) for path in paths]


def _inside(path: str, roots: Sequence[str]) -> str:
    if not Path(path).is_absolute() or "\0" in path:
        raise RootError(f"{path!r} is not an absolute path: send the path of the file on the server")
    real = os.path.realpath(find_path(path))
    if not any(is_within(real, root) for root in roots):
        raise RootError(
            f"{path!r} is in no folder that the API may index: list such folders in the server's setting `index_roots` "
            "(OMNISEARCH_INDEX_ROOTS=/photos,/music)"
        )
    return show_path(real)
