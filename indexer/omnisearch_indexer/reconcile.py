"""Keeping engine and manifest of one mind: after a crash, after a loss, and at the end of every run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from omnisearch.stores.base import Facts, Filter, VectorStore
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch_indexer.labels import LabelTree, told
from omnisearch_indexer.manifest import ItemRow, Manifest

CHUNK = 256


def reconcile(manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore, alone: bool) -> None:
    """Take back what a crash left half done, then hold the engine to the manifest's count.

    Where the counts differ and the collection is ours `alone`, all points are compared: items that lost points are
    marked, so that they are read again, and points that no item owns are deleted. A server's collection may hold
    what other data directories wrote, so there the counts say nothing and are not compared.
    """
    _forget(manifest.intended(), manifest, store, raw)
    with manifest.transaction():
        manifest.settle_intents()
        manifest.drop_orphans()
    settle(manifest, store, raw)
    if not alone or store.count() == manifest.segments():
        return
    held = Counter(point.payload.item_id for point in store.scroll())
    expected = {item.id: item.segments for item in manifest.items()}
    with manifest.transaction():
        manifest.doubt([item_id for item_id, n in expected.items() if held[item_id] != n])
    _forget(sorted(held.keys() - expected.keys()), manifest, store, raw)


def settle(manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore) -> None:
    """Remove the items that no file holds, and tell the engine what has changed of the others but their content."""
    _forget(manifest.unheld(), manifest, store, raw)
    labels = LabelTree(manifest)
    changed: list[tuple[ItemRow, Facts]] = []
    for item, holders in manifest.held():
        facts = labels.facts(item.mime, holders)
        if told(facts) != item.told:
            changed.append((item, facts))
    for at in range(0, len(changed), CHUNK):
        part = [_with_mime(item, facts, store) for item, facts in changed[at : at + CHUNK]]
        store.describe({item.id: facts for item, facts in part})
        with manifest.transaction():
            manifest.put_items(replace(item, mime=facts.mime, told=told(facts)) for item, facts in part)


def _with_mime(item: ItemRow, facts: Facts, store: VectorStore) -> tuple[ItemRow, Facts]:
    """An older version did not note what the type of a file was, and the engine knows."""
    if not facts.mime:
        known = next(store.scroll(Filter(item_ids=(item.id,))), None)
        facts = replace(facts, mime=known.payload.mime if known else "")
    return item, facts


def remove_items(
    item_ids: Sequence[str], store: VectorStore, raw: SpaceEmbeddingStore, keep: frozenset[str] = frozenset()
) -> None:
    """Delete the points of items, and their raw embeddings but those of the points to `keep`; durable on return."""
    for at in range(0, len(item_ids), CHUNK):
        part = tuple(item_ids[at : at + CHUNK])
        raw.delete([point.id for point in store.scroll(Filter(item_ids=part)) if point.id not in keep])
        raw.flush()
        store.delete(part)


def _forget(item_ids: Sequence[str], manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore) -> None:
    if not item_ids:
        return
    remove_items(item_ids, store, raw)
    with manifest.transaction():
        manifest.forget(item_ids)
