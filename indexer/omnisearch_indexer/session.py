"""One run of `omnisearch index`: take the lock, and open and close the parts in order."""

import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.media.pool import DecoderPool, fingerprint
from omnisearch.meter import SILENT, Meter
from omnisearch.paths import show_path
from omnisearch.stores.base import VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.lock import hold_lock
from omnisearch_indexer.absent import replace_absent_folders
from omnisearch_indexer.audit import mark_lost_embeddings
from omnisearch_indexer.indexer import Indexer
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.path_labels import Labels
from omnisearch_indexer.reconcile import reconcile
from omnisearch_indexer.report import Outcome, Report
from omnisearch_indexer.roots import Roots, resolve_roots
from omnisearch_indexer.scan import Choices, ScanResult, scan
from omnisearch_indexer.storage_errors import named_faults
from omnisearch_indexer.walk import Walk

log = logging.getLogger(__name__)


def index_files(
    paths: Sequence[Path],
    settings: Settings,
    retry_failed: bool = False,
    hidden: bool = False,
    labels: Labels | None = None,
    relabel: bool = False,
    prune: bool = False,
    stop: threading.Event | None = None,
    meter: Meter = SILENT,
) -> Report:
    """Bring the index of the settings up to date with the files at and below `paths`, which get `labels`.

    `relabel` deletes earlier labels of these paths. `prune` removes known files that are not found, even if their whole
    root or file system is missing.

    SIGINT or SIGTERM ends the run after the current batch and writes all results; a second one aborts. If `stop` is
    given, that event is used instead of signals. `meter` receives the progress in bytes.

    Raises:
        UsageError: a path does not exist, and nothing below it is indexed.
        SettingsError: the data directory cannot be written.
        BusyError: another process indexes here.
        FingerprintError: the index was made by another model.
        ModelMissingError: the model or its weights are not on this machine.
        StoreError: the disk of the data directory is full or failing, or the index is damaged.
    """
    roots = _resolve(paths, settings)
    places = (*roots.present, *roots.missing)
    with named_faults(settings.index_dir), ExitStack() as stack:
        stack.enter_context(hold_lock(settings.index_dir))
        stop = stop or stack.enter_context(stop_on_signal())
        model = OmniBind.load(settings.model, settings)
        manifest = stack.enter_context(closing(Manifest(settings.index_dir / MANIFEST_FILE, create=True)))
        identity = {"model": model.name, "dim": str(model.dim), "fingerprint": model.fingerprint}
        manifest.claim(**identity, store=settings.store or "embedded")
        store = stack.enter_context(
            closing(open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=True))
        )
        raw = stack.enter_context(closing(SpaceEmbeddingStore(settings.index_dir / EMBEDDINGS_DIRECTORY)))
        reconcile(manifest, store, raw, alone=settings.store is None)
        mark_lost_embeddings(manifest, store, raw, model)
        manifest.add_roots(roots.present)
        manifest.label(places, (labels or Labels()).pairs(), relabel)
        choices = Choices(retry_failed, prune)
        found = scan(_walk(roots, settings, hidden), roots.missing, manifest, fingerprint(settings), choices, stop)
        if found.renewed:
            with manifest.transaction():
                manifest.renew()
        report = read_files(found, settings, model, store, raw, manifest, stop, meter)
        if not report.interrupted:
            replace_absent_folders(settings.index_dir, places, report.kept)
        return report


def read_files(
    found: ScanResult,
    settings: Settings,
    model: OmniBind,
    store: VectorStore,
    raw: SpaceEmbeddingStore,
    manifest: Manifest,
    stop: threading.Event,
    meter: Meter = SILENT,
) -> Report:
    """Read, encode and write the files of a scan. `meter` receives the progress in bytes."""
    with DecoderPool(settings, settings.workers) as decoder:
        return Indexer(settings, model, store, raw, manifest, decoder, stop, meter).run(found)


def preview_files(
    paths: Sequence[Path], settings: Settings, retry_failed: bool, hidden: bool, prune: bool = False
) -> Report:
    """Report what `index_files` would do, without opening or writing a file; files that it would read are `pending`.

    Raises:
        UsageError: a path does not exist, and nothing below it is indexed.
    """
    roots = _resolve(paths, settings)
    with ExitStack() as stack:
        place = settings.index_dir / MANIFEST_FILE
        manifest = stack.enter_context(closing(Manifest(place))) if place.exists() else None
        walk, choices = _walk(roots, settings, hidden), Choices(retry_failed, prune)
        found = scan(walk, roots.missing, manifest, fingerprint(settings), choices, threading.Event())
        found.report.partly_read = manifest.count_partly_read() if manifest is not None else 0
    found.report.outcomes[Outcome.PENDING] = len(found.todo)
    found.report.removed = sum(row.item_id is not None for row in found.deleted)
    found.report.check()
    return found.report


def _resolve(paths: Sequence[Path], settings: Settings) -> Roots:
    """Resolve the roots. A root that cannot be reached is accepted only if something below it is indexed."""
    roots = resolve_roots(paths)
    if roots.missing:
        place = settings.index_dir / MANIFEST_FILE
        with ExitStack() as stack:
            manifest = stack.enter_context(closing(Manifest(place))) if place.exists() else None
            for root, why in roots.missing.items():
                if manifest is None or not manifest.indexed(root):
                    raise UsageError(f"{show_path(root)}: {why}")
    return roots


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Yield an event that the first SIGINT or SIGTERM sets; the second one has its default effect."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stop.set()
        signal.signal(number, signal.SIG_DFL)
        log.warning("stopping after this batch; interrupt again to abort at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _walk(roots: Roots, settings: Settings, hidden: bool) -> Walk:
    return Walk(roots.present, hidden, frozenset({str(settings.data_dir.resolve())}))
