"""The store on a Qdrant server: the same points in the same collections."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models

from omnisearch.stores.base import (
    SEGMENT_FIELDS,
    TEXT_VECTOR,
    UNREAD_FIELDS,
    Facts,
    Filter,
    Lookup,
    Mark,
    Order,
    Payload,
    Point,
    PointPage,
    Scored,
    read_segment,
    segment_lookups,
)
from omnisearch.stores.bm25 import WORDS, SparseVector
from omnisearch.stores.clauses import Clause, clauses, search_exactly
from omnisearch.stores.pages import Scroll, finished, read_page
from omnisearch.stores.place import PLACE_FIELDS, Place
from omnisearch.stores.quantization import UNQUANTIZED_SEARCH
from omnisearch.stores.server_calls import patiently, write_patiently
from omnisearch.stores.server_load import begin_load, end_load
from omnisearch.stores.validation import check_facts, check_lookups, check_points, check_text_vectors
from omnisearch.types import Floats, Segment

PAGE = 1024
DENSE = ""  # the server's name of the unnamed vector
STREAMS = 4  # requests at the same time, of points to write
BATCH = 256  # stays under the server's 32 MiB per request up to 4096 dimensions


class ServerStore:
    """A `VectorStore` over one collection of a server."""

    def __init__(
        self,
        client: QdrantClient,
        collection: str,
        dim: int,
        fingerprint: str,
        has_texts: bool = True,
        params: models.SearchParams | None = None,
    ) -> None:
        """`has_texts` is False of a collection that an older version made, which has no text vectors.

        `params` are those of searches by dense vectors, if it is quantized.
        """
        self.collection, self.dim, self.fingerprint = collection, dim, fingerprint
        self._client = client
        self._has_texts, self._params = has_texts, params
        self._vectors = [DENSE, TEXT_VECTOR] if has_texts else [DENSE]

    def upsert(self, points: Sequence[Point]) -> None:
        """See `VectorStore.upsert`."""
        vectors, texts = check_points(points, self.dim), check_text_vectors(points, self.dim)
        rows = [
            models.PointStruct(
                id=point.id,
                vector={DENSE: vector.tolist(), WORDS: _sparse(point.payload.words)}
                | ({TEXT_VECTOR: text.tolist()} if text.any() else {}),
                payload=point.payload.flat(),
            )
            for point, vector, text in zip(points, vectors, texts, strict=True)
        ]
        batches = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
        with ThreadPoolExecutor(STREAMS) as streams:
            for done in [streams.submit(self._upsert, batch) for batch in batches]:
                done.result()

    def _upsert(self, batch: Sequence[models.PointStruct]) -> None:
        write_patiently(self._client.upsert, self.collection, batch, wait=True)

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:
        """See `VectorStore.search`."""
        check_lookups(lookups, self.dim)
        return search_exactly(lookups, lambda asked, _: self._search(asked, with_vectors), self.payloads)

    def _search(self, lookups: Sequence[Lookup], with_vectors: bool) -> list[list[Scored]]:
        if not self._has_texts and any(lookup.using == "text" for lookup in lookups):
            found = iter(self._search([lookup for lookup in lookups if lookup.using != "text"], with_vectors))
            return [[] if lookup.using == "text" else next(found) for lookup in lookups]
        answers = self._look_up(lookups, _included(PLACE_FIELDS), self._vectors if with_vectors else False)
        return [
            [
                Scored(str(p.id), p.score, Place.of(p.payload or {}), *(_both(p.vector) if with_vectors else ()))
                for p in answer.points
            ]
            for answer in answers
        ]

    def payloads(self, ids: Sequence[str]) -> Mapping[str, Payload]:
        """See `VectorStore.payloads`."""
        records = patiently(self._client.retrieve, self.collection, list(dict.fromkeys(ids)), _read_fields())
        return {str(record.id): Payload.from_flat(record.payload or {}) for record in records}

    def best_segments(self, wanted: Sequence[tuple[Floats, str]], most: int) -> list[list[tuple[Segment, float]]]:
        """See `VectorStore.best_segments`."""
        lookups = segment_lookups(wanted, most)
        check_lookups(lookups, self.dim)
        answers = self._look_up(lookups, _included(SEGMENT_FIELDS))
        return [[(read_segment(point.payload or {}), point.score) for point in answer.points] for answer in answers]

    def _look_up(
        self, lookups: Sequence[Lookup], with_payload: Any, with_vector: list[str] | bool = False
    ) -> list[models.QueryResponse]:
        requests = [
            models.QueryRequest(
                **_nearest(lookup),
                prefetch=_among(lookup.among),
                limit=lookup.limit,
                filter=_filter(lookup.filter),
                score_threshold=lookup.least,
                params=self._params_of(lookup),
                with_payload=with_payload,
                with_vector=with_vector,
            )
            for lookup in lookups
        ]
        answers: list[models.QueryResponse] = patiently(self._client.query_batch_points, self.collection, requests)
        return answers

    def _params_of(self, lookup: Lookup) -> models.SearchParams | None:
        if lookup.exact:
            return models.SearchParams(exact=True)
        return None if isinstance(lookup.vector, SparseVector) else self._params

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
                with_vectors=self._vectors if with_vectors else False,
            )
            for record in records:
                payload = Payload.from_flat(record.payload or {})
                if where.keeps(payload):
                    vector, text = _both(record.vector or [])
                    yield Point(str(record.id), vector, payload, text)
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
            with_payload=_read_fields(),
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
            write_patiently(self._client.batch_update_points, self.collection, steps[at : at + BATCH], wait=True)
            told = list(self.scroll(Filter(item_ids=tuple(items)[at : at + BATCH])))
            worded = [models.PointVectors(id=p.id, vector={WORDS: _sparse(p.payload.words)}) for p in told]
            for start in range(0, len(worded), BATCH):
                write_patiently(self._client.update_vectors, self.collection, worded[start : start + BATCH], wait=True)

    def undescribed(self) -> int:
        """See `VectorStore.undescribed`."""
        chosen = models.Filter(must=[models.IsEmptyCondition(is_empty=models.PayloadField(key="about"))])
        return patiently(self._client.count, self.collection, chosen, exact=True).count

    def delete(self, item_ids: Sequence[str]) -> None:
        """See `VectorStore.delete`."""
        if item_ids:
            chosen = models.FilterSelector(filter=_only(item_ids))
            write_patiently(self._client.delete, self.collection, chosen, wait=True)

    def count(self, chosen: Filter = Filter()) -> int:  # noqa: B008
        """See `VectorStore.count`."""
        if clauses(chosen).rest:
            return sum(1 for _ in self.scroll(chosen))
        return patiently(self._client.count, self.collection, _filter(chosen), exact=True).count

    def begin_load(self) -> None:
        """See `VectorStore.begin_load`."""
        begin_load(self._client, self.collection)

    def end_load(self) -> None:
        """See `VectorStore.end_load`."""
        end_load(self._client, self.collection)

    def unquantized(self) -> "ServerStore | None":
        """See `VectorStore.unquantized`."""
        if self._params is None:
            return None
        names = self.collection, self.dim, self.fingerprint
        return ServerStore(self._client, *names, self._has_texts, UNQUANTIZED_SEARCH)

    def close(self) -> None:
        """See `VectorStore.close`."""
        self._client.close()


def _filter(chosen: Filter) -> models.Filter | None:
    compiled = clauses(chosen)
    must, must_not = ([_condition(clause) for clause in part] for part in (compiled.must, compiled.must_not))
    if compiled.ids:
        must.append(models.HasIdCondition(has_id=list(compiled.ids)))
    return models.Filter(must=must, must_not=must_not) if must or must_not else None


def _only(item_ids: Sequence[str]) -> models.Filter:
    return models.Filter(must=[_condition(Clause("item_id", tuple(item_ids)))])


def _condition(clause: Clause) -> Any:
    if clause.range is None:
        return models.FieldCondition(key=clause.key, match=models.MatchAny(any=list(clause.any)))
    gt, gte, lt, lte = clause.range
    return models.FieldCondition(key=clause.key, range=models.Range(gt=gt, gte=gte, lt=lt, lte=lte))


def _read_fields() -> models.PayloadSelectorExclude:
    return models.PayloadSelectorExclude(exclude=list(UNREAD_FIELDS))


def _included(fields: Sequence[str]) -> models.PayloadSelectorInclude:
    return models.PayloadSelectorInclude(include=list(fields))


def _nearest(lookup: Lookup) -> dict[str, Any]:
    if isinstance(lookup.vector, SparseVector):
        return {"query": _sparse(lookup.vector), "using": WORDS}
    using = {"using": TEXT_VECTOR} if lookup.using == "text" else {}
    return {"query": np.asarray(lookup.vector, np.float32).tolist(), **using}


def _among(lookup: Lookup | None) -> models.Prefetch | None:
    if lookup is None:
        return None
    return models.Prefetch(**_nearest(lookup), limit=lookup.limit, filter=_filter(lookup.filter))


def _sparse(words: SparseVector) -> models.SparseVector:
    return models.SparseVector(indices=list(words.indices), values=list(words.values))


def _both(vector: Any) -> tuple[Floats, Floats | None]:
    """Return the vector of a point and its text vector. The server names them only if there are several."""
    named = vector if isinstance(vector, dict) else {DENSE: vector}
    text = named.get(TEXT_VECTOR)
    return np.asarray(named[DENSE], np.float32), None if text is None else np.asarray(text, np.float32)
