"""Repair: find damage in an index and rebuild the damaged data, vectors from embeddings and embeddings from files.

    rebuild a damaged manifest from the payloads of the points
      -> compare embeddings with their checksums, and points with the manifest and the embeddings
      -> mark items that lost points or embeddings as suspect in the manifest
      -> embedded engine: write all sound points to a new collection, then switch the alias
      -> read suspect items from their files; undamaged embeddings are not encoded again

Every step is durable before the next begins. The next `omnisearch repair` completes an interrupted one.
"""

import os
import shlex
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import DamageError
from omnisearch.media.versions import fingerprint
from omnisearch.meter import SILENT, Meter
from omnisearch.paths import show_path
from omnisearch.stores.base import Facts, Point, VectorStore
from omnisearch.stores.catalog import open_store, restore_alias, swap
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore, set_aside
from omnisearch.stores.lock import hold_lock
from omnisearch_indexer.audit import BATCH_POINTS, Audit, audit, by_modality, embeddings_of, is_sound, read_points
from omnisearch_indexer.encoder import Encoder
from omnisearch_indexer.identity import identity_of
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.open_index import OpenIndex
from omnisearch_indexer.path_labels import LabelTree
from omnisearch_indexer.rebuild_manifest import find_manifest, rebuild_manifest
from omnisearch_indexer.reconcile import reconcile
from omnisearch_indexer.report import Report
from omnisearch_indexer.scan import ScanResult
from omnisearch_indexer.session import read_files, stop_on_signal
from omnisearch_indexer.text_vectors import with_text_vectors
from omnisearch_indexer.walk import Signature


@dataclass
class Repaired:
    """The result of a repair. `not_repaired` lists files that could not be read again, as (path, reason).

    `unread` items had texts of pictures or sound before, and have none now.
    """

    embeddings: int = 0
    damaged_embeddings: int = 0
    set_aside: str = ""  # where the damaged index of the embeddings was moved
    points: int = 0
    faults: str = ""  # of the engine
    rebuilt: bool = False
    rebuilt_manifest: bool = False
    old_manifest: str = ""  # where the damaged one was moved
    roots: list[str] = field(default_factory=list)
    read_again: int = 0
    not_repaired: list[tuple[str, str]] = field(default_factory=list)
    unread: int = 0
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def found_damage(self) -> bool:
        """Whether there was anything to repair."""
        engine, files = self.rebuilt_manifest or self.faults, self.read_again or self.not_repaired
        return bool(self.damaged_embeddings or self.set_aside or engine or files)

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "embeddings": self.embeddings,
            "damaged_embeddings": self.damaged_embeddings,
            "set_aside": self.set_aside,
            "points": self.points,
            "engine": self.faults,
            "rebuilt": self.rebuilt,
            "rebuilt_manifest": self.rebuilt_manifest,
            "old_manifest": self.old_manifest,
            "read_again": self.read_again,
            "not_repaired": [{"path": path, "reason": reason} for path, reason in self.not_repaired],
            "unread": self.unread,
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
        }

    def __str__(self) -> str:
        if not self.found_damage:
            return f"no damage: {self.embeddings:,} embeddings and {self.points:,} points are correct"
        lines = []
        if self.damaged_embeddings or not (self.read_again or self.not_repaired):
            lines = [f"{self.damaged_embeddings:,} of {self.embeddings:,} embeddings were lost or damaged"]
        if self.rebuilt_manifest:
            lines.append(self._manifest_lost())
        if self.set_aside:
            moved = f"it was moved to {self.set_aside}, which may be deleted"
            lines.append(f"the index of the embeddings was damaged; {moved}")
        if self.faults:
            lines.append(f"faults of the engine: {self.faults}")
        if self.rebuilt:
            lines.append(f"the collection was rebuilt with {self.points:,} points")
        lines.append(f"{self.read_again:,} files were read again")
        if self.unread:
            lines.append(f"{self.unread:,} of them lost their text and speech: `omnisearch enrich` reads these again")
        if self.not_repaired:
            lines.append(
                f"{len(self.not_repaired):,} files could not be read again: restore them and run `omnisearch repair`, "
                f"or run `omnisearch index PATH...` to remove them from the index"
            )
        return "\n".join(lines)

    def _manifest_lost(self) -> str:
        moved = f" (the damaged one is {self.old_manifest}, which may be deleted)" if self.old_manifest else ""
        roots = " ".join(map(shlex.quote, self.roots)) or "PATH..."
        return (
            f"the manifest was rebuilt from the points{moved}. Lost: further paths of the same content, and the files "
            f"that failed; `omnisearch index {roots}` finds them again, and encodes nothing that is indexed. Where "
            f"text was read, `omnisearch enrich` reads it again"
        )


def repair_index(settings: Settings, meter: Meter = SILENT, marked_only: bool = False) -> Repaired:
    """Find and repair the damage in the index of the settings. `meter` receives the bytes that are read again.

    With `marked_only`, only the files of items that are marked already are read, as after a rebinding.

    Raises:
        NoIndexError: nothing was indexed yet.
        BusyError: another process indexes here.
        FingerprintError: the index was made by another model.
        ModelMissingError: the model or its weights are not on this machine.
    """
    begun = time.monotonic()
    find_manifest(settings)  # raises if there is no index
    with ExitStack() as stack:
        lock = stack.enter_context(hold_lock(settings.index_dir))
        stop = stack.enter_context(stop_on_signal())
        model = OmniBind.load(settings.model, settings)
        identity = {**identity_of(model, settings), "store": settings.store_name}
        report = Repaired()
        if not find_manifest(settings):
            _rebuild_manifest(settings, model, report)
        manifest = stack.enter_context(closing(Manifest(settings.index_dir / MANIFEST_FILE, create=True)))
        manifest.claim(**identity)
        report.roots = [show_path(root) for root in manifest.roots()]
        unread = manifest.count_unread()
        raw = stack.enter_context(closing(_open_embeddings(settings, report, marked_only)))
        if not marked_only:
            _repair_engine(settings, manifest, raw, model, report)
        store = stack.enter_context(closing(_open(settings, model, create=True)))
        reconcile(manifest, store, raw, alone=settings.store is None)
        again = _suspect_files(manifest, fingerprint(settings), report)
        index = OpenIndex(lock, model, store, raw, manifest)
        done = read_files(again, settings, lambda: index, stop, meter)
        _conclude(report, manifest, again, done)
        report.unread = max(0, manifest.count_unread() - unread)
    report.seconds = time.monotonic() - begun
    return report


