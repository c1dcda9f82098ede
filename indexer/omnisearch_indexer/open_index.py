"""The parts of an index that is open for writing: its lock, model, store, embeddings and manifest."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omnisearch.config import Settings
from omnisearch.meter import SILENT, Meter
from omnisearch.stores.lock import IndexLock
from omnisearch_indexer.facts_version import facts_version
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest

if TYPE_CHECKING:
    from omnisearch.binding.model import OmniBind
    from omnisearch.stores.base import VectorStore
    from omnisearch.stores.embeddings import SpaceEmbeddingStore


@dataclass(frozen=True, eq=False)
class OpenIndex:
    """An index that is open for writing. The caller holds its lock."""

    lock: IndexLock
    model: "OmniBind"
    store: "VectorStore"
    raw: "SpaceEmbeddingStore"
    manifest: Manifest

    def is_complete(self, alone: bool) -> bool:
        """Whether nothing is left to do, and the counts of all parts agree; `alone` as in `reconcile`."""
        manifest, segments = self.manifest, self.manifest.segments()
        if not manifest.is_settled(facts_version()) or len(manifest.intents) or manifest.items_without_metadata("", 1):
            return False
        is_whole = self.raw.is_complete() and self.raw.count() >= segments
        return is_whole and (not alone or self.store.count() == segments)


@contextmanager
def open_index(settings: Settings, lock: IndexLock, model: "OmniBind | None" = None) -> Iterator[OpenIndex]:
    """Open the index of the settings, or create it, and make its parts consistent. `model` is theirs, if it is loaded.

    Raises:
        FingerprintError: the index was made by another model.
        ModelMissingError: the model or its weights are not on this machine.
        StoreError: the disk of the data directory is full or failing, or the index is damaged.
    """
    with open_lazily(settings, lock, model) as lazy:
        yield lazy.open()


class LazyIndex:
    """A manifest, and the index that it belongs to, which is opened when it is needed. `index` is None until then."""

    def __init__(self, manifest: Manifest, opening: Callable[[], OpenIndex]) -> None:
        self.manifest, self._opening = manifest, opening
        self.index: OpenIndex | None = None

    def open(self) -> OpenIndex:
        """Open the index; it stays open."""
        self.index = self.index or self._opening()
        return self.index


@contextmanager
def open_lazily(
    settings: Settings,
    lock: IndexLock,
    model: "OmniBind | None" = None,
    checked: bool = False,
    meter: Meter = SILENT,
) -> Iterator[LazyIndex]:
    """Open the manifest of the settings, or create it. Raises as `open_index`.

    If the index was `checked` since it last changed, its parts are consistent, and are opened as they are. `meter`
    receives the progress of calibrating the model, in samples, if that is needed.
    """

    def load() -> "OmniBind":
        from omnisearch.binding.model import OmniBind

        return OmniBind.load(settings.model, settings, meter=meter)

    with ExitStack() as stack:
        loaded = model if model or checked else load()  # without a model, no manifest is created
        path = settings.index_dir / MANIFEST_FILE
        manifest = stack.enter_context(closing(Manifest(path, create=True, checked=checked)))
        if checked and settings.store is not None:
            _find_collection(settings, manifest)
        yield LazyIndex(
            manifest, lambda: stack.enter_context(_open_parts(settings, lock, manifest, loaded or load(), checked))
        )


@contextmanager
def _open_parts(
    settings: Settings, lock: IndexLock, manifest: Manifest, model: "OmniBind", checked: bool
) -> Iterator[OpenIndex]:
    from omnisearch.stores.catalog import open_store
    from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
    from omnisearch_indexer.audit import mark_lost_embeddings
    from omnisearch_indexer.identity import identity_of
    from omnisearch_indexer.open_manifest import require_no_points
    from omnisearch_indexer.reconcile import reconcile

    identity = {**identity_of(model, settings), "store": settings.store_name}
    is_new = not manifest.is_bound
    manifest.require(**identity)
    with (
        closing(
            open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=True)
        ) as store,
        closing(SpaceEmbeddingStore(settings.index_dir / EMBEDDINGS_DIRECTORY)) as raw,
    ):
        if is_new and settings.store is None:
            require_no_points(store, settings)
        manifest.claim(**identity)
        if not checked:
            reconcile(manifest, store, raw, alone=settings.store is None)
            mark_lost_embeddings(manifest, store, raw, model)
        yield OpenIndex(lock, model, store, raw, manifest)


def _find_collection(settings: Settings, manifest: Manifest) -> None:
    """Check that the server has the collection of the manifest: its files are not on this machine."""
    from omnisearch.stores.catalog import open_store

    known = manifest.meta()
    model, dim, fingerprint = known["model"], int(known["dim"]), known["fingerprint"]
    open_store(settings, model=model, dim=dim, fingerprint=fingerprint, create=True).close()
