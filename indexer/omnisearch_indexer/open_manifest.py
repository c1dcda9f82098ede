"""Open the manifest of an index for reading. If it is lost, the error names `omnisearch repair`."""

from contextlib import closing
from typing import TYPE_CHECKING

from omnisearch.config import Settings
from omnisearch.errors import DamageError, NoIndexError
from omnisearch.stores.folders import DIRECTORY
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest

if TYPE_CHECKING:
    from omnisearch.stores.base import VectorStore


def open_manifest(settings: Settings, checked: bool = False) -> Manifest:
    """Open the manifest of the settings for reading; `checked` as in `Manifest`.

    Raises:
        NoIndexError: nothing was indexed yet.
        DamageError: the manifest is damaged, or it is missing or empty although the embedded engine has points.
    """
    try:
        manifest = Manifest(settings.index_dir / MANIFEST_FILE, checked=checked)
    except NoIndexError:
        from omnisearch.stores.catalog import nothing_indexed

        _look_for_points(settings)
        raise nothing_indexed(settings) from None
    try:
        if not manifest.is_bound:
            _look_for_points(settings)
    except BaseException:
        manifest.close()
        raise
    return manifest


def require_no_points(store: "VectorStore", settings: Settings) -> None:
    """Check that the engine of an index without a manifest is empty.

    Raises:
        DamageError: it has points.
    """
    if points := store.count():
        path = settings.index_dir / MANIFEST_FILE
        raise DamageError(f"{path} is missing or empty, and the engine has {points:,} points: run `omnisearch repair`")


def _look_for_points(settings: Settings) -> None:
    # A server may have the points of other data directories.
    if settings.store is not None or not (settings.index_dir / DIRECTORY).is_dir():
        return
    from omnisearch.stores.catalog import open_current

    try:
        store = open_current(settings)
    except NoIndexError:
        return
    with closing(store):
        require_no_points(store, settings)
