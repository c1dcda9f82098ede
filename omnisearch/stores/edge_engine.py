"""The embedded engine: collections as shard directories. Only this file imports qdrant_edge.

qdrant_edge holds the GIL during every call, hangs in forked children and dies if the disk is full, so it runs only in
the worker process (`edge_worker`).
"""

import secrets
import shutil
import struct
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge

from omnisearch.durable import sync
from omnisearch.errors import NoIndexError, StoreError
from omnisearch.stores.base import SEGMENT_FIELDS, TEXT_VECTOR, UNREAD_FIELDS
from omnisearch.stores.bm25 import WORDS
from omnisearch.stores.clauses import INDEXED
from omnisearch.stores.collection_name import CollectionName
from omnisearch.stores.place import PLACE_BYTES, PLACE_FIELDS, Place
from omnisearch.types import Floats
from omnisearch.wire import Message

_DENSE = ""  # the engine's name of the unnamed vector
# The engine reads a vector in a fraction of the time in which it reads a payload, and a search ranks hundreds of
# points. So the place of each point, which is in its payload too, is also kept as a vector of bytes.
PLACE = "place"
_SCHEMAS = {"keyword": edge.PayloadSchemaType.Keyword, "float": edge.PayloadSchemaType.Float}


class EdgeEngine:
    """All collections under `directory`, one call at a time.

    Searches are exact scans: shards are never optimized, because an index is not faster up to some 20,000 points.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._shards: dict[str, edge.EdgeShard] = {}
        self._name, self._writes = secrets.token_hex(8), Counter[str]()  # a version names this engine and its writes
        self._answers: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Floats]], Message]] = {
            "names": self._names,
            "create": self._create,
            "drop": self._drop,
            "upsert": self._upsert,
            "search": self._search,
            "best_segments": self._best_segments,
            "points": self._points,
            "payloads": self._payloads,
            "scroll": self._scroll,
            "list": self._list,
            "describe": self._describe,
            "reword": self._reword,
            "undescribed": self._undescribed,
            "delete": self._delete,
            "count": self._count,
        }

    def answer(self, request: Message) -> Message:
        """Run the operation `body["do"]`.

        Raises:
            StoreError: the engine failed.
            NoIndexError: no such collection.
        """
        try:
            return self._answers[request.body["do"]](request.body, request.arrays)
        except (NoIndexError, StoreError):
            raise
        except Exception as error:  # the engine raises bare Exceptions
            raise StoreError(
                f"the engine refused {request.body.get('do')!r}: {error}; run `omnisearch verify` to check the index "
                f"for damage, and `omnisearch repair` to repair it"
            ) from error

    def close(self) -> None:
        """Flush and close every open shard."""
        while self._shards:
            _, shard = self._shards.popitem()
            shard.flush()
            shard.close()

    def _shard(self, body: Mapping[str, Any]) -> Any:
        name = body["collection"]
        if name not in self._shards:
            path = self.directory / name
            if not path.is_dir():
                raise NoIndexError(
                    f"the collection {name} is gone, because it was rebuilt or removed: try again, and if it is still "
                    f"gone, run `omnisearch repair`"
                )
            try:
                self._shards[name] = shard = edge.EdgeShard.load(str(path))
                _index_fields(shard)  # an older version may have made it
                _add_vectors(shard, name)
            except Exception as error:
                raise StoreError(f"{path} cannot be opened: {error}; run `omnisearch repair`") from error
        return self._shards[name]

    def _written(self, body: Mapping[str, Any]) -> Any:
        """Return the shard that a request is about to write."""
        shard = self._shard(body)
        self._writes[body["collection"]] += 1
        return shard

    def _version(self, body: Mapping[str, Any]) -> str:
        return f"{self._name}-{self._writes[body['collection']]}"

    def _names(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        return Message({"names": sorted(p.name for p in self.directory.glob("omni*__*") if p.is_dir())})

    def _create(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        path = self.directory / body["collection"]
        if not path.is_dir():
            # Made under another name and renamed, so a collection is complete or absent.
            aside = Path(tempfile.mkdtemp(prefix=".new-", dir=self.directory)) / path.name
            vector = edge.EdgeVectorParams(size=body["dim"], distance=edge.Distance.Cosine)
            shard = edge.EdgeShard.create(str(aside), edge.EdgeConfig(vectors=vector, max_search_threads=1))
            _complete(shard)
            _add_vectors(shard, path.name)
            shard.close()
            aside.rename(path)
            aside.parent.rmdir()
            sync(self.directory)
        else:
            _complete(self._shard(body))  # an older version made it
        return Message({})

    def _drop(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        shard = self._shards.pop(body["collection"], None)
        if shard is not None:
            with suppress(Exception):  # a damaged one may fail to flush
                shard.close()
        path = self.directory / body["collection"]
        if path.is_dir():
            aside = Path(tempfile.mkdtemp(prefix=".old-", dir=self.directory))
            path.rename(aside / path.name)
            shutil.rmtree(aside)
        return Message({})

    def _upsert(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:
        rows = zip(body["ids"], arrays["vectors"], arrays["text_vectors"], body["words"], body["payloads"], strict=True)
        points = [
            edge.Point(id_, _named_vectors(vector, text, words, payload), payload)
            for id_, vector, text, words, payload in rows
        ]
        return self._write(body, edge.UpdateOperation.upsert_points(points))

    def _describe(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        shard = self._written(body)
        for item_id, facts in body["items"]:
            chosen = edge.Filter(must=[edge.FieldCondition("item_id", match=edge.MatchValue(item_id))])
            shard.update(edge.UpdateOperation.set_payload_by_filter(chosen, facts))
        shard.flush()
        return Message({})

    def _reword(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        rows = zip(body["ids"], body["words"], strict=True)
        points = [edge.PointVectors(id_, {WORDS: edge.SparseVector(*words)}) for id_, words in rows]
        return self._write(body, edge.UpdateOperation.update_vectors(points))

    def _undescribed(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        chosen = edge.Filter(must=[edge.IsEmptyCondition("about")])
        return Message({"count": self._shard(body).count(edge.CountRequest(filter=chosen))})

    def _delete(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        return self._write(body, edge.UpdateOperation.delete_points_by_filter(_filter(body["filter"])))

    def _write(self, body: Mapping[str, Any], change: Any) -> Message:
        shard = self._written(body)
        shard.update(change)
        shard.flush()  # an update alone survives a crash of the process, not of the machine
        return Message({})

    def _search(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:
        found, counts, scores = self._found(body, arrays, with_payload=False)
        ids = np.frombuffer(b"".join([point.id.bytes for point in found]), np.uint8)
        return Message({"version": self._version(body), "counts": counts}, {"ids": ids, "scores": scores})

    def _best_segments(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:
        fields = edge.PayloadSelector.Include(list(SEGMENT_FIELDS))
        found, counts, scores = self._found(body, arrays, fields)
        return Message({"rows": [point.payload for point in found], "counts": counts}, {"scores": scores})

    def _found(
        self, body: Mapping[str, Any], arrays: Mapping[str, Floats], with_payload: Any
    ) -> tuple[list[Any], list[int], Any]:
        """Return the points of all lookups together, how many each has found, and the scores of the points."""
        nearest, params = _Nearest(arrays["vectors"]), edge.SearchParams(exact=True)
        queries = [
            edge.QueryRequest(
                limit=lookup["limit"],
                query=nearest.of(lookup),
                prefetches=_among(lookup["among"]),
                filter=_filter(lookup["filter"]),
                score_threshold=lookup["least"],
                params=params,
                with_payload=with_payload,
            )
            for lookup in body["lookups"]
        ]
        pages = self._shard(body).query_batch(edge.QueryBatchRequest(queries))
        found = [point for page in pages for point in page]
        return found, [len(page) for page in pages], np.array([point.score for point in found], np.float64)

    def _points(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        shard = self._shard(body)
        records = shard.retrieve(body["ids"], False, [_DENSE, TEXT_VECTOR, PLACE])
        packed, vectors = _read_vectors(records)
        # Points of an older version have no packed place, nor do those of items whose id is not a hash.
        unplaced = [record.id for record, place in zip(records, packed, strict=True) if place is None]
        fields = edge.PayloadSelector.Include(list(PLACE_FIELDS))
        read = {r.id: Place.of(r.payload) for r in (shard.retrieve(unplaced, fields, False) if unplaced else ())}
        placed = zip(records, packed, strict=True)
        rows = [[str(r.id), *(read[r.id] if place is None else Place.unpacked(place))] for r, place in placed]
        return Message({"rows": rows, "version": self._version(body)}, vectors)

    def _payloads(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        records = self._shard(body).retrieve(body["ids"], _read_fields(), False)
        return Message({"rows": [[str(r.id), r.payload] for r in records], "version": self._version(body)})

    def _scroll(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        page = edge.ScrollRequest(
            offset=body["offset"],
            limit=body["limit"],
            filter=_filter(body["filter"]),
            with_payload=True,
            with_vector=[_DENSE, TEXT_VECTOR] if body["with_vectors"] else False,
        )
        records, following = self._shard(body).scroll(page)
        rows = [[str(r.id), r.payload] for r in records]
        return Message(
            {"rows": rows, "next": following and str(following)},
            _read_vectors(records)[1] if body["with_vectors"] else {},
        )

    def _list(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        order = None
        if body["order"] is not None:
            field, descending = body["order"]
            order = edge.OrderBy(field, edge.Direction.Desc if descending else edge.Direction.Asc)
        page = edge.ScrollRequest(
            offset=body["offset"],
            limit=body["limit"],
            filter=_filter(body["filter"]),
            with_payload=_read_fields(),
            with_vector=False,
            order_by=order,
        )
        records, _ = self._shard(body).scroll(page)
        return Message({"rows": [[str(r.id), r.payload] for r in records]})

    def _count(self, body: Mapping[str, Any], arrays: Mapping[str, Floats]) -> Message:  # noqa: ARG002
        return Message({"count": self._shard(body).count(edge.CountRequest(filter=_filter(body["filter"])))})


def _complete(shard: Any) -> None:
    """Create the indexes of filtered fields and of words. An existing index is not changed."""
    _index_fields(shard)
    shard.update(edge.UpdateOperation.create_sparse_vector(WORDS, modifier=edge.Modifier.Idf))
    shard.flush()


def _index_fields(shard: Any) -> None:
    """Create the indexes of filtered fields, without which the engine refuses an order by a field."""
    for field, kind in INDEXED.items():
        shard.update(edge.UpdateOperation.create_field_index(field, _SCHEMAS[kind]))


def _add_vectors(shard: Any, collection: str) -> None:
    """Create the text vector and the place. Existing ones are not changed."""
    if (name := CollectionName.parse(collection)) is not None:
        half = edge.VectorStorageDatatype.Float16  # the engine also keeps a row for each point without one
        cosine = edge.Distance.Cosine
        shard.update(edge.UpdateOperation.create_dense_vector(TEXT_VECTOR, name.dim, cosine, datatype=half))
    byte = edge.VectorStorageDatatype.Uint8
    shard.update(edge.UpdateOperation.create_dense_vector(PLACE, PLACE_BYTES, edge.Distance.Dot, datatype=byte))


def _named_vectors(vector: Any, text: Any, words: Sequence[Any], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the vectors of a point by name: dense, words, and where it has them, text and place."""
    named = {_DENSE: vector, WORDS: edge.SparseVector(*words)}
    if text.any():
        named[TEXT_VECTOR] = text
    if (packed := Place.of(payload).packed()) is not None:
        named[PLACE] = np.frombuffer(packed, np.uint8).astype(np.float32)
    return named


