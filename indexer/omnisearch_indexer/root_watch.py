"""Watch all roots of an index, as they are added and forgotten."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from omnisearch.config import Settings
from omnisearch.errors import NoIndexError
from omnisearch.paths import is_within, show_path
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.roots import tops
from omnisearch_indexer.walk import Signature
from omnisearch_indexer.watch import Watch, WatchOptions, find_signature

ROOTS_SECONDS = 2.0  # between two looks for other roots
log = logging.getLogger(__name__)


def watch_index(
    settings: Settings,
    run: Callable[[Sequence[str], Sequence[str]], None],
    tell: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """See `Library.watch`. The first look at all files is at the start: they may have changed before."""
    told: set[str] = set()
    while not stop.is_set():
        roots, others = watched_roots(settings)
        for root in others - told:
            tell(f"{show_path(root)} was indexed with --hidden, --include or --exclude, and is not watched")
        told |= others
        if not roots:
            stop.wait(ROOTS_SECONDS)
            continue
        with (
            _until_other_roots(settings, roots, stop) as ended,
            Watch(roots, settings, WatchOptions(), tell, ended) as watch,
        ):
            watch.look_soon()
            try:
                for batch in watch.batches():
                    run(batch, watch.roots)
            except NoIndexError:  # it was removed, or its roots were forgotten
                stop.wait(ROOTS_SECONDS)


def watched_roots(settings: Settings) -> tuple[list[str], set[str]]:
    """Return the roots to watch, and those whose files were selected by options that a watch does not know.

    Roots in others and in the data directory, such as indexed uploads, are left out.
    """
    place = settings.index_dir / MANIFEST_FILE
    if not place.exists():
        return [], set()
    with closing(Manifest(place)) as manifest:
        own, others = str(settings.data_dir.resolve()), manifest.selected_roots()
        roots = {root for root in manifest.roots() if not is_within(root, own)}
    return tops({root for root in roots if not any(is_within(other, root) for other in others)}), others & roots


@contextmanager
def _until_other_roots(settings: Settings, roots: Sequence[str], stop: threading.Event) -> Iterator[threading.Event]:
    """Yield an event that is set with `stop`, and when the index has other roots."""
    ended, over = threading.Event(), threading.Event()

    def follow() -> None:
        before = None
        try:
            while not over.wait(ROOTS_SECONDS) and not stop.is_set():
                if (now := _writes(settings)) != before and watched_roots(settings)[0] != roots:
                    break
                before = now
        except Exception:  # the roots are read again before the next watch
            log.exception("the roots cannot be read")
        ended.set()

    thread = threading.Thread(target=follow, name="roots", daemon=True)
    thread.start()
    try:
        yield ended
    finally:
        over.set()
        thread.join()


def _writes(settings: Settings) -> list[Signature | None]:
    """Return what changes with every write to the manifest; opening it takes long if it is large."""
    return [find_signature(str(settings.index_dir / f"{MANIFEST_FILE}{end}")) for end in ("", "-wal")]
