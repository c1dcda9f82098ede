"""The collections on a Qdrant server, and the alias that the server keeps for the current one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qdrant_client import QdrantClient, models

from omnisearch.config import Quantization
from omnisearch.errors import StoreError
from omnisearch.stores.base import TEXT_VECTOR
from omnisearch.stores.bm25 import WORDS
from omnisearch.stores.clauses import INDEXED
from omnisearch.stores.collection_name import CollectionName, alias_of
from omnisearch.stores.quantization import quantization_config, quantized_search
from omnisearch.stores.server import DENSE, ServerStore
from omnisearch.stores.server_calls import patiently


@dataclass(frozen=True)
class Layout:
    """How a server stores new collections. None leaves the choice to the server."""

    shards: int | None = None
    replicas: int | None = None
    quantization: Quantization = "none"
    on_disk: bool = False


class ServerCatalog:
    """A user's collection on one server (see `Catalog`); every store that it opens has its own connection."""

    def __init__(self, connect: Callable[[], QdrantClient], collection: str, layout: Layout) -> None:
        """`collection` is the name of the user's collection."""
        self._layout = layout
        self._connect, self._collection, self._alias = connect, collection, alias_of(collection)
        self._client = connect()

    def alias(self) -> CollectionName | None:
        """See `Catalog.alias`."""
        aliases = patiently(self._client.get_aliases).aliases
        target = next((a.collection_name for a in aliases if a.alias_name == self._alias), None)
        name = CollectionName.parse(target) if target else None
        if target and name is None:
            raise StoreError(f"the server's alias {self._alias!r} names {target!r}, not a collection of omnisearch")
        return name

    def names(self) -> list[CollectionName]:
        """See `Catalog.names`."""
        found = patiently(self._client.get_collections).collections
        names = (CollectionName.parse(c.name) for c in found)
        return [name for name in names if name is not None and name.collection == self._collection]

    def create(self, name: CollectionName) -> None:
        """See `Catalog.create`."""
        # Each is repeated as a whole: if the answer to a step was lost, the server may refuse to repeat the step.
        patiently(self._create_missing, name)
        patiently(self._complete, name)
        self._index_fields(name)

    def _create_missing(self, name: CollectionName) -> None:
        if not self._client.collection_exists(str(name)):
            self._client.create_collection(
                str(name),
                models.VectorParams(
                    size=name.dim, distance=models.Distance.COSINE, on_disk=self._layout.on_disk or None
                ),
                {WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
                shard_number=self._layout.shards,
                replication_factor=self._layout.replicas,
                quantization_config=quantization_config(self._layout.quantization),
            )

    def _complete(self, name: CollectionName) -> None:
        """Add the vectors that a collection of an older version lacks. Text vectors are where the others are."""
        known = self._client.get_collection(str(name)).config.params
        if WORDS not in (known.sparse_vectors or {}):
            words = models.SparseVectorNameConfig(sparse=models.SparseVectorConfig(modifier=models.Modifier.IDF))
            self._client.create_vector_name(str(name), WORDS, words)
        if not _has_texts(known):
            half = models.Datatype.FLOAT16
            text = models.DenseVectorConfig(size=name.dim, distance=models.Distance.COSINE, datatype=half)
            self._client.create_vector_name(str(name), TEXT_VECTOR, models.DenseVectorNameConfig(dense=text))
            known = self._client.get_collection(str(name)).config.params
        vectors = known.vectors if isinstance(known.vectors, dict) else {}
        dense, text_vector = vectors.get(DENSE), vectors.get(TEXT_VECTOR)
        if dense and text_vector and dense.on_disk and not text_vector.on_disk:
            change = {TEXT_VECTOR: models.VectorParamsDiff(on_disk=True)}
            self._client.update_collection(str(name), vectors_config=change)

    def _index_fields(self, name: CollectionName) -> None:
        """Create the missing indexes of filtered fields: an older version, or an interrupted creation, has fewer."""
        known = patiently(self._client.get_collection, str(name)).payload_schema
        for field, kind in INDEXED.items():
            if field not in known:
                schema = models.PayloadSchemaType(kind)
                patiently(self._client.create_payload_index, str(name), field, schema, wait=True)

    def point(self, name: CollectionName) -> None:
        """See `Catalog.point`."""
        steps: list[Any] = []
        if self.alias() is not None:
            steps.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=self._alias)))
        target = models.CreateAlias(collection_name=str(name), alias_name=self._alias)
        steps.append(models.CreateAliasOperation(create_alias=target))
        patiently(self._client.update_collection_aliases, steps)

    def drop(self, name: CollectionName) -> None:
        """See `Catalog.drop`."""
        patiently(self._client.delete_collection, str(name))

    def open(self, name: CollectionName, fingerprint: str) -> ServerStore:
        """See `Catalog.open`."""
        self._index_fields(name)
        known = patiently(self._client.get_collection, str(name)).config
        names = str(name), name.dim, fingerprint
        return ServerStore(self._connect(), *names, _has_texts(known.params), quantized_search(known))

    def close(self) -> None:
        """See `Catalog.close`."""
        self._client.close()


def _has_texts(known: models.CollectionParams) -> bool:
    return isinstance(known.vectors, dict) and TEXT_VECTOR in known.vectors
