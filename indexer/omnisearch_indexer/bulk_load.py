"""Delay the building of search indexes while the points of many files are written."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from omnisearch.errors import StoreError
from omnisearch.stores.base import VectorStore

# Indexes of a few more points are built in moments.
BULK_FILES = 1000


@contextmanager
def bulk_load(store: VectorStore, files: int) -> Iterator[None]:
    """Begin a load if it is large, and end it, also one that a crash has interrupted."""
    if files >= BULK_FILES:
        store.begin_load()
    try:
        yield
    except BaseException:
        with suppress(StoreError):  # the next run ends the load
            store.end_load()
        raise
    store.end_load()
