"""One run of `omnisearch index --watch`: index, then index again what changes."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import BusyError, DamageError, StoreError
from omnisearch.meter import SILENT, Meter
from omnisearch.stores.catalog import open_current
from omnisearch_indexer.labels import Labels
from omnisearch_indexer.object_store.address import Place
from omnisearch_indexer.report import Report
from omnisearch_indexer.session import find_roots, index_files, stop_on_signal
from omnisearch_indexer.watch import Watch, WatchOptions

AGAIN_SECONDS = 5.0  # until changes are indexed that could not be
log = logging.getLogger(__name__)


def watch_files(
    paths: Sequence[Path],
    settings: Settings,
    options: WatchOptions,
    show: Callable[[Report], None],
    tell: Callable[[str], None],
    retry_failed: bool = False,
    labels: Labels | Mapping[Place, Labels] | None = None,
    relabel: bool = False,
    prune: bool = False,
    meter: Meter = SILENT,
    read_meter: Meter = SILENT,
    stop: threading.Event | None = None,
    load_meter: Meter = SILENT,
) -> Report:
    """Index `paths`, and what changes there until a signal or `stop`. Returns the report of the last run.

    The model stays loaded, and the embedded engine open. The lock of the index is held during each run only, so other
    commands can write in between; a run waits for them. `show` receives the report of each run, `tell` messages to the
    user. `retry_failed`, `labels`, `relabel` and `prune` belong to the first run;
    `load_meter` receives the progress of calibrating the model, in samples, if that is needed.

    Raises:
        NoIndexError: the index was removed meanwhile, or all paths were forgotten.
        OmnisearchError: as `index_files`. A disk that is full later ends nothing: the changes are indexed afterwards.
    """
    roots = find_roots(paths, settings)
    with ExitStack() as stack:
        stop = stop or stack.enter_context(stop_on_signal())
        model = OmniBind.load(settings.model, settings, meter=load_meter)
        places = (*roots.present, *roots.missing)
        watch = stack.enter_context(Watch(places, settings, options, tell, stop))
        report = index_files(
            paths,
            settings,
            retry_failed,
            options.hidden,
            labels,
            relabel,
            prune,
            stop,
            meter,
            read_meter,
            options.globs,
            model=model,
            open_executor=options.open_executor,
        )
        show(report)
        if report.interrupted:
            return report
        stack.enter_context(closing(open_current(settings)))  # keeps the embedded engine open
        for batch in watch.batches():
            try:
                report = _index_again(batch, watch.roots, settings, options, stop, model)
            except (BusyError, StoreError) as error:
                if isinstance(error, DamageError):
                    raise
                tell(f"{error}; the changes are indexed later")
                watch.put_back(batch)
                stop.wait(AGAIN_SECONDS)
            else:
                show(report)
    return report


def _index_again(
    batch: Sequence[str],
    roots: Sequence[str],
    settings: Settings,
    options: WatchOptions,
    stop: threading.Event,
    model: OmniBind,
) -> Report:
    within = () if set(batch) == set(roots) else tuple(roots)
    return index_files(
        list(map(Path, batch)),
        settings,
        hidden=options.hidden,
        stop=stop,
        globs=options.globs,
        within=within,
        model=model,
        open_executor=options.open_executor,
    )
