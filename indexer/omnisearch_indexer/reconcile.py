"""Keep the engine, the embeddings and the manifest consistent after a crash, after a loss, and after every run."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from omnisearch.errors import DamageError
from omnisearch.stores.base import Facts, Filter, VectorStore
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch_indexer.facts_version import facts_version
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import SUSPECT, ItemRow
from omnisearch_indexer.path_labels import LabelTree, facts_json
from omnisearch_indexer.retries import is_retried
from omnisearch_indexer.walk import Signature

CHUNK = 256


def reconcile(manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore, alone: bool) -> None:
    """Clean up after a crash, then compare the engine's number of points with the manifest.

    The points of new items that were being written are deleted. Their embeddings and intents stay for the run that
    reads their files again. Items that were known before stay in the index, marked as suspect.

    If the counts differ and only this data directory writes to the collection (`alone`), all points are compared: items
    that lost points are marked as suspect, and points of unknown items are deleted. A server's collection may hold
    points of other data directories, so its count is not compared.

    Raises:
        DamageError: the manifest is a new one, beside points that an earlier one knew.
    """
    if not manifest.is_bound and store.count():
        raise DamageError(
            f"{manifest.path} is missing, and the engine has {store.count():,} points: run `omnisearch repair`"
        )
    begun = [intent.item_id for intent in manifest.intents.all() if not manifest.item(intent.item_id)]
    remove_items(begun, store, raw, frozenset(manifest.intents.keys(begun)))
    with manifest.transaction():
        manifest.mark_intended_suspect()
        manifest.drop_orphans()
    settle(manifest, store, raw)
    if not alone or store.count() == manifest.segments():
        return
    held = Counter(point.payload.item_id for point in store.scroll())
    expected = {item.id: item.segments for item in manifest.items()}
    with manifest.transaction():
        manifest.mark_suspect([item_id for item_id, n in expected.items() if held[item_id] != n])
    take_back(sorted(held.keys() - expected.keys()), manifest, store, raw)


def settle(manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore) -> Sequence[str]:
    """Remove the items that no file holds, and update the changed facts of the others in the engine.

    Returns the ids of the removed items.

    Computing the facts takes a second for every 10,000 items. So it is skipped if the manifest has not changed since,
    and is done only for the items that this run wrote if all others were settled before.
    """
    if manifest.is_settled(facts_version()) and not any(manifest.intents.all()):
        manifest.check_items()
        return ()
    touched = manifest.touched(facts_version())
    removed = manifest.unheld(touched)
    take_back(removed, manifest, store, raw)
    give_up(_orphans(manifest), manifest, store, raw)
    labels = LabelTree(manifest)
    held = ((item, labels.facts_of(item, holders)) for item, holders in manifest.held(touched))
    changed = ((item, facts) for item, facts in held if facts_json(facts) != item.facts_json)
    while rows := list(islice(changed, CHUNK)):
        part = [_with_mime(item, facts, store) for item, facts in rows]
        store.describe({item.id: facts for item, facts in part})
        with manifest.transaction():
            manifest.put_items(replace(item, mime=facts.mime, facts_json=facts_json(facts)) for item, facts in part)
    manifest.mark_settled(facts_version())
    return removed


def _with_mime(item: ItemRow, facts: Facts, store: VectorStore) -> tuple[ItemRow, Facts]:
    """Take a missing MIME type from the engine: an older version did not store it in the manifest."""
    if not facts.mime:
        known = next(store.scroll(Filter(item_ids=(item.id,))), None)
        facts = replace(facts, mime=known.payload.mime if known else "")
    return item, facts


def remove_items(
    item_ids: Sequence[str], store: VectorStore, raw: SpaceEmbeddingStore, keep: frozenset[str] = frozenset()
) -> None:
    """Delete the points of items, and their raw embeddings except those to `keep`; durable on return."""
    for at in range(0, len(item_ids), CHUNK):
        part = tuple(item_ids[at : at + CHUNK])
        raw.delete([point.id for point in store.scroll(Filter(item_ids=part)) if point.id not in keep])
        raw.flush()
        store.delete(part)


def take_back(item_ids: Sequence[str], manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore) -> None:
    """Delete the points and embeddings of items, and forget the files that hold them; durable on return."""
    if not item_ids:
        return
    raw.delete(manifest.intents.keys(item_ids))
    remove_items(item_ids, store, raw)
    with manifest.transaction():
        manifest.forget(item_ids)
        manifest.intents.settle(item_ids)


def give_up(item_ids: Sequence[str], manifest: Manifest, store: VectorStore, raw: SpaceEmbeddingStore) -> None:
    """Settle the intents of items without finishing them. Items that were indexed before stay."""
    known = [item_id for item_id in item_ids if manifest.item(item_id)]
    take_back([item_id for item_id in item_ids if item_id not in known], manifest, store, raw)
    if known:
        points = {point.id for point in store.scroll(Filter(item_ids=tuple(known)))}
        raw.delete([key for key in manifest.intents.keys(known) if key not in points])
        raw.flush()
        with manifest.transaction():
            manifest.intents.settle(known)


def _orphans(manifest: Manifest) -> list[str]:
    """The items with an intent whose file is missing or has another outcome since."""
    return [intent.item_id for intent in manifest.intents.all() if not _is_unfinished(intent.path, manifest)]


def _is_unfinished(path: str, manifest: Manifest) -> bool:
    try:
        signature = Signature.of(os.lstat(path))
    except OSError:
        return False
    row = manifest.file(path)
    if row is None or row.decoder.startswith(SUSPECT) or not row.signature.matches(signature):
        return True
    return row.reason is not None and is_retried(row.reason, row.attempts)
