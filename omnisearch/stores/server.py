"""The store on a Qdrant server: the same collections, and an alias that the server keeps."""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np
from qdrant_client import QdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from omnisearch.errors import NoIndexError, OmnisearchError, StoreError
from omnisearch.stores.base import Facts, Filter, Lookup, Mark, Order, Payload, Point, PointPage, Scored
from omnisearch.stores.bm25 import WORDS, SparseVector
from omnisearch.stores.clauses import INDEXED, Clause, clauses, search_exactly
from omnisearch.stores.collection_name import CollectionName, alias_of
from omnisearch.stores.pages import Scroll, finished, read_page
from omnisearch.stores.validation import check_facts, check_lookups, check_points
from omnisearch.types import Floats

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_SECONDS = 30
# A search must fail within two seconds if the server is down. Every call here may be repeated safely.
PAUSES = (0.1, 0.3, 0.8)
PAGE = 1024
DENSE = ""  # the server's name of the unnamed vector
BATCH = 256  # stays under the server's 32 MiB per request up to 4096 dimensions


def connect(url: str, api_key: str | None) -> QdrantClient:
    """Return a client of the server at `url`; nothing is sent yet.

    Raises:
        StoreError: `url` is not a valid URL.
    """
    try:
        return QdrantClient(url=url, api_key=api_key, timeout=TIMEOUT_SECONDS, check_compatibility=False)
    except ValueError as error:
        raise StoreError(f"store = {url!r} is not the URL of a Qdrant server: {error}") from error


class ServerStore:
    """A `VectorStore` over one collection of a server."""

    def __init__(self, client: QdrantClient, collection: str, dim: int, fingerprint: str) -> None:
        self.collection, self.dim, self.fingerprint = collection, dim, fingerprint
        self._client = client

    def upsert(self, points: Sequence[Point]) -> None:
        """See `VectorStore.upsert`."""
        vectors = check_points(points, self.dim).tolist()
        rows = [
            models.PointStruct(
                id=point.id, vector={DENSE: vector, WORDS: _sparse(point.payload.words)}, payload=point.payload.flat()
            )
            for point, vector in zip(points, vectors, strict=True)
        ]
        for at in range(0, len(rows), BATCH):
            batch = rows[at : at + BATCH]
            patiently(self._client.upsert, self.collection, batch, wait=True)

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:
        """See `VectorStore.search`."""
        check_lookups(lookups, self.dim)
        return search_exactly(lookups, lambda asked: self._search(asked, with_vectors))

    def _search(self, lookups: Sequence[Lookup], with_vectors: bool) -> list[list[Scored]]:
        requests = [
            models.QueryRequest(
                **_nearest(lookup.vector),
                prefetch=_among(lookup.among),
                limit=lookup.limit,
                filter=_filter(lookup.filter),
                with_payload=models.PayloadSelectorExclude(exclude=["passage"]),
                with_vector=[DENSE] if with_vectors else False,
            )
            for lookup in lookups
        ]
        answers = patiently(self._client.query_batch_points, self.collection, requests)
        return [
            [
                Scored(
                    str(p.id), p.score, Payload.from_flat(p.payload or {}), _floats(p.vector) if with_vectors else None
                )
                for p in answer.points
            ]
            for answer in answers
        ]

    def scroll(self, chosen: Filter = Filter(), with_vectors: bool = False) -> Iterator[Point]:  # noqa: B008
        """See `VectorStore.scroll`."""
        where, offset = clauses(chosen), None
        while True:
            records, offset = patiently(
                self._client.scroll,
                self.collection,
                _filter(chosen),
                limit=PAGE,
                offset=offset,
                with_vectors=[DENSE] if with_vectors else False,
            )
            for record in records:
                payload = Payload.from_flat(record.payload or {})
                if where.keeps(payload):
                    yield Point(str(record.id), _floats(record.vector or []), payload)
            if offset is None:
                return

    def page(self, chosen: Filter, order: Order, after: Mark | None, limit: int) -> PointPage:
        """See `VectorStore.page`."""
        return finished(read_page(self._listed, chosen, order, after, limit), chosen, order, limit)

    def _listed(self, asked: Scroll) -> list[Point]:
        direction = models.Direction.DESC if asked.order.descending else models.Direction.ASC
        by_id = asked.order.field == "id"
        records, _ = patiently(
            self._client.scroll,
            self.collection,
            _filter(asked.filter),
            limit=asked.limit + (asked.after is not None),
            order_by=None if by_id else models.OrderBy(key=asked.order.field, direction=direction),
            offset=asked.after,
            with_payload=models.PayloadSelectorExclude(exclude=["passage"]),
            with_vectors=False,
        )
        found = [Point(str(r.id), np.empty(0, np.float32), Payload.from_flat(r.payload or {})) for r in records]
        return [point for point in found if point.id != asked.after][: asked.limit]

    def describe(self, items: Mapping[str, Facts]) -> None:
        """See `VectorStore.describe`."""
        check_facts(items)
        steps = [
            models.SetPayloadOperation(set_payload=models.SetPayload(payload=facts.flat(), filter=_only((item_id,))))
            for item_id, facts in items.items()
        ]
        for at in range(0, len(steps), BATCH):
            patiently(self._client.batch_update_points, self.collection, steps[at : at + BATCH], wait=True)
            told = list(self.scroll(Filter(item_ids=tuple(items)[at : at + BATCH])))
            worded = [models.PointVectors(id=p.id, vector={WORDS: _sparse(p.payload.words)}) for p in told]
            for start in range(0, len(worded), BATCH):
                patiently(self._client.update_vectors, self.collection, worded[start : start + BATCH], wait=True)

    def undescribed(self) -> int:
        """See `VectorStore.undescribed`."""
        chosen = models.Filter(must=[models.IsEmptyCondition(is_empty=models.PayloadField(key="about"))])
        return patiently(self._client.count, self.collection, chosen, exact=True).count

    def delete(self, item_ids: Sequence[str]) -> None:
        """See `VectorStore.delete`."""
        if item_ids:
            chosen = models.FilterSelector(filter=_only(item_ids))
            patiently(self._client.delete, self.collection, chosen, wait=True)

    def count(self, chosen: Filter = Filter()) -> int:  # noqa: B008
        """See `VectorStore.count`."""
        if clauses(chosen).rest:
            return sum(1 for _ in self.scroll(chosen))
        return patiently(self._client.count, self.collection, _filter(chosen), exact=True).count

    def close(self) -> None:
        """See `VectorStore.close`."""
        self._client.close()


