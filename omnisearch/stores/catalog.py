"""Open the store that the settings name, and swap the collection behind its alias.

Readers follow the alias, so a rebuilt index replaces the old one in one step.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Protocol

from omnisearch.config import DEFAULT_COLLECTION, Settings, read_secret
from omnisearch.errors import NoIndexError, StoreError
from omnisearch.stores.base import VectorStore
from omnisearch.stores.collection_name import CollectionName
from omnisearch.stores.folders import DIRECTORY as DIRECTORY


class Catalog(Protocol):
    """The collections of one engine and the alias that names the one in use."""

    def alias(self) -> CollectionName | None:
        """Return the collection in use; None if nothing was indexed yet."""
        ...

    def names(self) -> list[CollectionName]:
        """Return all collections of omnisearch, in use or not."""
        ...

    def create(self, name: CollectionName) -> None:
        """Make an empty collection. An existing one is not changed."""
        ...

    def point(self, name: CollectionName) -> None:
        """Make the alias name this collection, in one step."""
        ...

    def drop(self, name: CollectionName) -> None:
        """Remove a collection. An unknown one is ignored."""
        ...

    def open(self, name: CollectionName, fingerprint: str) -> VectorStore:
        """Open an existing collection."""
        ...

    def close(self) -> None:
        """Close the connection to the engine; opened stores stay open."""
        ...


def open_store(settings: Settings, *, model: str, dim: int, fingerprint: str, create: bool) -> VectorStore:
    """Open the collection in use for a bound model, making the first one if `create`.

    Raises:
        NoIndexError: nothing was indexed yet and `create` is False.
        FingerprintError: the index was made by another model.
        StoreError: the engine or the server cannot be reached.
    """
    wanted = CollectionName(model, dim, fingerprint, collection=settings.collection)
    with closing(open_catalog(settings)) as catalog:
        current = catalog.alias()
        if current is not None:
            current.require(wanted)
        elif not create:
            raise nothing_indexed(settings, settings.store)
        if create:
            catalog.create(current or wanted)  # an older version may have made it with fewer indexes
        if current is None:
            catalog.point(wanted)
        return catalog.open(current or wanted, fingerprint)


def describe_store(settings: Settings) -> CollectionName:
    """Return the name of the collection in use, which names its model. Needs no model.

    Raises:
        NoIndexError: nothing was indexed yet.
        StoreError: the server cannot be reached.
    """
    with closing(open_catalog(settings)) as catalog:
        current = catalog.alias()
    if current is None:
        raise nothing_indexed(settings, settings.store)
    return current


def open_current(settings: Settings) -> VectorStore:
    """Open the collection in use, of any model.

    Raises:
        NoIndexError: nothing was indexed yet.
        StoreError: the engine or the server cannot be reached.
    """
    name = describe_store(settings)
    return open_store(settings, model=name.model, dim=name.dim, fingerprint=name.fingerprint, create=False)


def restore_alias(settings: Settings, *, model: str, dim: int, fingerprint: str) -> None:
    """If the alias is lost or unreadable, point it at the newest collection of this model, or at a new one."""
    with closing(open_catalog(settings)) as catalog:
        with suppress(StoreError):
            if catalog.alias() is not None:
                return
        made = CollectionName(model, dim, fingerprint, collection=settings.collection)
        fitting = [name for name in catalog.names() if name.fits(dim, fingerprint)]
        name = max(fitting, key=lambda name: name.version, default=made)
        if not fitting:
            catalog.create(name)
        catalog.point(name)


@contextmanager
def swap(settings: Settings, *, model: str, dim: int, fingerprint: str) -> Iterator[VectorStore]:
    """Fill a new collection in the body, then replace the one in use, which is dropped.

    The body writes to the yielded store while readers use the old one. If the body raises, the old one stays.
    """
    with closing(open_catalog(settings)) as catalog:
        current = catalog.alias()
        name = CollectionName(model, dim, fingerprint, collection=settings.collection)
        for other in catalog.names():
            if other != current:
                catalog.drop(other)  # left by an interrupted swap
        if current is not None and current.fits(dim, fingerprint):
            name = current.next()
        catalog.create(name)
        with closing(catalog.open(name, fingerprint)) as store:
            try:
                store.begin_load()
                yield store
                store.end_load()
            except BaseException:
                catalog.drop(name)
                raise
        catalog.point(name)
        if current is not None:
            catalog.drop(current)


def drop_index(settings: Settings) -> None:
    """Remove all vectors of the index. Processes that have it open get NoIndexError.

    Raises:
        StoreError: the server cannot be reached. Errors of an embedded engine are ignored: its files are removed.
    """
    if settings.store is None and not (settings.index_dir / DIRECTORY).is_dir():
        return
    with suppress(*(() if settings.store else (StoreError,))), closing(open_catalog(settings)) as catalog:
        for name in catalog.names():
            catalog.drop(name)


def remove_store(settings: Settings) -> None:
    """Remove all vectors of the index as `drop_index` does, and the folder of an embedded engine."""
    drop_index(settings)
    if settings.store is None:
        from omnisearch.stores.edge import remove_directory

        remove_directory(settings.index_dir / DIRECTORY)


def open_catalog(settings: Settings) -> Catalog:
    """Return the catalog of the embedded engine in the data directory, or of the server that `store` names."""
    if settings.store is None:
        from omnisearch.stores.edge import EdgeCatalog

        return EdgeCatalog(settings.index_dir / DIRECTORY)
    from omnisearch.stores.server_calls import connect
    from omnisearch.stores.server_catalog import Layout, ServerCatalog

    url, api_key = settings.store, read_secret(settings, "store_api_key")
    shape = settings.store_shards, settings.store_replicas, settings.store_quantization, settings.store_on_disk
    return ServerCatalog(lambda: connect(url, api_key), settings.collection, Layout(*shape))


def nothing_indexed(settings: Settings, place: str | None = None) -> NoIndexError:
    """Make the error for an index that does not exist: at `place`, else in the data directory."""
    named = "" if settings.collection == DEFAULT_COLLECTION else f" --collection {settings.collection}"
    return NoIndexError(f"nothing was indexed in {place or settings.index_dir} yet: run `omnisearch index PATH{named}`")
