"""One run of `omnisearch index`: the lock, the parts, the order in which they open and close."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.console import err
from omnisearch.media.pool import DecoderPool, fingerprint
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.open import open_store
from omnisearch_indexer.indexer import Indexer
from omnisearch_indexer.labels import Labels
from omnisearch_indexer.lock import hold_lock
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.progress import Bar
from omnisearch_indexer.reconcile import reconcile
from omnisearch_indexer.report import Outcome, Report
from omnisearch_indexer.survey import survey
from omnisearch_indexer.walk import Walk, resolve_roots


def index_files(
    paths: Sequence[Path],
    settings: Settings,
    retry_failed: bool = False,
    hidden: bool = False,
    labels: Labels | None = None,
    relabel: bool = False,
) -> Report:
    """Bring the index of the settings up to date with the files at and below `paths`, which get `labels`.

    `relabel` forgets the labels that these paths were given before.

    SIGINT or SIGTERM ends the run after the batch at hand with all that was read written; a second one aborts.

    Raises:
        UsageError: a path does not exist.
        BusyError: another process indexes here.
        FingerprintError: the index was made by another model.
        ModelMissingError: the model or its weights are not on this machine.
    """
    roots = resolve_roots(paths)
    with ExitStack() as stack:
        stack.enter_context(hold_lock(settings.data_dir))
        stop = stack.enter_context(stop_on_signal())
        model = OmniBind.load(settings.model, settings)
        manifest = stack.enter_context(closing(Manifest(settings.data_dir / MANIFEST_FILE, create=True)))
        manifest.claim(model=model.name, fingerprint=model.fingerprint, store=settings.store or "embedded")
        store = stack.enter_context(
            closing(open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=True))
        )
        raw = stack.enter_context(closing(SpaceEmbeddingStore(settings.data_dir / EMBEDDINGS_DIRECTORY)))
        reconcile(manifest, store, raw, alone=settings.store is None)
        manifest.add_roots(roots)
        manifest.label(roots, (labels or Labels()).pairs(), relabel)
        decoder = stack.enter_context(DecoderPool(settings, settings.workers))
        meter = stack.enter_context(Bar("indexing", "bytes"))
        found = survey(_walk(roots, settings, hidden), manifest, fingerprint(settings), retry_failed, stop)
        return Indexer(settings, model, store, raw, manifest, decoder, stop, meter).run(found)


def preview_files(paths: Sequence[Path], settings: Settings, retry_failed: bool, hidden: bool) -> Report:
    """Say what `index_files` would find: opens no file and writes nothing; what it would read is `pending`.

    Raises:
        UsageError: a path does not exist.
    """
    place = settings.data_dir / MANIFEST_FILE
    manifest = Manifest(place) if place.exists() else None
    walk = _walk(resolve_roots(paths), settings, hidden)
    found = survey(walk, manifest, fingerprint(settings), retry_failed, threading.Event())
    if manifest is not None:
        found.report.partly_read = manifest.count_partly_read()
        manifest.close()
    found.report.outcomes[Outcome.PENDING] = len(found.todo)
    found.report.removed = sum(row.item_id is not None for row in found.gone)
    found.report.check()
    return found.report


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Give an event that the first SIGINT or SIGTERM sets; the second of its kind does what it does by default."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stop.set()
        signal.signal(number, signal.SIG_DFL)
        err.print("stopping after this batch; once more to abort at once", style="yellow")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _walk(roots: Sequence[str], settings: Settings, hidden: bool) -> Walk:
    return Walk(roots, hidden, frozenset({str(settings.data_dir.resolve())}))
