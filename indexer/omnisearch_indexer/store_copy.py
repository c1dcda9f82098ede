"""Copy the points of an index to another store: from the embedded engine to a Qdrant server, or back.

copy points into the collection of the target -> compare every point -> move the alias -> note the store in the manifest

The source is only read. If a copy is interrupted, the index stays in its source, and the next copy continues.
"""

import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from omnisearch.config import EMBEDDED, Settings, check_store_url
from omnisearch.errors import DamageError, FingerprintError, StoreError, UsageError
from omnisearch.meter import SILENT, Meter
from omnisearch.stores.catalog import Catalog, describe_store, nothing_indexed, open_catalog, open_current
from omnisearch.stores.collection_name import CollectionName
from omnisearch.stores.collections import list_collections
from omnisearch.stores.lock import hold_lock
from omnisearch.stores.point_copy import Endpoints, PointCopy
from omnisearch_indexer.bulk_load import bulk_load
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.storage_errors import named_faults


@dataclass(frozen=True)
class StoreCopy:
    """The result of a copy. `source` and `target` are `embedded` or the URL of a server.

    `points` is the number in both, of which `written` were missing or different in the target. `removed` points were
    only in the target. `foreign` is the number of points on the server whose items this index does not have.
    `collections` are the other collections of the data directory that are not in the target.
    """

    source: str
    target: str
    collection: str
    points: int
    written: int
    removed: int
    foreign: int
    collections: tuple[str, ...]
    seconds: float

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        return {**asdict(self), "collections": list(self.collections), "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        text = (
            f"{self.points:,} points in {self.target} are equal to those in {self.source}: {self.written:,} were "
            f"written, {self.removed:,} removed, in {self.seconds:.1f} s\n"
        )
        if self.foreign:
            text += f"{self.foreign:,} other points there are of items that this index does not have; they stay\n"
        text += (
            f"The index now belongs to {self.target}: {self._setting}, and restart `omnisearch serve`. The points in "
            f"{self.source} were not changed, and are no longer updated"
        )
        if self.collections:
            text += f"\nNot copied yet, with --collection: {', '.join(self.collections)}"
        return text

    @property
    def _setting(self) -> str:
        if self.target == EMBEDDED:
            return "remove `store` from omnisearch.toml and OMNISEARCH_STORE from the environment"
        return f'set store = "{self.target}" in omnisearch.toml, or OMNISEARCH_STORE={self.target}'


def copy_store(settings: Settings, target: str, copying: Meter = SILENT, comparing: Meter = SILENT) -> StoreCopy:
    """Copy the points of an index from its store to `target`, which is `embedded` or the URL of a server.

    The index then belongs to the target: later runs need settings that name it. The meters receive the points that
    were copied, and those that were compared.

    Raises:
        UsageError: the index is in the target.
        NoIndexError: nothing was indexed yet.
        BusyError: another process indexes here.
        FingerprintError: the target has an index of another model.
        DamageError: the source lost points.
        StoreError: an engine failed, or the copy differs from its source.
    """
    begun = time.monotonic()
    path = settings.index_dir / MANIFEST_FILE
    if not path.exists():
        raise nothing_indexed(settings)
    with named_faults(settings.index_dir), ExitStack() as stack:
        stack.enter_context(hold_lock(settings.index_dir))
        manifest = stack.enter_context(closing(Manifest(path, create=True)))
        present = manifest.meta().get("store", settings.store_name)
        if target == present:
            raise UsageError(f"the index is in {target} already: name another store with --to")
        at, to = _in_store(settings, present), _in_store(settings, target)
        source = stack.enter_context(closing(open_current(at)))
        catalog = stack.enter_context(closing(open_catalog(to)))
        name = _collection_for(describe_store(at), catalog, target)
        catalog.create(name)
        copy = stack.enter_context(closing(catalog.open(name, source.fingerprint)))
        ends = Endpoints(source, copy, manifest.known_items, alone=to.store is None)
        copying.start(count := source.count())
        with bulk_load(copy, count):
            copied = ends.copy(copying)
        _require_whole(copied, manifest)
        comparing.start(count)
        _require_equal(ends.compare(comparing), copied, copy.count())
        if catalog.alias() != name:
            catalog.point(name)
        with manifest.transaction():
            manifest.rename(store=to.store_name)
    return StoreCopy(
        present,
        target,
        str(name),
        copied.points,
        copied.changed,
        copied.stale,
        copied.foreign,
        tuple(_other_collections(settings, target)),
        time.monotonic() - begun,
    )


def _in_store(settings: Settings, name: str) -> Settings:
    check_store_url(name)
    return settings.model_copy(update={"store": None if name == EMBEDDED else name})


def _collection_for(source: CollectionName, catalog: Catalog, target: str) -> CollectionName:
    """Return the name of the collection to fill: the one in use in the target, or else the first of this model."""
    current = catalog.alias()
    if current is None:
        return replace(source, version=1)
    if not current.fits(source.dim, source.fingerprint):
        raise FingerprintError(
            f"{target} has an index of model {current.model!r} (fingerprint {current.fingerprint}, {current.dim} "
            f"dimensions), and this one is of {source.model!r} (fingerprint {source.fingerprint}, {source.dim} "
            f"dimensions): nothing was copied; name another server with --to, or remove its collection {current}"
        )
    return current


def _require_whole(copied: PointCopy, manifest: Manifest) -> None:
    if copied.points != manifest.segments():
        raise DamageError(
            f"the index has {copied.points:,} of {manifest.segments():,} points, so it stays in its store: run "
            f"`omnisearch repair`, then copy again"
        )


def _require_equal(compared: PointCopy, copied: PointCopy, count: int) -> None:
    wrong = compared.changed + compared.stale
    if wrong or (compared.points, count) != (copied.points, copied.points + compared.foreign):
        raise StoreError(
            f"the copy has {count:,} points and the source {copied.points:,}, and {wrong:,} differ: the index stays in "
            f"its store; run the command again, which copies those that differ"
        )


def _other_collections(settings: Settings, target: str) -> list[str]:
    """Return the other collections of the data directory whose index is not in the target."""
    found = []
    for name in list_collections(settings):
        path = settings.model_copy(update={"collection": name}).index_dir / MANIFEST_FILE
        if name != settings.collection and path.exists():
            with closing(Manifest(path)) as manifest:
                if manifest.meta().get("store", target) != target:
                    found.append(name)
    return found