class ServerCatalog:
    """A user's collection on one server (see `Catalog`); every store that it opens has its own connection."""

    def __init__(self, connect: Callable[[], QdrantClient], collection: str) -> None:
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
        if not patiently(self._client.collection_exists, str(name)):
            vector = models.VectorParams(size=name.dim, distance=models.Distance.COSINE)
            words = {WORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)}
            patiently(self._client.create_collection, str(name), vector, words)
        elif WORDS not in (patiently(self._client.get_collection, str(name)).config.params.sparse_vectors or {}):
            added = models.SparseVectorNameConfig(sparse=models.SparseVectorConfig(modifier=models.Modifier.IDF))
            patiently(self._client.create_vector_name, str(name), WORDS, added)
        # Creating an index that exists changes nothing, so an interrupted creation is completed here.
        for field, kind in INDEXED.items():
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
        return ServerStore(self._connect(), str(name), name.dim, fingerprint)

    def close(self) -> None:
        """See `Catalog.close`."""
        self._client.close()


def patiently(call: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """Call the server, and repeat the call after a pause if it was unreachable or overloaded.

    Raises:
        NoIndexError: the collection is gone.
        StoreError: the server stayed unreachable, or refused; the message has its answer.
    """
    for pause in (*PAUSES, None):
        try:
            return call(*args, **named)
        except ResponseHandlingException as error:
            failure: OmnisearchError = StoreError(f"the Qdrant server{_place(error)} cannot be reached: {error}")
        except UnexpectedResponse as error:
            failure = _refusal(error)
            if error.status_code != 429 and (error.status_code or 0) < 500:
                raise failure from error
        if pause is not None:
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
    raise failure


def _place(error: ResponseHandlingException) -> str:
    request = getattr(error.source, "request", None)  # the HTTP library sets it on errors of sent requests
    return f" at {request.url.copy_with(path='/', query=None)}" if request is not None else ""


def _refusal(error: UnexpectedResponse) -> OmnisearchError:
    said = error.content.decode(errors="replace")[:500]
    if error.status_code == 404:
        return NoIndexError(f"the collection is gone, because it was rebuilt or removed: try again ({said})")
    if error.status_code in {401, 403}:
        return StoreError(f"the Qdrant server refused the key (HTTP {error.status_code}): set store_api_key")
    return StoreError(f"the Qdrant server answered HTTP {error.status_code}: {said}")


def _filter(chosen: Filter) -> models.Filter | None:
    compiled = clauses(chosen)
    must, must_not = ([_condition(clause) for clause in part] for part in (compiled.must, compiled.must_not))
    return models.Filter(must=must, must_not=must_not) if must or must_not else None


def _only(item_ids: Sequence[str]) -> models.Filter:
    return models.Filter(must=[_condition(Clause("item_id", tuple(item_ids)))])


def _condition(clause: Clause) -> Any:
    if clause.range is None:
        return models.FieldCondition(key=clause.key, match=models.MatchAny(any=list(clause.any)))
    gt, gte, lt, lte = clause.range
    return models.FieldCondition(key=clause.key, range=models.Range(gt=gt, gte=gte, lt=lt, lte=lte))


def _nearest(vector: Floats | SparseVector) -> dict[str, Any]:
    if isinstance(vector, SparseVector):
        return {"query": _sparse(vector), "using": WORDS}
    return {"query": np.asarray(vector, np.float32).tolist()}


def _among(lookup: Lookup | None) -> models.Prefetch | None:
    if lookup is None:
        return None
    return models.Prefetch(**_nearest(lookup.vector), limit=lookup.limit, filter=_filter(lookup.filter))


def _sparse(words: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=list(words.indices), values=list(words.values))


def _floats(vector: Any) -> Floats:
    return np.asarray(vector[DENSE] if isinstance(vector, dict) else vector, dtype=np.float32)
