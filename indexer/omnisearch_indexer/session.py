"""One run of `omnisearch index`: take the lock, and open and close the parts in order."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from omnisearch.config import Settings
from omnisearch.errors import UsageError
from omnisearch.media.versions import fingerprint
from omnisearch.meter import SILENT, Meter
from omnisearch.paths import show_path
from omnisearch.stores.lock import hold_lock
from omnisearch_indexer.absent import replace_absent_folders
from omnisearch_indexer.facts_version import facts_version
from omnisearch_indexer.globs import ALL, Globs
from omnisearch_indexer.labels import Labels
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.object_store.address import ObjectAddress, Place, addresses_in, local_path
from omnisearch_indexer.object_store.mirrored import Mirrored
from omnisearch_indexer.open_index import LazyIndex, OpenIndex, open_lazily
from omnisearch_indexer.report import Report
from omnisearch_indexer.roots import Roots, changed_places, resolve_roots
from omnisearch_indexer.scan import Choices, ScanResult, scan
from omnisearch_indexer.stamp import Stamp, new_stamp, read_stamp, write_stamp
from omnisearch_indexer.storage_errors import named_faults
from omnisearch_indexer.walk import Walk

if TYPE_CHECKING:
    from omnisearch.binding.model import OmniBind
    from omnisearch.media.decoder import Decoder
    from omnisearch.media.pool import DecoderPool
    from omnisearch_indexer.executor import Executor, OpenExecutor
    from omnisearch_indexer.open_reading import OpenReading


def index_files(
    places: Sequence[Place],
    settings: Settings,
    retry_failed: bool = False,
    hidden: bool = False,
    labels: Labels | Mapping[Place, Labels] | None = None,
    relabel: bool = False,
    prune: bool = False,
    stop: threading.Event | None = None,
    meter: Meter = SILENT,
    read_meter: Meter = SILENT,
    globs: Globs = ALL,
    within: Sequence[str] = (),
    model: "OmniBind | None" = None,
    open_executor: "OpenExecutor | None" = None,
    load_meter: Meter = SILENT,
    copy_meter: Meter = SILENT,
) -> Report:
    """Bring the index of the settings up to date with the files at and below `places`, which get `labels`: all
    the same, or each its own.

    The objects at an address are first copied to this machine (see `update_mirrors`); `copy_meter` receives that
    progress in bytes. From then on their copies are files like others.

    `relabel` deletes earlier labels of these places. `prune` removes known files that are not found, even if their
    whole root or file system is missing, and files that only `globs` leave out.

    `within` are roots that were indexed before, if `places` are the paths below them that changed since: then no other
    place is looked at. `model` is that of the settings, if it is loaded already; otherwise
    `load_meter` receives the progress of calibrating it, in samples, if that is needed.

    If the index was not written since the last whole run (see `stamp`) and no file changed, then only the manifest is
    opened: no model and no engine.

    SIGINT or SIGTERM ends the run after the current batch and writes all results; a second one aborts. If `stop` is
    given, that event is used instead of signals. `meter` receives the progress in bytes. If the setting `read` is not
    `none`, text in pictures and speech are read at the end; `read_meter` receives that progress in items.
    `open_executor` opens another executor than this machine; text and speech are then read by `enrich`.

    Raises:
        UsageError: a path does not exist, and nothing below it is indexed; or as `update_mirrors`.
        SettingsError: the data directory cannot be written.
        BusyError: another process indexes here.
        FingerprintError: the index was made by another model.
        ModelMissingError: the model, its weights or the speech model are not on this machine.
        NotReadyError: text is to be read, and a package of the extra `read` is not installed; or as `update_mirrors`.
        StoreError: the disk of the data directory is full or failing, or the index is damaged.
    """
    begun = time.monotonic()
    addresses = addresses_in(places)
    mirrored = _mirror(addresses, settings, hidden, globs, prune, stop, copy_meter)
    if mirrored.interrupted:
        return Report(copied=mirrored.copied, interrupted=True, seconds=time.monotonic() - begun)
    roots = _roots([local_path(place, settings) for place in places], within, settings)
    tops = (*roots.present, *roots.missing)
    with named_faults(settings.index_dir), ExitStack() as stack:
        lock = stack.enter_context(hold_lock(settings.index_dir))
        stop = stop or stack.enter_context(stop_on_signal())
        reading = stack.enter_context(_open_reading(settings))
        version = "" if reading is None else reading.version
        stamp, decoding, pool = read_stamp(settings, version), stack.enter_context(ExitStack()), None
        if open_executor is None and not (settings.index_dir / MANIFEST_FILE).exists():
            pool = decoding.enter_context(_decoders(settings))
            pool.start(settings.workers)  # a first run has files to read; others know it after the scan
        with open_lazily(settings, lock, model, checked=stamp is not None, meter=load_meter) as lazy:
            manifest = lazy.manifest
            if stamp is None:
                _open_checked(lazy, version)
            if not within:
                manifest.add_roots(roots.present)
                manifest.note_selection(roots.present, hidden or globs != ALL)
                _label(manifest, tops, labels, relabel, settings)
            walk, choices = make_walk(roots, settings, hidden, globs, within), Choices(retry_failed, prune, version)
            walk.refused = mirrored.refused
            logs = {} if stamp is None else stamp.batch_logs()
            found = scan(walk, roots.missing, manifest, fingerprint(settings), choices, stop, logs)
            found.report.kept += mirrored.absent
            found.report.copied = mirrored.copied
            _update_rows(found, manifest, settings, stamp, stop)
            if stamp is not None and found.is_unchanged and manifest.is_settled(facts_version()):
                report = _unchanged(found, stamp, manifest, stop)
                stamp = stamp.with_logs({} if within else found.logs, found.renewed)
            else:
                report = read_files(found, settings, lazy.open, stop, meter, reading, open_executor, pool)
            decoding.close()
            if not report.interrupted:
                manifest.mark_indexed(within or roots.present)
                replace_absent_folders(settings.index_dir, (*tops, *map(str, addresses)), report.kept)
            if lazy.index is not None:
                if reading is not None and not report.interrupted:
                    report.enriched = reading.read_items(lazy.index, stop, read_meter)
                    report.interrupted = report.enriched.interrupted
                report.unread = manifest.count_unread()
                stamp = new_stamp(report, lazy.index, settings, version)
        if stamp is not None and not report.interrupted:
            write_stamp(stamp, settings)
        report.seconds = time.monotonic() - begun
        return report


def _open_checked(lazy: LazyIndex, reading: str) -> None:
    """Open the index, which checks it, and have PDFs without text read in this version, unless that is empty."""
    lazy.open()
    if reading:
        from omnisearch_indexer.unread_pages import mark_unread_pages

        mark_unread_pages(lazy.manifest, reading)


def _roots(paths: Sequence[Path], within: Sequence[str], settings: Settings) -> Roots:
    return changed_places(paths, within) if within else find_roots(paths, settings)


def _mirror(
    addresses: Sequence[ObjectAddress],
    settings: Settings,
    hidden: bool,
    globs: Globs,
    prune: bool,
    stop: threading.Event | None,
    meter: Meter,
) -> Mirrored:
    if not addresses:
        return Mirrored()
    from omnisearch_indexer.object_store.mirror import Selection, update_mirrors

    with stop_on_signal() if stop is None else nullcontext(stop) as asked:
        return update_mirrors(addresses, settings, Selection(hidden, globs, prune), asked, meter)


def _label(
    manifest: Manifest,
    tops: Sequence[str],
    labels: Labels | Mapping[Place, Labels] | None,
    relabel: bool,
    settings: Settings,
) -> None:
    if not isinstance(labels, Mapping):
        manifest.label(tops, (labels or Labels()).pairs(), relabel)
        return
    for place, own in labels.items():
        manifest.label([os.path.realpath(local_path(place, settings))], own.pairs(), relabel)


def _update_rows(
    found: ScanResult, manifest: Manifest, settings: Settings, stamp: Stamp | None, stop: threading.Event
) -> None:
    """Update the rows of unchanged files."""
    if found.renewed:
        with manifest.transaction():
            manifest.renew()
    if stamp is None or settings.gps is not None:
        from omnisearch_indexer.item_metadata import update_metadata

        with decoder_pool(settings, settings.workers) as decoder:
            update_metadata(manifest, decoder, settings.workers, settings.gps, stop)


def _unchanged(found: ScanResult, stamp: Stamp, manifest: Manifest, stop: threading.Event) -> Report:
    """Report a run that has nothing to read and nothing to write."""
    report = found.report
    report.partly_read = manifest.count_partly_read(found.roots) if stamp.partly_read else 0
    report.unread, report.interrupted = stamp.unread, stop.is_set()
    report.check()
    return report


@contextmanager
def _open_reading(settings: Settings) -> Iterator["OpenReading | None"]:
    if settings.read == "none":
        yield None
        return
    from omnisearch_indexer.open_reading import open_reading

    with open_reading(settings) as reading:
        yield reading


def read_files(
    found: ScanResult,
    settings: Settings,
    opened: Callable[[], OpenIndex],
    stop: threading.Event,
    meter: Meter = SILENT,
    reading: "OpenReading | None" = None,
    open_executor: "OpenExecutor | None" = None,
    pool: "DecoderPool | None" = None,
) -> Report:
    """Read, encode and write the files of a scan. `meter` receives the progress in bytes.

    `opened` returns the index, which opens while the decoders start, unless `pool` has them already.
    """
    with ExitStack() as stack:
        if open_executor is None or not found.todo:
            if pool is None:
                pool = stack.enter_context(_decoders(settings))
                pool.start(len(found.todo))
            index = opened()
            executor = stack.enter_context(_this_machine(pool, settings, index.model, reading, stop))
        else:
            index = opened()
            executor = stack.enter_context(open_executor(settings, index.model, stop))
        from omnisearch_indexer.bulk_load import bulk_load
        from omnisearch_indexer.indexer import Indexer

        stack.enter_context(bulk_load(index.store, len(found.todo)))
        return Indexer(settings, index, executor, stop, meter).run(found)


def _decoders(settings: Settings) -> "DecoderPool":
    """Return the decoders of a run, which are started when they are first needed, or by `start`."""
    from omnisearch.binding.picture_side import picture_side

    return decoder_pool(settings, settings.workers, previews=True, shorter_side=picture_side(settings))


def decoder_pool(
    settings: Settings, workers: int, previews: bool = False, shorter_side: int | None = None
) -> "DecoderPool":
    """Return a `DecoderPool`. It is imported here, because its import takes longer than a run without changes."""
    from omnisearch.media.pool import DecoderPool

    return DecoderPool(settings, workers, previews=previews, shorter_side=shorter_side)


@contextmanager
def _this_machine(
    pool: "DecoderPool",
    settings: Settings,
    model: "OmniBind",
    reading: "OpenReading | None",
    stop: threading.Event,
) -> Iterator["Executor"]:
    from omnisearch_indexer.batch_encoder import BatchEncoder
    from omnisearch_indexer.encoder_thread import EncoderThread
    from omnisearch_indexer.executor import Executor
    from omnisearch_indexer.local_files import LocalFiles

    with closing(EncoderThread(BatchEncoder(model, settings.batch_size), stop)) as encoders:
        decoder: Decoder = pool if reading is None else reading.page_decoder(pool)
        yield Executor(LocalFiles(decoder), encoders, settings.workers)


def find_roots(paths: Sequence[Path], settings: Settings) -> Roots:
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
        import logging

        stop.set()
        signal.signal(number, signal.SIG_DFL)
        logging.getLogger(__name__).warning("stopping after this batch; interrupt again to abort at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def make_walk(roots: Roots, settings: Settings, hidden: bool, globs: Globs, within: Sequence[str] = ()) -> Walk:
    """Return the walk of a run, which leaves out the data directory."""
    return Walk(roots.present, hidden, frozenset({str(settings.data_dir.resolve())}), globs, within)
