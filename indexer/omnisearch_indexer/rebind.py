"""Rebinding: another bound model over the same spaces, applied to an index without opening a file.

    points of the old collection -> raw embeddings of their ids -> bind -> new collection -> alias -> manifest

A run that dies before the alias moves leaves the old index as it was, and one that dies after it leaves a manifest of
another model, which `omnisearch index` refuses; either is mended by the next run, which begins anew.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings
from omnisearch.errors import FingerprintError, Reason
from omnisearch.search.kept import read_kept
from omnisearch.stores.base import Point, VectorStore
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.stores.open import open_current, swap
from omnisearch.types import Floats, Modality, SpaceEmbeddings
from omnisearch_indexer.encoder import usable
from omnisearch_indexer.lock import hold_lock
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest, State
from omnisearch_indexer.progress import Bar, Meter
from omnisearch_indexer.reconcile import reconcile
from omnisearch_indexer.storage import named_faults

# Bounds the memory: a batch's raw embeddings in every space, and its vectors.
BATCH_POINTS = 1024


@dataclass
class Rebound:
    """What a run did: `points` were bound; `directionless` items have no direction in the new shared space."""

    points: int = 0
    directionless: set[str] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Points per second."""
        return self.points / max(self.seconds, 1e-9)

    def fields(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "points": self.points,
            "failed_items": len(self.directionless),
            "seconds": round(self.seconds, 3),
            "points_per_second": round(self.rate, 1),
        }

    def __str__(self) -> str:
        lost = f", {len(self.directionless):,} items have no direction in it" if self.directionless else ""
        return f"{self.points:,} points bound{lost}, in {self.seconds:.1f} s ({self.rate:,.0f} points/s)"


def rebind_index(settings: Settings) -> Rebound:
    """Make the index of the settings one of the model of the settings; searches go on in the old one until the end.

    Raises:
        NoIndexError: nothing was indexed yet.
        BusyError: another process indexes here.
        FingerprintError: the model needs embeddings that were not kept: files must be encoded.
        ModelMissingError: there is no such model.
    """
    begun = time.monotonic()
    place = settings.data_dir / MANIFEST_FILE
    Manifest(place).close()  # raises where there is none
    with named_faults(settings.data_dir), ExitStack() as stack:
        stack.enter_context(hold_lock(settings.data_dir))
        manifest = stack.enter_context(closing(Manifest(place, create=True)))
        manifest.claim(store=settings.store or "embedded")
        model = OmniBind.load(settings.model, settings)
        old = stack.enter_context(closing(open_current(settings)))
        raw = stack.enter_context(closing(SpaceEmbeddingStore(settings.data_dir / EMBEDDINGS_DIRECTORY)))
        # Every point that is left has its raw embeddings. What was lost otherwise is for the indexer to read again.
        reconcile(manifest, old, raw, alone=False)
        meter = stack.enter_context(Bar("rebinding", "points"))
        with swap(settings, model=model.name, dim=model.dim, fingerprint=model.fingerprint) as fresh:
            report = _fill(fresh, old, model, raw, meter)
        _tell(manifest, model, report.directionless)
    report.seconds = time.monotonic() - begun
    return report


def _fill(fresh: VectorStore, old: VectorStore, model: OmniBind, raw: SpaceEmbeddingStore, meter: Meter) -> Rebound:
    report = Rebound()
    meter.start(old.count())
    points = old.scroll()
    while batch := list(islice(points, BATCH_POINTS)):
        bound = [point for group in _by_modality(batch) for point in _bind(group, model, raw)]
        report.directionless.update(point.payload.item_id for point in bound if not usable(point.vector))
        kept = [point for point in bound if point.payload.item_id not in report.directionless]
        fresh.upsert(kept)
        report.points += len(kept)
        meter.advance(len(batch))
    if report.directionless:  # an item is indexed as a whole or not at all
        fresh.delete(sorted(report.directionless))
        report.points = fresh.count()
    return report


def _by_modality(points: Sequence[Point]) -> Iterator[list[Point]]:
    for modality in Modality:
        if group := [point for point in points if point.payload.modality is modality]:
            yield group


def _bind(points: Sequence[Point], model: OmniBind, raw: SpaceEmbeddingStore) -> list[Point]:
    """The points of one modality with the vectors of the model."""
    modality = points[0].payload.modality
    if modality not in model.modalities:
        raise FingerprintError(
            f"model {model.name!r} does not embed {modality}, and {points[0].payload.path} is indexed as such: "
            f"run `omnisearch index` with this model and another --data-dir"
        )
    vectors = model.bind(modality, _embeddings(points, model, raw))
    return [replace(point, vector=vector) for point, vector in zip(points, vectors, strict=True)]


def _embeddings(points: Sequence[Point], model: OmniBind, raw: SpaceEmbeddingStore) -> SpaceEmbeddings:
    modality = points[0].payload.modality
    found: dict[tuple[str, Modality], Floats] = {}
    for (space, part), (rows, present) in read_kept(raw, model, modality, [point.id for point in points]).items():
        if not present.all():
            lacking = points[int(present.argmin())].payload.path
            raise FingerprintError(
                f"space {space!r} (fingerprint {model.spaces[space].fingerprint}) has not read every file of the "
                f"index: of {lacking} there is no {part} embedding, so rebinding does not suffice and files must "
                f"be encoded: run `omnisearch index` with this model and another --data-dir"
            )
        found[space, part] = rows
    return found


def _tell(manifest: Manifest, model: OmniBind, directionless: set[str]) -> None:
    """Make the manifest say what a new index would, so that the indexer finds nothing to do."""
    lost = [
        replace(row, item_id=None, reason=Reason.NON_FINITE, detail="it has no direction in the space")
        for item_id in sorted(directionless)
        for row in manifest.holders(item_id)
    ]
    # What the old model did not embed is looked at again by the next run.
    strange = [row.path for row in manifest.failures(with_unsupported=True) if row.state is State.UNSUPPORTED]
    with manifest.transaction():
        manifest.put_files(lost)
        manifest.forget(sorted(directionless))
        manifest.drop_files(strange)
        manifest.rename(model=model.name, fingerprint=model.fingerprint)
