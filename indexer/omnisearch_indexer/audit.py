"""An audit: the engine's points compared with the manifest, and its vectors with the embeddings they were made of.

The engine keeps no checksums. A vector is right if binding the embeddings of its segment gives it again, and a point is
right if its id, item and number of segments are what the manifest says.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.model import OmniBind
from omnisearch.errors import NoIndexError, StoreError
from omnisearch.search.kept import read_kept
from omnisearch.stores.base import Filter, Lookup, Point, VectorStore
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch.stores.ids import point_id
from omnisearch.stores.words import document
from omnisearch.types import Modality, SpaceEmbeddings
from omnisearch.where import Matches, Within
from omnisearch_indexer.labels import told
from omnisearch_indexer.manifest import ItemRow, Manifest

# Bounds the memory: a batch's embeddings in every space, and its vectors.
BATCH_POINTS = 1024
# Cosines below 1 by less come from another order of adding, or another device.
TOLERANCE = 1e-4
CHUNK = 256
# So many times the engine may fail before the points that were not read are given up.
MAX_FAILURES = 256
MAX_WORDED = 10_000


@dataclass
class Audit:
    """What was found. Items are named by id; `points` counts those that are as the manifest says."""

    points: int = 0
    expected: int = 0
    failures: list[str] = field(default_factory=list)  # what the engine said when it could not be read
    lacking: set[str] = field(default_factory=set)  # their points are lost, unreadable or not theirs
    wrong: set[str] = field(default_factory=set)  # their vectors or facts are not what they should be
    strange: set[str] = field(default_factory=set)  # they have points, and the manifest does not know them
    lost: set[str] = field(default_factory=set)  # some of their embeddings are lost or damaged
    untrusted: list[str] = field(default_factory=list)  # points whose embeddings have no checksum and do not fit
    hidden: list[str] = field(default_factory=list)  # filters that do not find all points that pass them

    @property
    def engine_is_sound(self) -> bool:
        """Whether the engine holds what the manifest and the embeddings say, and nothing else."""
        return not (self.failures or self.lacking or self.wrong or self.strange or self.hidden)

    def engine_faults(self) -> str:
        """Say what is wrong with the engine."""
        counts = {
            "lost or unreadable points": len(self.lacking),
            "wrong vectors or facts": len(self.wrong),
            "points that the manifest does not know": len(self.strange),
        }
        faults = [f"items with {what}: {n:,}" for what, n in counts.items() if n]
        faults += [f"a search by {name} loses points" for name in self.hidden]
        return "; ".join(faults + self.failures[:1])


def audit(manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore, model: OmniBind, alone: bool) -> Audit:
    """Compare every point. A collection that is not ours `alone` may hold the points of other data directories."""
    items = {item.id: item for item in manifest.items()}
    found = Audit(expected=manifest.segments())
    held, seen = Counter[str](), Counter[tuple[str, str]]()
    points = read_points(store, list(items), found.failures)
    while batch := list(islice(points, BATCH_POINTS)):
        own = [point for point in batch if point.payload.item_id in items]
        if alone:
            found.strange.update({point.payload.item_id for point in batch} - items.keys())
        good = [point for point in own if is_sound(point, items)]
        held.update(point.payload.item_id for point in good)
        seen.update(("modality", point.payload.modality) for point in good)
        seen.update(("mime", point.payload.mime) for point in good)
        found.wrong.update(p.payload.item_id for p in good if _is_told_wrong(p, items[p.payload.item_id]))
        for group in by_modality(good):
            _compare(group, model, raw, found)
    found.points = held.total()
    found.lacking = {item.id for item in items.values() if held[item.id] != item.segments}
    if alone and found.engine_is_sound and found.points:
        untold = sum(item.segments for item in items.values() if not item.told)
        found.hidden = list(_hidden(store, list(items), seen, found.points, untold))
    return found


def read_points(store: VectorStore, item_ids: Sequence[str], failures: list[str]) -> Iterator[Point]:
    """Every point with its vector; where the engine fails, those of `item_ids` that can be read by themselves.

    What the engine says then is added to `failures`.
    """
    last = ""
    try:
        for point in store.scroll(with_vectors=True):
            last = point.id
            yield point
    except (StoreError, NoIndexError) as error:
        failures.append(str(error))
        for at in range(0, len(item_ids), CHUNK):
            # A scroll gives points in order of id.
            yield from (p for p in _salvage(store, item_ids[at : at + CHUNK], failures) if p.id > last)


def is_sound(point: Point, items: dict[str, ItemRow]) -> bool:
    """Whether a point is one of an item's, as the manifest knows it."""
    payload = point.payload
    item = items.get(payload.item_id)
    if item is None or point.id != point_id(payload.item_id, payload.segment):
        return False
    return (payload.modality, payload.segments) == (item.modality, item.segments)


