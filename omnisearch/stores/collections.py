"""The collections of a data directory: indexes side by side. The default one is in the directory itself."""

import re
import shutil

from omnisearch.config import COLLECTION_NAME, COLLECTIONS, DEFAULT_COLLECTION, Settings
from omnisearch.errors import CollectionNotFoundError, ConflictError, SettingsError, UsageError
from omnisearch.stores.catalog import drop_index
from omnisearch.stores.lock import hold_lock

# The largest number: a list of them is one answer, and each may need an engine's process and files.
MOST = 256


def list_collections(settings: Settings) -> list[str]:
    """Return the names of all collections: the default one, which always exists, then the others in order."""
    folder = settings.data_dir / COLLECTIONS
    names = [path.name for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return [DEFAULT_COLLECTION, *sorted(name for name in names if re.fullmatch(COLLECTION_NAME, name))]


def collection_exists(settings: Settings) -> bool:
    """Return whether the collection of the settings exists, even if it is empty."""
    return settings.collection == DEFAULT_COLLECTION or settings.index_dir.is_dir()


def create_collection(settings: Settings) -> None:
    """Make the collection of the settings, with nothing in it. `omnisearch index` also makes one that is missing.

    Raises:
        ConflictError: the name is taken.
        UsageError: there are MOST collections.
        SettingsError: the data directory cannot be written.
    """
    taken = ConflictError(f"a collection {settings.collection!r} exists: choose another name, or use it")
    if collection_exists(settings):
        raise taken
    if len(list_collections(settings)) >= MOST:
        raise UsageError(f"there are {MOST} collections, and no more may be made: remove one that is not used")
    folder = settings.index_dir
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except OSError as error:
        if folder.is_dir():
            raise taken from None
        raise SettingsError(
            f"cannot write in {folder.parent}: {error.strerror}; free space on its disk, or choose another folder with "
            "--data-dir"
        ) from None


def remove_collection(settings: Settings) -> None:
    """Remove the collection of the settings: its vectors, embeddings and notes. Indexed files are not touched.

    Raises:
        UsageError: it is the default one, or its folder is a link.
        CollectionNotFoundError: no collection has this name.
        BusyError: it is being indexed.
        StoreError: the Qdrant server cannot be reached; nothing was removed.
    """
    folder = settings.index_dir
    if settings.collection == DEFAULT_COLLECTION:
        raise UsageError("the default collection is not removed: `omnisearch forget PATH` takes files out of it")
    if not folder.is_dir():
        raise CollectionNotFoundError(unknown(settings))
    if folder.is_symlink():
        raise UsageError(f"{folder} is a link: remove the collection by hand, the link and the folder behind it")
    aside = folder.with_name(f".removed-{folder.name}")  # not a valid name of a collection
    shutil.rmtree(aside, ignore_errors=True)  # left by a removal that was killed
    with hold_lock(folder):
        drop_index(settings)
        folder.rename(aside)
    shutil.rmtree(aside)


def unknown(settings: Settings) -> str:
    """Return the message that there is no collection of the name in the settings.

    It does not name the data directory, which is not for clients of a server to know.
    """
    return (
        f"there is no collection {settings.collection!r}: `omnisearch collections ls` lists all, and "
        f"`omnisearch index PATH --collection {settings.collection}` makes one"
    )