def _read_fields() -> Any:
    return edge.PayloadSelector.Exclude(list(UNREAD_FIELDS))


class _Nearest:
    """The queries of lookups. Lookups of one vector share one: the engine copies a vector (dim,) number by number."""

    def __init__(self, vectors: Floats) -> None:
        self._vectors = vectors
        self._made: dict[tuple[int, str], Any] = {}

    def of(self, lookup: Mapping[str, Any]) -> Any:
        """Return the query of a lookup."""
        if lookup["words"] is not None:
            return edge.Query.Nearest(edge.SparseVector(*lookup["words"]), using=WORDS)
        key = place, using = lookup["vector"], lookup["using"]
        if key not in self._made:
            name = TEXT_VECTOR if using == "text" else None
            self._made[key] = edge.Query.Nearest(self._vectors[place], using=name)
        return self._made[key]


def _among(lookup: Mapping[str, Any] | None) -> list[Any]:
    if lookup is None:
        return []
    words = edge.Query.Nearest(edge.SparseVector(*lookup["words"]), using=WORDS)
    return [edge.Prefetch(limit=lookup["limit"], query=words, filter=_filter(lookup["filter"]))]


def _filter(chosen: Mapping[str, Sequence[Any]]) -> Any:
    must, must_not = ([_condition(clause) for clause in chosen[name]] for name in ("must", "must_not"))
    if chosen["ids"]:
        must.append(edge.HasIdCondition({uuid.UUID(id_) for id_ in chosen["ids"]}))
    return edge.Filter(must=must, must_not=must_not) if must or must_not else None


