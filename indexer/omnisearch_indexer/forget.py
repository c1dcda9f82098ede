"""Forgetting: what is below a path leaves the index, whether or not the path exists. No file is opened or deleted."""

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.paths import find_path, show_path
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.kept_places import read_kept_places, write_kept_places
from omnisearch.stores.open import open_current
from omnisearch_indexer.lock import hold_lock
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.reconcile import reconcile, settle
from omnisearch_indexer.roots import is_below, is_within
from omnisearch_indexer.storage import named_faults


@dataclass(frozen=True)
class Forgotten:
    """What a run removed: `files` from the manifest, `items` and their `segments` that no other file holds.

    `roots` are those above the given paths: indexing them again reads what was forgotten and still exists.
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
            text += f". `omnisearch index {' '.join(self.roots)}` reads again what still exists: name it in"
            text += " .omnisearchignore to leave it out"
        return text


def forget_paths(paths: Sequence[Path], settings: Settings) -> Forgotten:
    """Remove the files, roots and labels at and below `paths` from the index, and the items that no other file holds.

    Raises:
        NoIndexError: nothing was indexed yet.
        UsageError: nothing is known at or below a path; nothing was removed.
        BusyError: another process indexes here.
        FingerprintError: the index is kept in another store.
    """
    database = settings.data_dir / MANIFEST_FILE
    Manifest(database).close()  # raises where there is none
    with named_faults(settings.data_dir), ExitStack() as stack:
        stack.enter_context(hold_lock(settings.data_dir))
        manifest = stack.enter_context(closing(Manifest(database, create=True)))
        places = [_known(path, manifest) for path in paths]
        manifest.claim(store=settings.store or "embedded")
        store = stack.enter_context(closing(open_current(settings)))
        raw = stack.enter_context(closing(SpaceEmbeddingStore(settings.data_dir / EMBEDDINGS_DIRECTORY)))
        reconcile(manifest, store, raw, alone=False)
        items, segments = _size(manifest)
        with manifest.transaction():
            files = sum(manifest.leave(place) for place in places)
        settle(manifest, store, raw)
        items_left, segments_left = _size(manifest)
        above = [show_path(root) for root in manifest.roots() if any(is_below(place, root) for place in places)]
        _forget_kept(settings.data_dir, places)
    return Forgotten(files, items - items_left, segments - segments_left, above)


def _known(path: Path, manifest: Manifest) -> str:
    """Return the path as the manifest knows it. It may be gone, or written as `show_path` showed it."""
    spellings = (path, find_path(str(path)))
    for place in (*map(os.path.abspath, spellings), *map(os.path.realpath, spellings)):
        if manifest.knows(place):
            return place
    raise UsageError(f"{show_path(str(path))}: nothing there is indexed; `omnisearch status` lists the roots")


def _size(manifest: Manifest) -> tuple[int, int]:
    """Items and segments."""
    counts = manifest.modalities().values()
    return sum(items for items, _ in counts), sum(segments for _, segments in counts)


def _forget_kept(data_dir: Path, places: Sequence[str]) -> None:
    shown = [show_path(place) for place in places]
    kept = [one for one in read_kept_places(data_dir) if not any(is_within(one.path, place) for place in shown)]
    write_kept_places(data_dir, kept)
