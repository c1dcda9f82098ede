"""Audit: compare the engine's points with the manifest, and its vectors with the stored embeddings.

The engine keeps no checksums. A vector is correct if binding the embeddings of its segment yields the same vector. A
point is correct if its id, item and number of segments match the manifest.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.model import OmniBind
from omnisearch.errors import NoIndexError, StoreError
from omnisearch.query.conditions import PatternCondition, RangeCondition
from omnisearch.search.space_embeddings import read_space_embeddings
from omnisearch.stores.base import Filter, Lookup, Point, VectorStore
from omnisearch.stores.bm25 import document_weights
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch.stores.ids import is_point_id
from omnisearch.types import Floats, Modality, SpaceEmbeddings
from omnisearch_indexer.facts_version import facts_version
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import ItemRow
from omnisearch_indexer.path_labels import LabelTree, facts_json

# Bounds the memory, which holds the embeddings of one batch in every space and its vectors.
BATCH_POINTS = 1024
# Differences from a cosine of 1 that are smaller than this come from the order of additions or from the device.
TOLERANCE = 1e-4
TEXT_TOLERANCE = 1e-2  # of the length of a text vector, which is kept in half precision
CHUNK = 256
# After this many failures of the engine, the points not read yet count as unreadable.
MAX_FAILURES = 256
MAX_WORDED = 10_000


@dataclass
class Audit:
    """The result of an audit. Items are named by id; `points` counts the points that match the manifest."""

    points: int = 0
    expected: int = 0
    failures: list[str] = field(default_factory=list)  # error messages of the engine
    incomplete: set[str] = field(default_factory=set)  # items with lost, unreadable or mismatched points
    wrong: set[str] = field(default_factory=set)  # items with wrong vectors or facts
    unknown: set[str] = field(default_factory=set)  # items that have points and are not in the manifest
    lost: set[str] = field(default_factory=set)  # items with lost or damaged embeddings
    untrusted: list[str] = field(default_factory=list)  # points that differ from embeddings without a checksum
    failing_filters: list[str] = field(default_factory=list)  # filters that miss matching points
    keys: set[str] = field(default_factory=set)  # the ids of the points of known items

    @property
    def engine_is_sound(self) -> bool:
        """Whether the engine holds exactly the points that the manifest and the embeddings describe."""
        return not (self.failures or self.incomplete or self.wrong or self.unknown or self.failing_filters)

    def engine_faults(self) -> str:
        """Describe the faults of the engine; empty if there are none."""
        counts = {
            "lost or unreadable points": len(self.incomplete),
            "wrong vectors or facts": len(self.wrong),
            "points that the manifest does not know": len(self.unknown),
        }
        faults = [f"items with {what}: {n:,}" for what, n in counts.items() if n]
        faults += [f"a search by {name} loses points" for name in self.failing_filters]
        return "; ".join(faults + self.failures[:1])


def audit(manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore, model: OmniBind, alone: bool) -> Audit:
    """Compare every point. If not `alone`, the collection may also hold points of other data directories."""
    items = {item.id: item for item in manifest.items()}
    found = Audit(expected=manifest.segments())
    held, seen, other = Counter[str](), Counter[tuple[str, str]](), defaultdict[str, set[str]](set)
    points = read_points(store, list(items), found.failures)
    while batch := list(islice(points, BATCH_POINTS)):
        own = [point for point in batch if point.payload.item_id in items]
        found.keys.update(point.id for point in own)
        if alone:
            found.unknown.update({point.payload.item_id for point in batch} - items.keys())
        good = [point for point in own if is_sound(point, items)]
        held.update(point.payload.item_id for point in good)
        seen.update(("modality", point.payload.modality) for point in good)
        seen.update(("mime", point.payload.mime) for point in good)
        for point in good:
            item, facts = items[point.payload.item_id], facts_json(point.payload.facts)
            if item.facts_json and facts != item.facts_json:
                other[item.id].add(facts)
        for group in by_modality(good):
            _compare(group, model, raw, found)
    found.wrong |= _wrong_facts(manifest, other)
    found.points = held.total()
    found.incomplete = {item.id for item in items.values() if held[item.id] != item.segments}
    if alone and found.engine_is_sound and found.points:
        undescribed = sum(item.segments for item in items.values() if not item.facts_json)
        found.failing_filters = list(_failing_filters(store, list(items), seen, found.points, undescribed))
    return found


def read_points(store: VectorStore, item_ids: Sequence[str], failures: list[str]) -> Iterator[Point]:
    """Yield every point with its vector. If the engine fails, yield the readable points of `item_ids`.

    The engine's error messages are added to `failures`.
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
    """Whether a point matches its item in the manifest."""
    payload = point.payload
    item = items.get(payload.item_id)
    if item is None or not is_point_id(point.id, payload.item_id, payload.segment):
        return False
    return (payload.modality, payload.segments) == (item.modality, item.segments)


