"""Forget: remove everything at and below a path from the index. The path need not exist; no file is deleted.

Copies of objects are no files of the user: they are deleted with their address.
"""

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.paths import find_path, is_below, show_path
from omnisearch.renditions.kept import KeptRenditions
from omnisearch.stores.catalog import open_current
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.lock import hold_lock
from omnisearch_indexer.absent import replace_absent_folders
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.object_store.address import ObjectAddress, Place, addresses_in, local_path
from omnisearch_indexer.object_store.mirror import remove_mirrors
from omnisearch_indexer.open_manifest import open_manifest
from omnisearch_indexer.reconcile import reconcile, settle
from omnisearch_indexer.storage_errors import named_faults


@dataclass(frozen=True)
class Forgotten:
    """The removed entries: `files` of the manifest, and the `items` and `segments` that no other file holds.

    `roots` are the indexed folders above the given paths. Indexing them again adds forgotten files that still exist.
    """

    files: int
    items: int
    segments: int
    roots: Sequence[str]

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        return asdict(self)

    def __str__(self) -> str:
        text = f"{self.files:,} files forgotten; {self.items:,} items with {self.segments:,} segments removed"
        if self.roots:
            roots = " ".join(map(shlex.quote, self.roots))
            text += f". `omnisearch index {roots}` adds files that still exist again: list them in .omnisearchignore to"
            text += " leave them out"
        return text


def forget_paths(places: Sequence[Place], settings: Settings) -> Forgotten:
    """Remove the files, roots and labels at and below `places` from the index, and the items that no other file holds.

    The copies of the objects at addresses are deleted.

    Raises:
        NoIndexError: nothing was indexed yet.
        UsageError: nothing at or below a place is indexed; nothing was removed.
        BusyError: another process indexes here.
        FingerprintError: the index is kept in another store.
    """
    paths = [local_path(place, settings) for place in places]
    addresses = addresses_in(places)
    forgotten = _forget(settings, lambda manifest: [_known(path, manifest) for path in paths], addresses)
    if addresses:
        remove_mirrors(addresses, settings)
    return forgotten


def forget_items(item_ids: Sequence[str], settings: Settings) -> Forgotten:
    """Remove items from the index, with every file that holds them; unknown ids are ignored. Raises as above."""
    return _forget(settings, lambda manifest: [row.path for item_id in item_ids for row in manifest.holders(item_id)])


def _forget(
    settings: Settings, find_places: Callable[[Manifest], Sequence[str]], addresses: Sequence[ObjectAddress] = ()
) -> Forgotten:
    open_manifest(settings, checked=True).close()  # raises if there is none
    with named_faults(settings.index_dir), ExitStack() as stack:
        stack.enter_context(hold_lock(settings.index_dir))
        manifest = stack.enter_context(closing(Manifest(settings.index_dir / MANIFEST_FILE, create=True)))
        places = find_places(manifest)
        manifest.claim(store=settings.store_name)
        store = stack.enter_context(closing(open_current(settings)))
        raw = stack.enter_context(closing(SpaceEmbeddingStore(settings.index_dir / EMBEDDINGS_DIRECTORY)))
        reconcile(manifest, store, raw, alone=False)
        items, segments = _size(manifest)
        with manifest.transaction():
            files = sum(manifest.drop_below(place) for place in places)
        KeptRenditions(settings).delete(settle(manifest, store, raw))
        items_left, segments_left = _size(manifest)
        above = [show_path(root) for root in manifest.roots() if any(is_below(place, root) for place in places)]
        replace_absent_folders(settings.index_dir, [*places, *map(str, addresses)])
    return Forgotten(files, items - items_left, segments - segments_left, above)


def _known(path: Path, manifest: Manifest) -> str:
    """Return the path as stored in the manifest. It may be missing on the disk, or escaped by `show_path`."""
    spellings = (path, find_path(str(path)))
    for place in (*map(os.path.abspath, spellings), *map(os.path.realpath, spellings)):
        if manifest.knows(place):
            return place
    raise UsageError(f"{show_path(str(path))}: nothing there is indexed; `omnisearch status` lists the roots")


def _size(manifest: Manifest) -> tuple[int, int]:
    """Return the numbers of items and segments."""
    counts = manifest.modalities().values()
    return sum(items for items, _ in counts), sum(segments for _, segments in counts)
