"""Repair: find what is damaged in an index and make it again, vectors from embeddings and embeddings from files.

    embeddings against their checksums, points against manifest and embeddings
      -> items that lost something are marked in the manifest
      -> embedded: a new collection from all that is sound, then the alias
      -> marked items are read from their files; embeddings that are sound are not encoded again

Every step is durable before the next, and a run that dies is completed by the next `omnisearch repair`.
"""

import os
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
from omnisearch.media.pool import fingerprint
from omnisearch.paths import show_path
from omnisearch.stores.base import Facts, Point, VectorStore
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore, set_aside
from omnisearch.stores.open import open_store, restore_alias, swap
from omnisearch_indexer.audit import BATCH_POINTS, Audit, audit, by_modality, embeddings_of, is_sound, read_points
from omnisearch_indexer.labels import LabelTree
from omnisearch_indexer.lock import hold_lock
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.reader import Reading
from omnisearch_indexer.reconcile import reconcile
from omnisearch_indexer.report import Report
from omnisearch_indexer.session import read_files, stop_on_signal
from omnisearch_indexer.survey import Survey
from omnisearch_indexer.walk import Signature


@dataclass
class Repaired:
    """What a run found and did. `left` are the paths of items that could not be made again, each with the reason."""

    embeddings: int = 0
    damaged_embeddings: int = 0
    set_aside: str = ""  # the new place of an index of the embeddings that was damaged
    points: int = 0
    faults: str = ""  # of the engine
    rebuilt: bool = False
    read_again: int = 0
    left: list[tuple[str, str]] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def found_damage(self) -> bool:
        """Whether there was anything to repair."""
        return bool(self.damaged_embeddings or self.set_aside or self.faults or self.read_again or self.left)

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "embeddings": self.embeddings,
            "damaged_embeddings": self.damaged_embeddings,
            "set_aside": self.set_aside,
            "points": self.points,
            "engine": self.faults,
            "rebuilt": self.rebuilt,
            "read_again": self.read_again,
            "not_repaired": [{"path": path, "reason": reason} for path, reason in self.left],
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
        }

    def __str__(self) -> str:
        if not self.found_damage:
            return f"no damage: {self.embeddings:,} embeddings and {self.points:,} points are right"
        lines = [f"{self.damaged_embeddings:,} of {self.embeddings:,} embeddings were lost or damaged"]
        if self.set_aside:
            lines = [f"the index of all embeddings was damaged and is now {self.set_aside}, which may be deleted"]
        if self.faults:
            lines.append(f"the engine: {self.faults}")
        if self.rebuilt:
            lines.append(f"the collection was built again with {self.points:,} points")
        lines.append(f"{self.read_again:,} files were read again")
        if self.left:
            lines.append(
                f"{len(self.left):,} files could not be read again: put them back and run `omnisearch repair`, or run "
                f"`omnisearch index PATH...` to take them out of the index"
            )
        return "\n".join(lines)


def repair_index(settings: Settings) -> Repaired:
    """Find what is damaged in the index of the settings, and make it again.

    Raises:
        NoIndexError: nothing was indexed yet.
        BusyError: another process indexes here.
        FingerprintError: the index was made by another model.
        ModelMissingError: the model or its weights are not on this machine.
        DamageError: the manifest is damaged.
    """
    begun = time.monotonic()
    Manifest(settings.data_dir / MANIFEST_FILE).close()  # raises where there is none
    with ExitStack() as stack:
        stack.enter_context(hold_lock(settings.data_dir))
        stop = stack.enter_context(stop_on_signal())
        manifest = stack.enter_context(closing(Manifest(settings.data_dir / MANIFEST_FILE, create=True)))
        model = OmniBind.load(settings.model, settings)
        manifest.claim(model=model.name, fingerprint=model.fingerprint, store=settings.store or "embedded")
        report = Repaired()
        raw = stack.enter_context(closing(_open_embeddings(settings, report)))
        _repair_engine(settings, manifest, raw, model, report)
        store = stack.enter_context(closing(_open(settings, model, create=True)))
        reconcile(manifest, store, raw, alone=settings.store is None)
        again = _doubted_files(manifest, fingerprint(settings), report)
        done = read_files(again, settings, model, store, raw, manifest, stop)
        _conclude(report, manifest, again, done)
    report.seconds = time.monotonic() - begun
    return report


