"""Verify: compare the manifest, the engine, the embeddings and the files of an index with each other.

Nothing is changed. `doctor` checks the machine and the quality of searches; this checks that no data are lost or wrong.
"""

import random
import shlex
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import DamageError, MediaError, NoIndexError, NotReadyError, Reason, StoreError
from omnisearch.media.file import item_id
from omnisearch.meter import SILENT, Meter
from omnisearch.paths import show_path
from omnisearch.stores.catalog import open_store
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, INDEX_FILE, SpaceEmbeddingStore
from omnisearch.stores.lock import hold_lock
from omnisearch_indexer.audit import Audit, audit
from omnisearch_indexer.check_result import CheckState
from omnisearch_indexer.identity import identity_of
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.open_manifest import open_manifest
from omnisearch_indexer.storage_errors import named_faults

REPAIR = "run `omnisearch repair`"
COMPACT = "run `omnisearch compact`"
SHOWN = 3  # paths that a finding names


@dataclass(frozen=True)
class Finding:
    """A disagreement: which check found it, what it is, what to do, and the paths of all files that it concerns.

    Damage has the state `fail`; `warn` marks what the next command mends without loss.
    """

    check: str
    state: CheckState
    value: str
    way_out: str
    paths: tuple[str, ...] = ()


@dataclass
class Verified:
    """The result: the numbers of things that were compared, and every finding."""

    items: int = 0
    points: int = 0
    embeddings: int = 0
    files: int = 0
    files_read: int = 0
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def damaged(self) -> bool:
        """Whether data are lost or wrong."""
        return any(one.state is CheckState.FAIL for one in self.findings)

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        return {**asdict(self), "seconds": round(self.seconds, 3), "damaged": self.damaged}

    def __str__(self) -> str:
        verdict = "damage was found" if self.damaged else "no damage"
        read = f", {self.files_read:,} of them read" if self.files_read else ", none of them read"
        return (
            f"{verdict}: {self.items:,} items, {self.points:,} points, {self.embeddings:,} embeddings and "
            f"{self.files:,} files were compared{read}, in {self.seconds:.1f} s"
        )


def verify_index(settings: Settings, sample: int | None = 0, meter: Meter = SILENT) -> Verified:
    """Compare all parts of the index, and the content of `sample` random files with its hash; None reads all files.

    `meter` receives the bytes of the files that are read.

    Raises:
        NoIndexError: nothing was indexed yet.
        BusyError: another process indexes here.
        FingerprintError: the index was made by another model.
        NotReadyError: an older version made the index.
    """
    begun = time.monotonic()
    with suppress(DamageError, StoreError):  # those are findings
        open_manifest(settings, checked=True).close()
    with named_faults(settings.index_dir), ExitStack() as stack:
        stack.enter_context(hold_lock(settings.index_dir))
        found = _Verification(settings, meter)
        found.run(stack, sample)
    found.report.seconds = time.monotonic() - begun
    return found.report


