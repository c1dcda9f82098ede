"""Rebind: apply another bound model to an index, from the stored embeddings of its spaces, without opening a file.

    points of the old collection -> raw embeddings of their ids -> bind -> new collection -> alias -> manifest

A run that dies before the alias moves leaves the old index unchanged. One that dies after it leaves a manifest of
another model, which `omnisearch index` refuses. In both cases the next run starts again and repairs it.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import FingerprintError, Reason
from omnisearch.meter import SILENT, Meter
from omnisearch.search.space_embeddings import read_space_embeddings, stored_width
from omnisearch.stores.base import Point, VectorStore
from omnisearch.stores.catalog import open_current, swap
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.lock import hold_lock
from omnisearch.stores.validation import usable
from omnisearch_indexer import audit
from omnisearch_indexer.audit import by_modality, embeddings_of
from omnisearch_indexer.encoder import Encoder
from omnisearch_indexer.identity import identity_of
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.manifest_rows import FileState
from omnisearch_indexer.open_manifest import open_manifest
from omnisearch_indexer.reconcile import reconcile
from omnisearch_indexer.storage_errors import named_faults
from omnisearch_indexer.text_vectors import with_text_vectors


@dataclass
class Rebound:
    """The result of a run: `points` were bound; `directionless` items have no usable vector in the new shared space.

    `lost` items lack embeddings, or theirs are damaged: they are not in the index until their files are read again,
    which the caller does next if `then_read`.
    """

    points: int = 0
    directionless: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    seconds: float = 0.0
    then_read: bool = False

    @property
    def rate(self) -> float:
        """Points per second."""
        return self.points / max(self.seconds, 1e-9)

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "points": self.points,
            "failed_items": len(self.directionless),
            "lost_items": len(self.lost),
            "seconds": round(self.seconds, 3),
            "points_per_second": round(self.rate, 1),
        }

    def __str__(self) -> str:
        failed = f", {len(self.directionless):,} items have no usable vector in it" if self.directionless else ""
        until = "their files are read, which begins now" if self.then_read else "`omnisearch repair` reads their files"
        lost = f"; {len(self.lost):,} items lack embeddings, or theirs are damaged: they are not found until {until}"
        done = f"{self.points:,} points bound{failed}, in {self.seconds:.1f} s ({self.rate:,.0f} points/s)"
        return done + (lost if self.lost else "")


def rebind_index(settings: Settings, meter: Meter = SILENT, then_read: bool = False) -> Rebound:
    """Rebind the index of the settings to the model of the settings; searches use the old one until the end.

    `meter` receives the progress in points. With `then_read`, the caller repairs the index afterwards
    (`omnisearch_indexer.repair`), so items that a space of the model has not read count as lost and are not refused.

    Raises:
        NoIndexError: nothing was indexed yet.
        BusyError: another process indexes here.
        FingerprintError: the model needs embeddings that are not stored: files must be encoded.
        ModelMissingError: there is no such model.
    """
    begun = time.monotonic()
    open_manifest(settings, checked=True).close()  # raises if there is none
    with named_faults(settings.index_dir), ExitStack() as stack:
        stack.enter_context(hold_lock(settings.index_dir))
        manifest = stack.enter_context(closing(Manifest(settings.index_dir / MANIFEST_FILE, create=True)))
        manifest.claim(store=settings.store_name)
        model = OmniBind.load(settings.model, settings)
        old = stack.enter_context(closing(open_current(settings)))
        raw = stack.enter_context(closing(SpaceEmbeddingStore(settings.index_dir / EMBEDDINGS_DIRECTORY)))
        reconcile(manifest, old, raw, alone=False)
        with swap(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint) as fresh:
            report = _fill(fresh, old, model, raw, manifest, meter, then_read)
            # Before the alias moves: a run that dies after it would leave no trace of items that are in neither index.
            with manifest.transaction():
                manifest.mark_suspect(sorted(report.lost))
        _tell(manifest, identity_of(model, settings), report)
    report.seconds = time.monotonic() - begun
    return report


def _fill(
    fresh: VectorStore,
    old: VectorStore,
    model: OmniBind,
    raw: SpaceEmbeddingStore,
    manifest: Manifest,
    meter: Meter,
    then_read: bool,
) -> Rebound:
    report = Rebound(lost={item.id for item in manifest.suspects()}, then_read=then_read)
    meter.start(old.count())
    encoder = Encoder(model, raw, audit.BATCH_POINTS)
    points = old.scroll()
    while batch := list(islice(points, audit.BATCH_POINTS)):
        bound = [point for group in by_modality(batch) for point in _bind(group, model, raw, report)]
        report.directionless.update(point.payload.item_id for point in bound if not usable(point.vector))
        kept = [point for point in bound if point.payload.item_id not in report.directionless | report.lost]
        fresh.upsert(with_text_vectors(kept, encoder, kept=True))
        report.points += len(kept)
        meter.advance(len(batch))
    raw.flush()
    if left_out := report.directionless | report.lost:  # an item is indexed completely or not at all
        fresh.delete(sorted(left_out))
        report.points = fresh.count()
    return report


def _bind(points: Sequence[Point], model: OmniBind, raw: SpaceEmbeddingStore, report: Rebound) -> list[Point]:
    """Return the points of one modality with the vectors of the model, without those whose embeddings are lost."""
    modality = points[0].payload.modality
    if modality not in model.modalities:
        raise FingerprintError(
            f"model {model.name!r} does not embed {modality}, and {points[0].payload.path} is indexed as such: "
            f"run `omnisearch index PATH... --data-dir NEW` with this model"
        )
    rows, complete = embeddings_of(points, model, raw)
    lost = [point for point, good in zip(points, complete, strict=True) if not good]
    for point in lost:
        if not report.then_read and point.payload.item_id not in report.lost:
            _require_read(point, model, raw)
    report.lost.update(point.payload.item_id for point in lost)
    if not complete.any():
        return []
    vectors = iter(model.bind(modality, rows))
    return [replace(point, vector=next(vectors)) for point, good in zip(points, complete, strict=True) if good]


def _require_read(point: Point, model: OmniBind, raw: SpaceEmbeddingStore) -> None:
    """Refuse a model with a space that never encoded the file of a point, or whose embedding of it is cut too short.

    Raises:
        FingerprintError: names the space and the file.
    """
    path = point.payload.path
    for space, part in read_space_embeddings(raw, model, point.payload.modality, [point.id]):
        width = stored_width(raw, model, space, part, point.id)
        if width is None:
            raise FingerprintError(
                f"space {space!r} (fingerprint {model.spaces[space].fingerprint}) has not read every file of the "
                f"index: {path} has no {part} embedding, so rebinding is not enough. Run `omnisearch "
                f"rebind --read`, which reads the files that lack one, or `omnisearch index PATH... --data-dir NEW`"
            )
        if width < model.stored_widths(space, part)[0]:
            raise FingerprintError(
                f"the {part} embedding of {path} was stored with dim {width}, and dim {model.dim} needs more of its "
                f"numbers: run `omnisearch rebind --read`, which reads such files again"
            )


def _tell(manifest: Manifest, identity: Mapping[str, str], report: Rebound) -> None:
    """Update the manifest to the state of a new index, so that the indexer reads only the files of lost items."""
    failed = [
        replace(row, item_id=None, reason=Reason.NON_FINITE, detail="it has no usable vector")
        for item_id in sorted(report.directionless)
        for row in manifest.holders(item_id)
    ]
    # The next run reads files again whose modality the old model did not embed.
    strange = [row.path for row in manifest.failures(with_unsupported=True) if row.state is FileState.UNSUPPORTED]
    with manifest.transaction():
        manifest.put_files(failed)
        manifest.forget(sorted(report.directionless))
        manifest.drop_files(strange)
        manifest.rename(**identity)
