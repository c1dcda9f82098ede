"""Compact: free the space of deleted points, unused embeddings, old previews and deleted rows.

    embeddings: used rows into files beside the old ones, then one transaction of their index
    engine: all points into a new collection, then the alias moves, then the old one is dropped
    previews of items that no collection has, leftovers of interrupted commands, and the free pages of the manifest

An interrupted run leaves each part either as it was or compacted; the next one does the rest.
"""

import shutil
import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import DamageError, OmnisearchError
from omnisearch.meter import SILENT, Meter
from omnisearch.renditions.kept import FOLDER as PREVIEWS
from omnisearch.renditions.kept import KeptRenditions
from omnisearch.stores.base import VectorStore
from omnisearch.stores.catalog import DIRECTORY, describe_store, open_current, swap
from omnisearch.stores.collections import list_collections
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.lock import hold_lock
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.open_manifest import open_manifest
from omnisearch_indexer.reconcile import reconcile
from omnisearch_indexer.snapshot import FOLDER as SNAPSHOTS
from omnisearch_indexer.snapshot import remove_partial
from omnisearch_indexer.stage import STAGE
from omnisearch_indexer.storage_errors import named_faults

BATCH_POINTS = 1024


@dataclass
class Compacted:
    """The bytes on the disk before and after, by part."""

    before: Mapping[str, int]
    after: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        return {"before": self.before, "after": self.after, "seconds": round(self.seconds, 3)}

    def rows(self) -> list[Mapping[str, Any]]:
        """One row per part, and their sum."""
        parts = [(name, size, self.after[name]) for name, size in self.before.items()]
        parts.append(("all", sum(self.before.values()), sum(self.after.values())))
        return [{"part": name, "before": before, "after": after} for name, before, after in parts]

    def __str__(self) -> str:
        given = sum(self.before.values()) - sum(self.after.values())
        if given <= 0:
            return f"there was nothing to free; it took {self.seconds:.1f} s"
        return f"{given:,} of {sum(self.before.values()):,} bytes were freed, in {self.seconds:.1f} s"


def compact_index(settings: Settings, meter: Meter = SILENT) -> Compacted:
    """Compact the index of the settings; searches continue. `meter` receives the points that are written again.

    A Qdrant server compacts its collections itself.

    Raises:
        NoIndexError: nothing was indexed yet.
        BusyError: another process indexes here.
        DamageError: the index lost points or its manifest: the embeddings are needed to repair it.
    """
    begun = time.monotonic()
    open_manifest(settings, checked=True).close()  # raises if there is none
    with named_faults(settings.index_dir), ExitStack() as stack:
        stack.enter_context(hold_lock(settings.index_dir))
        report = Compacted(_sizes(settings))
        manifest = stack.enter_context(closing(Manifest(settings.index_dir / MANIFEST_FILE, create=True)))
        manifest.claim(store=settings.store_name)
        raw = stack.enter_context(closing(SpaceEmbeddingStore(settings.index_dir / EMBEDDINGS_DIRECTORY)))
        with closing(open_current(settings)) as store:
            reconcile(manifest, store, raw, alone=False)
            raw.compact(_used_keys(store, manifest))
            if settings.store is None:
                _rewrite_points(store, settings, meter)
        _remove_leftovers(settings)
        _retain_previews(settings)
        manifest.vacuum()
    report.after = _sizes(settings)
    report.seconds = time.monotonic() - begun
    return report


def _used_keys(store: VectorStore, manifest: Manifest) -> Collection[str]:
    """Return the ids of the points of known items, and of those that an interrupted run was writing."""
    items = {item.id for item in manifest.items()}
    used = {point.id for point in store.scroll() if point.payload.item_id in items}
    if len(used) != manifest.segments():
        raise DamageError(
            f"the engine has {len(used):,} of {manifest.segments():,} points, so nothing was freed: run "
            f"`omnisearch repair` first"
        )
    return used | set(manifest.intents.keys(intent.item_id for intent in manifest.intents.all()))


def _rewrite_points(store: VectorStore, settings: Settings, meter: Meter) -> None:
    name = describe_store(settings)
    meter.start(store.count())
    points = store.scroll(with_vectors=True)
    with swap(settings, model=name.model, dim=name.dim, fingerprint=name.fingerprint) as fresh:
        while batch := list(islice(points, BATCH_POINTS)):
            fresh.upsert(batch)
            meter.advance(len(batch))


def _remove_leftovers(settings: Settings) -> None:
    """Remove what interrupted commands left: half-made collections and snapshots, and the stage of a restore."""
    for folder in settings.data_dir.glob(f"{SNAPSHOTS}/.*.partial"):
        remove_partial(folder)
    left = [settings.index_dir / STAGE]
    left += [one for pattern in (".new-*", ".old-*") for one in (settings.index_dir / DIRECTORY).glob(pattern)]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)


def _retain_previews(settings: Settings) -> None:
    """Delete previews of items that no collection has; none if a manifest cannot be read."""
    items: set[str] = set()
    for name in list_collections(settings):
        place = settings.model_copy(update={"collection": name}).index_dir / MANIFEST_FILE
        if place.exists():
            try:
                with closing(Manifest(place)) as manifest:
                    items.update(item.id for item in manifest.items())
            except OmnisearchError:
                return
    KeptRenditions(settings).retain(items)


def _sizes(settings: Settings) -> Mapping[str, int]:
    place = settings.index_dir
    manifest = sum(_size(path) for path in place.glob(f"{MANIFEST_FILE}*"))
    parts = {
        "embeddings": place / EMBEDDINGS_DIRECTORY,
        "vectors": place / DIRECTORY,
        "previews": settings.data_dir / PREVIEWS,
    }
    return {"manifest": manifest, **{name: sum(map(_size, folder.rglob("*"))) for name, folder in parts.items()}}


def _size(path: Path) -> int:
    """Return the bytes that a file takes on the disk; the engine's files have holes."""
    try:
        return path.lstat().st_blocks * 512
    except OSError:  # it was deleted meanwhile
        return 0
