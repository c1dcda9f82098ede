"""Loads of many points into a collection of a server, which builds its search indexes once, when the load ends.

The indexing threshold of the collection is kept in its metadata meanwhile, so a load that a crash interrupted can be
ended later.
"""

from qdrant_client import QdrantClient, models

from omnisearch.stores.server_calls import patiently

KEPT = "omnisearch_indexing_threshold"
DEFAULT_KILOBYTES = 10_000  # the server's own, which it does not name


def begin_load(client: QdrantClient, collection: str) -> None:
    """Build no search index until `end_load`; searches of new points are exact. Does nothing during a load."""
    config = patiently(client.get_collection, collection).config
    if _kept(config) is None:
        _update(client, collection, 0, kept=config.optimizer_config.indexing_threshold or DEFAULT_KILOBYTES)


def end_load(client: QdrantClient, collection: str) -> None:
    """Build search indexes again, in the background. Does nothing if no load was begun."""
    threshold = _kept(patiently(client.get_collection, collection).config)
    if threshold is not None:
        _update(client, collection, threshold, kept=None)


def _kept(config: models.CollectionConfig) -> int | None:
    return (config.metadata or {}).get(KEPT)


def _update(client: QdrantClient, collection: str, threshold: int, kept: int | None) -> None:
    optimizers = models.OptimizersConfigDiff(indexing_threshold=threshold)
    patiently(client.update_collection, collection, optimizers_config=optimizers, metadata={KEPT: kept})
