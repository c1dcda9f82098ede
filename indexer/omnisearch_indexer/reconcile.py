"""Keeping engine, embeddings and manifest consistent: after a crash, after a loss, and at the end of every run."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from omnisearch.stores.base import Facts, Filter, VectorStore
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch_indexer.labels import LabelTree, told
from omnisearch_indexer.manifest import DOUBT, ItemRow, Manifest
from omnisearch_indexer.retries import is_retried
from omnisearch_indexer.walk import Signature

CHUNK = 256


def reconcile(manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore, alone: bool) -> None:
    """Account for what a crash left half written, then hold the engine to the manifest's count.

    The points of new items that were being written are deleted. Their embeddings stay, with the intents that name them,
    for the run that reads their files again. Items that were known before stay in the index, marked to be read again.

    Where the counts differ and the collection is ours `alone`, all points are compared: items that lost points are
    marked, so that they are read again, and points that no item owns are deleted. A server's collection may hold
    what other data directories wrote, so there the counts say nothing and are not compared.
    """
    begun = [intent.item_id for intent in manifest.intents.all() if not manifest.item(intent.item_id)]
    remove_items(begun, store, raw, frozenset(manifest.intents.keys(begun)))
    with manifest.transaction():
        manifest.doubt_intended()
        manifest.drop_orphans()
    settle(manifest, store, raw)
    if not alone or store.count() == manifest.segments():
        return
    held = Counter(point.payload.item_id for point in store.scroll())
    expected = {item.id: item.segments for item in manifest.items()}
    with manifest.transaction():
        manifest.doubt([item_id for item_id, n in expected.items() if held[item_id] != n])
    take_back(sorted(held.keys() - expected.keys()), manifest, store, raw)


def settle(manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore) -> None:
    """Remove the items that no file holds, and tell the engine what has changed of the others but their content."""
    take_back(manifest.unheld(), manifest, store, raw)
    give_up(_orphans(manifest), manifest, store, raw)
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


def take_back(item_ids: Sequence[str], manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore) -> None:
    """Delete all that was written of items, whole or not, and forget the files that hold them; durable on return."""
    if not item_ids:
        return
    raw.delete(manifest.intents.keys(item_ids))
    remove_items(item_ids, store, raw)
    with manifest.transaction():
        manifest.forget(item_ids)
        manifest.intents.settle(item_ids)


def give_up(item_ids: Sequence[str], manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore) -> None:
    """Settle the intents of items without finishing them. What was known of an item before stays."""
    known = [item_id for item_id in item_ids if manifest.item(item_id)]
    take_back([item_id for item_id in item_ids if item_id not in known], manifest, store, raw)
    if known:
        points = {point.id for point in store.scroll(Filter(item_ids=tuple(known)))}
        raw.delete([key for key in manifest.intents.keys(known) if key not in points])
        raw.flush()
        with manifest.transaction():
            manifest.intents.settle(known)


def _orphans(manifest: Manifest) -> list[str]:
    """The items that were being written, and whose file is gone or has come to another end since."""
    return [intent.item_id for intent in manifest.intents.all() if not _is_unfinished(intent.path, manifest)]


def _is_unfinished(path: str, manifest: Manifest) -> bool:
    try:
        signature = Signature.of(os.lstat(path))
    except OSError:
        return False
    row = manifest.file(path)
    if row is None or row.decoder.startswith(DOUBT) or not row.signature.matches(signature):
        return True
    return row.reason is not None and is_retried(row.reason, row.attempts)