def _open(settings: Settings, model: OmniBind, create: bool) -> VectorStore:
    return open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=create)


def _rebuild_manifest(settings: Settings, model: OmniBind, report: Repaired) -> None:
    restore_alias(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint)
    with closing(_open(settings, model, create=False)) as store:
        report.old_manifest = rebuild_manifest(settings, store)
    report.rebuilt_manifest = True


def _open_embeddings(settings: Settings, report: Repaired, marked_only: bool) -> SpaceEmbeddingStore:
    """Open and check the embeddings. If their index is damaged, move it away and open an empty one."""
    directory = settings.index_dir / EMBEDDINGS_DIRECTORY
    try:
        raw = SpaceEmbeddingStore(directory)
        try:
            report.embeddings, report.damaged_embeddings = raw.count(), 0 if marked_only else raw.damaged()
        except DamageError:
            raw.close()
            raise
    except DamageError:
        report.set_aside = str(set_aside(directory))
        raw = SpaceEmbeddingStore(directory)
    return raw


def _repair_engine(
    settings: Settings, manifest: Manifest, raw: SpaceEmbeddingStore, model: OmniBind, report: Repaired
) -> None:
    """Mark items that lost points or embeddings as suspect, then copy the sound points of a damaged collection.

    A server's collection is not replaced: its items with wrong points are marked as suspect, too.
    """
    alone = settings.store is None
    name, dim, mark = model.name, model.dim, model.fingerprint
    restore_alias(settings, model=name, dim=dim, fingerprint=mark)
    with closing(_open(settings, model, create=False)) as store:
        found = audit(manifest, store, raw, model, alone)
        report.points, report.faults = found.points, found.engine_faults()
        raw.delete(found.untrusted)
        raw.flush()
        with manifest.transaction():
            manifest.mark_intended_suspect()
            manifest.mark_suspect(sorted(found.lost | found.incomplete | (set() if alone else found.wrong)))
        if alone and not found.engine_is_sound:
            with swap(settings, model=name, dim=dim, fingerprint=mark) as fresh:
                report.points = _fill(fresh, store, found, manifest, model, raw)
            report.rebuilt = True


def _fill(
    fresh: VectorStore, old: VectorStore, found: Audit, manifest: Manifest, model: OmniBind, raw: SpaceEmbeddingStore
) -> int:
    """Write the points of all complete items and return their number. The files of other items are read again."""
    items = {item.id: item for item in manifest.items()}
    labels = LabelTree(manifest)
    held = [(item, holders) for item, holders in manifest.held() if item.id in found.wrong]
    facts = {item.id: labels.facts_of(item, holders) for item, holders in held}
    left_out = found.incomplete | (found.wrong & found.lost)
    points = read_points(old, list(items), [])
    encoder, written = Encoder(model, raw, BATCH_POINTS), 0
    while batch := list(islice(points, BATCH_POINTS)):
        kept = [p for p in batch if is_sound(p, items) and p.payload.item_id not in left_out]
        made = [point for group in by_modality(kept) for point in _bound(group, model, raw, facts)]
        fresh.upsert(with_text_vectors(made, encoder, kept=True))
        written += len(made)
    raw.flush()
    return written


def _bound(
    points: list[Point], model: OmniBind, raw: SpaceEmbeddingStore, facts: Mapping[str, Facts]
) -> Iterator[Point]:
    """Yield points with vectors bound from their embeddings; points with lost embeddings keep the engine's vector."""
    rows, complete = embeddings_of(points, model, raw)
    vectors = iter(model.bind(points[0].payload.modality, rows)) if complete.any() else iter(())
    for point, good in zip(points, complete, strict=True):
        vector = next(vectors) if good else point.vector
        known = facts.get(point.payload.item_id)
        yield replace(point, vector=vector, payload=replace(point.payload, **vars(known)) if known else point.payload)


def _suspect_files(manifest: Manifest, decoder: str, report: Repaired) -> ScanResult:
    """Return the files of suspect items; missing ones are added to `not_repaired`."""
    found = ScanResult(decoder)
    for item in manifest.suspects():
        for path in (row.path for row in manifest.holders(item.id)):
            try:
                status = os.lstat(path)
            except OSError as error:
                report.not_repaired.append((path, os.strerror(error.errno or 0)))
                continue
            if stat.S_ISREG(status.st_mode):
                found.todo.add(path, Signature.of(status))
            else:
                report.not_repaired.append((path, "not a regular file"))
    found.report.seen = len(found.todo)
    return found


def _conclude(report: Repaired, manifest: Manifest, again: ScanResult, done: Report) -> None:
    report.interrupted = done.interrupted
    for reading in again.todo:
        row = manifest.file(reading.path)
        if row is None or row.reason is not None:
            report.not_repaired.append((reading.path, str(row.reason) if row else "missing"))
        elif row.decoder == again.decoder:
            report.read_again += 1
    report.not_repaired = sorted((show_path(path), reason) for path, reason in report.not_repaired)
