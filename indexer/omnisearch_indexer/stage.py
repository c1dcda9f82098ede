"""Stage: make a new index beside its place, and put it in place at the end; so an interrupted one is no index."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from omnisearch.config import Settings
from omnisearch.durable import sync
from omnisearch.errors import ConflictError, StoreError
from omnisearch.stores.catalog import open_catalog, remove_store
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY
from omnisearch.stores.lock import hold_lock, remove_locks
from omnisearch_indexer.manifest import MANIFEST_FILE
from omnisearch_indexer.storage_errors import named_faults

STAGE = ".restoring"


@contextmanager
def stage_index(settings: Settings) -> Iterator[Path]:
    """Yield a folder for `embeddings` and `manifest.sqlite`, which are put in place at the end, the manifest last.

    The block fills the collection. If it raises, nothing is left. If the process dies, the next call starts from the
    beginning.

    Raises:
        ConflictError: the settings name an index that is not empty.
        BusyError: another process indexes there.
    """
    place = settings.index_dir
    with named_faults(place), ExitStack() as stack:
        is_new = not place.exists()
        stack.enter_context(hold_lock(place))
        stage = place / STAGE
        try:
            _require_empty(settings)
            shutil.rmtree(stage, ignore_errors=True)
            stage.mkdir()
            sync(place)
            yield stage
        except ConflictError:
            raise
        except BaseException:
            shutil.rmtree(stage, ignore_errors=True)
            with suppress(StoreError):  # an unreachable server keeps the vectors; the error of the block is shown
                remove_store(settings)
            remove_locks(place)
            if is_new:
                with suppress(OSError):  # another program may have put files there
                    place.rmdir()
            raise
        sync(stage / EMBEDDINGS_DIRECTORY)
        shutil.rmtree(place / EMBEDDINGS_DIRECTORY, ignore_errors=True)  # of an interrupted stage
        (stage / EMBEDDINGS_DIRECTORY).rename(place / EMBEDDINGS_DIRECTORY)
        sync(place)
        (stage / MANIFEST_FILE).rename(place / MANIFEST_FILE)
        sync(place)
        shutil.rmtree(stage)


def _require_empty(settings: Settings) -> None:
    place = settings.index_dir
    with closing(open_catalog(settings)) as catalog:
        used = catalog.alias() is not None or (place / EMBEDDINGS_DIRECTORY).exists()
    if (place / MANIFEST_FILE).exists() or (used and not (place / STAGE).exists()):
        raise ConflictError(
            f"{place} holds an index: choose another folder with --data-dir, or another collection with --collection"
        )