def by_modality(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Group points by modality."""
    for modality in Modality:
        if group := [point for point in points if point.payload.modality is modality]:
            yield group


def embeddings_of(
    points: Sequence[Point], model: OmniBind, raw: SpaceEmbeddingStore
) -> tuple[SpaceEmbeddings, NDArray[np.bool_]]:
    """Return the undamaged embeddings of n points of one modality, and bool (n,): which points have all of theirs."""
    found = read_space_embeddings(raw, model, points[0].payload.modality, [point.id for point in points])
    complete = np.all([present for _, present in found.values()], axis=0)
    return {part: rows[complete] for part, (rows, _) in found.items()}, complete


def mark_lost_embeddings(manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore, model: OmniBind) -> None:
    """Mark the items whose embeddings were lost with the files that held them, so that the items are read again.

    Compares counts and file lengths. Only if these show a loss, checks every point.
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
        manifest.mark_suspect(sorted(lost))


def _salvage(store: VectorStore, item_ids: Sequence[str], failures: list[str]) -> Iterator[Point]:
    """Yield the readable points of items: read all at once, or each half by itself if that fails."""
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
            # The vector or the embeddings may be damaged, so the embeddings are computed again.
            found.untrusted.append(point.id)
            found.lost.add(point.payload.item_id)
        elif not (fits and is_unit_or_missing(point.text_vector)):
            found.wrong.add(point.payload.item_id)


def is_unit_or_missing(text_vector: Floats | None) -> bool:
    """Whether the length of a text vector is 1.

    Damage to the flags of the points without a text gives them text vectors that are zero.
    """
    return text_vector is None or abs(float(np.linalg.norm(text_vector)) - 1) < TEXT_TOLERANCE


def _wrong_facts(manifest: Manifest, other: Mapping[str, set[str]]) -> set[str]:
    """Return the items with wrong facts, of those whose points have `other` facts than the manifest (JSON by item).

    A run writes changed facts to the engine first, then to the manifest, and a crash may come between. Those that the
    next run will write are right.
    """
    if manifest.is_settled(facts_version()):
        return set(other)
    labels = LabelTree(manifest)
    held = manifest.held(sorted(other))
    return other.keys() - {
        item.id for item, holders in held if other[item.id] == {facts_json(labels.facts_of(item, holders))}
    }


def _failing_filters(
    store: VectorStore, item_ids: Sequence[str], seen: Counter[tuple[str, str]], total: int, undescribed: int
) -> Iterator[str]:
    """Yield the names of the filters that miss points which the engine holds.

    Points written by an old version (`undescribed`) have no facts and no words.
    """
    if store.undescribed() != undescribed:
        yield "any fact"
    chunks = [tuple(item_ids[at : at + CHUNK]) for at in range(0, len(item_ids), CHUNK)]
    if sum(store.count(Filter(item_ids=chunk)) for chunk in chunks) != total:
        yield "item"
    modalities = {Modality(name): n for (key, name), n in seen.items() if key == "modality"}
    if any(store.count(Filter(modalities=(modality,))) != n for modality, n in modalities.items()):
        yield "modality"
    if undescribed:
        return
    types = {name: n for (key, name), n in seen.items() if key == "mime" and name}
    if any(store.count(Filter(where=(PatternCondition("mime", mime),))) != n for mime, n in types.items()):
        yield "type"
    if store.count(Filter(where=(RangeCondition("size", gte=0.0),))) != total:
        yield "size"
    limit = min(total, MAX_WORDED)
    every = document_weights(())  # the word "", which every point has
    if len(store.search([Lookup(every, limit)])[0]) != limit:
        yield "words"