def _condition(clause: Mapping[str, Any]) -> Any:
    if clause["range"] is None:
        # The engine finds one value in two thirds of the time that it takes for a list of one.
        values = list(clause["any"])
        match = edge.MatchValue(values[0]) if len(values) == 1 else edge.MatchAny(values)
        return edge.FieldCondition(clause["key"], match=match)
    gt, gte, lt, lte = clause["range"]
    return edge.FieldCondition(clause["key"], range=edge.RangeFloat(gt=gt, gte=gte, lt=lt, lte=lte))


def _read_vectors(points: Sequence[Any]) -> tuple[list[bytes | None], dict[str, Floats]]:
    """Return the packed places of points, None where missing or not read, and arrays of vectors (n, dim) by name."""
    if not points:
        return [], {}
    # The engine returns lists: packing them one by one takes a quarter of the time of numpy on all of them, and the
    # numbers of a list are freed before the next one is made.
    rows, texts, places = [], {}, []
    for n, point in enumerate(points):
        vector = point.vector  # each access builds it again
        named = vector if isinstance(vector, dict) else {_DENSE: vector}  # without other vectors, it has no name
        rows.append(_packed(named[_DENSE]))
        if TEXT_VECTOR in named:
            texts[n] = _packed(named[TEXT_VECTOR])
        places.append(bytes(map(int, named[PLACE])) if PLACE in named else None)
    found = {"vectors": _rows(rows)}
    if texts:
        none = bytes(len(rows[0]))
        found["text_vectors"] = _rows([texts.get(n, none) for n in range(len(rows))])
    return places, found


def _packed(vector: Sequence[float]) -> bytes:
    return _floats(len(vector)).pack(*vector)


@cache
def _floats(count: int) -> struct.Struct:
    return struct.Struct(f"{count}f")


def _rows(packed: Sequence[bytes]) -> Floats:
    return np.frombuffer(b"".join(packed), np.float32).reshape(len(packed), -1)