def _open(settings: Settings, model: OmniBind, create: bool) -> VectorStore:
    return open_store(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint, create=create)


def _open_embeddings(settings: Settings, report: Repaired) -> SpaceEmbeddingStore:
    """The embeddings, checked; where their index is damaged, a new one that holds none."""
    directory = settings.data_dir / EMBEDDINGS_DIRECTORY
    try:
        raw = SpaceEmbeddingStore(directory)
        try:
            report.embeddings, report.damaged_embeddings = raw.count(), raw.damaged()
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
    """Mark the items that lost points or embeddings, then move all sound points of a damaged engine to a new one.

    A server's collection is not replaced: items whose points are wrong there are read again, too.
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
            manifest.doubt_intended()
            manifest.doubt(sorted(found.lost | found.lacking | (set() if alone else found.wrong)))
        if alone and not found.engine_is_sound:
            with swap(settings, model=name, dim=dim, fingerprint=mark) as fresh:
                report.points = _fill(fresh, store, found, manifest, model, raw)
            report.rebuilt = True


def _fill(
    fresh: VectorStore, old: VectorStore, found: Audit, manifest: Manifest, model: OmniBind, raw: SpaceEmbeddingStore
) -> int:
    """Write every point of an item that has all of them; return how many. Those of other items are made by reading."""
    items = {item.id: item for item in manifest.items()}
    labels = LabelTree(manifest)
    facts = {item.id: labels.facts(item.mime, holders) for item, holders in manifest.held() if item.id in found.wrong}
    left_out = found.lacking | (found.wrong & found.lost)
    points = read_points(old, list(items), [])
    written = 0
    while batch := list(islice(points, BATCH_POINTS)):
        kept = [p for p in batch if is_sound(p, items) and p.payload.item_id not in left_out]
        made = [point for group in by_modality(kept) for point in _bound(group, model, raw, facts)]
        fresh.upsert(made)
        written += len(made)
    return written


def _bound(
    points: list[Point], model: OmniBind, raw: SpaceEmbeddingStore, facts: Mapping[str, Facts]
) -> Iterator[Point]:
    """Points with the vectors that their embeddings give; where these are lost, with those that the engine has."""
    rows, complete = embeddings_of(points, model, raw)
    vectors = iter(model.bind(points[0].payload.modality, rows)) if complete.any() else iter(())
    for point, good in zip(points, complete, strict=True):
        vector = next(vectors) if good else point.vector
        told = facts.get(point.payload.item_id)
        yield replace(point, vector=vector, payload=replace(point.payload, **vars(told)) if told else point.payload)


def _doubted_files(manifest: Manifest, decoder: str, report: Repaired) -> Survey:
    """The files to read again; those that are gone are `left`."""
    found = Survey(decoder)
    for item in manifest.doubted():
        for path in (row.path for row in manifest.holders(item.id)):
            try:
                status = os.lstat(path)
            except OSError as error:
                report.left.append((path, os.strerror(error.errno or 0)))
                continue
            if stat.S_ISREG(status.st_mode):
                found.todo.append(Reading(path, Signature.of(status)))
            else:
                report.left.append((path, "not a regular file"))
    found.report.seen = len(found.todo)
    return found


def _conclude(report: Repaired, manifest: Manifest, again: Survey, done: Report) -> None:
    report.interrupted = done.interrupted
    for reading in again.todo:
        row = manifest.file(reading.path)
        if row is None or row.reason is not None:
            report.left.append((reading.path, str(row.reason) if row else "gone"))
        elif row.decoder == again.decoder:
            report.read_again += 1
    report.left = sorted((show_path(path), reason) for path, reason in report.left)