class _Verification:
    """One run. A part that cannot be opened is a finding, and the other parts are checked all the same."""

    def __init__(self, settings: Settings, meter: Meter) -> None:
        self._settings, self._meter, self.report = settings, meter, Verified()

    def run(self, stack: ExitStack, sample: int | None) -> None:
        model = OmniBind.load(self._settings.model, self._settings)
        manifest = self._opened("manifest", lambda: self._manifest(stack))
        raw = self._opened("embeddings", lambda: self._embeddings(stack))
        if manifest is None:
            return
        manifest.require(**identity_of(model, self._settings), store=self._settings.store_name)
        self._check_rows(manifest)
        if raw is not None:
            self._opened("points", lambda: self._check_points(manifest, raw, model, stack))
        self._check_files(manifest, sample)

    def _opened(self, check: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (DamageError, StoreError, NoIndexError) as error:
            self._add(check, CheckState.FAIL, str(error), REPAIR)
            return None

    def _add(self, check: str, state: CheckState, value: str, way_out: str, paths: Iterable[str] = ()) -> None:
        named = tuple(show_path(path) for path in paths)
        if named:
            value += f": {', '.join(named[:SHOWN])}" + (f" and {len(named) - SHOWN:,} more" * (len(named) > SHOWN))
        self.report.findings.append(Finding(check, state, value, way_out, named))

    def _manifest(self, stack: ExitStack) -> Manifest:
        manifest = stack.enter_context(closing(open_manifest(self._settings)))
        manifest.check_items()
        if manifest.is_old:
            raise NotReadyError(f"the index was made by an older version: run {_index_command(manifest)} once")
        return manifest

    def _embeddings(self, stack: ExitStack) -> SpaceEmbeddingStore | None:
        directory = self._settings.index_dir / EMBEDDINGS_DIRECTORY
        if not (directory / INDEX_FILE).exists():
            self._add("embeddings", CheckState.FAIL, f"there is no {directory / INDEX_FILE}", REPAIR)
            return None
        raw = stack.enter_context(closing(SpaceEmbeddingStore(directory)))
        self.report.embeddings, damaged = raw.count(), raw.damaged()
        if damaged:
            value = f"{damaged:,} of {self.report.embeddings:,} rows are lost or do not match their checksum"
            self._add("embeddings", CheckState.FAIL, value, REPAIR)
        return raw

    def _check_rows(self, manifest: Manifest) -> None:
        """Check the manifest by itself: its items, its files, and what a run left unfinished."""
        self.report.items = sum(items for items, _ in manifest.modalities().values())
        if orphans := manifest.orphans():
            self._add("manifest", CheckState.FAIL, f"{len(orphans):,} files have no item", REPAIR, orphans)
        run = f"run {_index_command(manifest)}"
        if unheld := manifest.unheld():
            self._add("manifest", CheckState.WARN, f"{len(unheld):,} items without files are to be deleted", run)
        if writing := [intent.path for intent in manifest.intents.all()]:
            self._add("unfinished", CheckState.WARN, f"{len(writing):,} items were being written", run, writing)
        if suspects := manifest.suspects():
            paths = _paths(manifest, (item.id for item in suspects))
            self._add("unfinished", CheckState.WARN, f"{len(suspects):,} items must be read again", REPAIR, paths)

    def _check_points(self, manifest: Manifest, raw: SpaceEmbeddingStore, model: OmniBind, stack: ExitStack) -> None:
        """Compare the engine with the manifest, and its vectors with those that the embeddings give."""
        opened = open_store(
            self._settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=False
        )
        store = stack.enter_context(closing(opened))
        found = audit(manifest, store, raw, model, alone=self._settings.store is None)
        self.report.points = found.points
        writing = {intent.item_id for intent in manifest.intents.all()}
        for check, value, items in _faults(found, writing | set(manifest.unheld())):
            self._add(check, CheckState.FAIL, value, REPAIR, _paths(manifest, items))
        kept = found.keys | set(manifest.intents.keys(writing))
        if unused := raw.count_unused(kept):
            value = f"{unused:,} embeddings belong to no point"
            self._add("embeddings", CheckState.WARN, value, COMPACT)

    def _check_files(self, manifest: Manifest, sample: int | None) -> None:
        """Compare the files with their signatures, and the content of some with its hash."""
        run = f"run {_index_command(manifest)}"
        rows = [row for _, held in manifest.held() for row in held]
        self.report.files = len(rows)
        states = [(row, row.on_disk()) for row in rows]
        for state, what in (("missing", "are missing"), ("changed", "have changed since they were indexed")):
            if paths := sorted(row.path for row, one in states if one == state):
                self._add("files", CheckState.WARN, f"{len(paths):,} of {len(rows):,} files {what}", run, paths)
        unchanged = [row for row, one in states if one == "unchanged"]
        chosen = unchanged if sample is None else random.sample(unchanged, min(sample, len(unchanged)))
        self._meter.start(sum(row.signature.size for row in chosen), len(chosen))
        wrong, unread = [], []
        for row in chosen:
            try:
                if item_id(Path(row.path)) != row.item_id and row.is_unchanged():
                    wrong.append(row.path)
            except MediaError as error:
                if error.reason is not Reason.VANISHED:
                    unread.append(row.path)
            self._meter.advance(row.signature.size, files=1)
        self.report.files_read = len(chosen)
        if wrong:
            value = f"{len(wrong):,} files have other bytes than when they were indexed, but the same times"
            self._add("files", CheckState.FAIL, value, "restore them from a backup", wrong)
        if unread:
            self._add("files", CheckState.WARN, f"{len(unread):,} files cannot be read", "check their disk", unread)


def _faults(found: Audit, unsettled: set[str]) -> Iterator[tuple[str, str, Collection[str]]]:
    """Yield the check, the description and the items of each fault of an audit.

    The items that a killed run was writing or deleting (`unsettled`) may have more or fewer points and embeddings than
    the manifest says. The next run writes or deletes the rest.
    """
    if found.failures:
        yield "points", f"the engine fails: {found.failures[0]}", ()
    if found.points != found.expected and not unsettled:
        yield "counts", f"{found.expected:,} points in the manifest, {found.points:,} in the engine", ()
    for check, what, items in (
        ("points", "items have lost, unreadable or mismatched points", found.incomplete),
        ("points", "items have wrong vectors or facts", found.wrong),
        ("points", "items have points that the manifest does not know", found.unknown),
        ("embeddings", "items have lost or damaged embeddings", found.lost),
    ):
        if items := items - unsettled:
            yield check, f"{len(items):,} {what}", items
    for name in found.failing_filters:
        yield "filters", f"a search by {name} loses points", ()


def _paths(manifest: Manifest, item_ids: Iterable[str]) -> list[str]:
    """The first path of each item that has one, in order."""
    return sorted(rows[0].path for one in item_ids if (rows := manifest.holders(one)))


def _index_command(manifest: Manifest) -> str:
    return f"`omnisearch index {' '.join(shlex.quote(show_path(root)) for root in manifest.roots()) or 'PATH...'}`"