def by_modality(points: Sequence[Point]) -> Iterator[list[Point]]:
    """The points of each modality."""
    for modality in Modality:
        if group := [point for point in points if point.payload.modality is modality]:
            yield group


def embeddings_of(
    points: Sequence[Point], model: OmniBind, raw: SpaceEmbeddingStore
) -> tuple[SpaceEmbeddings, NDArray[np.bool_]]:
    """The undamaged embeddings of n points of one modality, and bool (n,): which points have all of theirs."""
    found = read_kept(raw, model, points[0].payload.modality, [point.id for point in points])
    complete = np.all([present for _, present in found.values()], axis=0)
    return {part: rows[complete] for part, (rows, _) in found.items()}, complete


def doubt_lost_embeddings(manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore, model: OmniBind) -> None:
    """Mark the items whose embeddings are gone with their files, so that they are read again.

    Looks at counts and lengths only, and at every point where these show a loss.
    """
    if raw.is_complete() and raw.count() >= manifest.segments():
        return
    lost: set[str] = set()
    points = store.scroll()
    while batch := list(islice(points, BATCH_POINTS)):
        for group in by_modality(batch):
            _, complete = embeddings_of(group, model, raw)
            lost.update(point.payload.item_id for point, good in zip(group, complete, strict=True) if not good)
    with manifest.transaction():
        manifest.doubt(sorted(lost))


def _salvage(store: VectorStore, item_ids: Sequence[str], failures: list[str]) -> Iterator[Point]:
    """The points of items: of all, or if that fails of each half."""
    if len(failures) > MAX_FAILURES:
        return
    try:
        yield from list(store.scroll(Filter(item_ids=tuple(item_ids)), with_vectors=True))
    except (StoreError, NoIndexError) as error:
        failures.append(str(error))
        half = len(item_ids) // 2
        if half:
            yield from _salvage(store, item_ids[:half], failures)
            yield from _salvage(store, item_ids[half:], failures)


def _compare(points: Sequence[Point], model: OmniBind, raw: SpaceEmbeddingStore, found: Audit) -> None:
    rows, complete = embeddings_of(points, model, raw)
    found.lost.update(point.payload.item_id for point, good in zip(points, complete, strict=True) if not good)
    bound = iter(model.bind(points[0].payload.modality, rows)) if complete.any() else iter(())
    for point, good in zip(points, complete, strict=True):
        wanted = next(bound) if good else None
        vector = point.vector.astype(np.float64)
        is_unit = vector.shape == (model.dim,) and abs(np.linalg.norm(vector) - 1) < TOLERANCE
        fits = is_unit and (wanted is None or vector @ wanted > (1 - TOLERANCE) * np.linalg.norm(wanted))
        if is_unit and not fits and not raw.has_checksums:
            # Either may be damaged: the embeddings are made again.
            found.untrusted.append(point.id)
            found.lost.add(point.payload.item_id)
        elif not fits:
            found.wrong.add(point.payload.item_id)


def _is_told_wrong(point: Point, item: ItemRow) -> bool:
    return bool(item.told) and told(point.payload.facts) != item.told


def _hidden(
    store: VectorStore, item_ids: Sequence[str], seen: Counter[tuple[str, str]], total: int, untold: int
) -> Iterator[str]:
    """What the engine finds other than all points by, though it holds them.

    Points whose items were told nothing, by an old version, have no facts and no words.
    """
    if store.undescribed() != untold:
        yield "any fact"
    chunks = [tuple(item_ids[at : at + CHUNK]) for at in range(0, len(item_ids), CHUNK)]
    if sum(store.count(Filter(item_ids=chunk)) for chunk in chunks) != total:
        yield "item"
    modalities = {Modality(name): n for (key, name), n in seen.items() if key == "modality"}
    if any(store.count(Filter(modalities=(modality,))) != n for modality, n in modalities.items()):
        yield "modality"
    if untold:
        return
    types = {name: n for (key, name), n in seen.items() if key == "mime" and name}
    if any(store.count(Filter(where=(Matches("mime", mime),))) != n for mime, n in types.items()):
        yield "type"
    if store.count(Filter(where=(Within("size", gte=0.0),))) != total:
        yield "size"
    limit = min(total, MAX_WORDED)
    every = document("", (), (), {}, "")  # the word that all points have
    if len(store.search([Lookup(every, limit)])[0]) != limit:
        yield "words"
