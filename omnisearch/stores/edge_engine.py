"""The embedded engine: collections as shard directories. Only this file imports qdrant_edge.

qdrant_edge holds the GIL during every call, hangs in forked children and dies if the disk is full, so it runs only in
the worker process (`edge_worker`).
"""

import secrets
import shutil
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge

from omnisearch.durable import sync
from omnisearch.errors import NoIndexError, StoreError
from omnisearch.stores.bm25 import WORDS
from omnisearch.stores.clauses import INDEXED
from omnisearch.types import Floats
from omnisearch.wire import Message

_DENSE = ""  # the engine's name of the unnamed vector
_SCHEMAS = {"keyword": edge.PayloadSchemaType.Keyword, "float": edge.PayloadSchemaType.Float}


class EdgeEngine:
    """All collections under `directory`, one call at a time.

    Searches are exact scans: shards are never optimized, because an index is not faster up to some 20,000 points.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._shards: dict[str, edge.EdgeShard] = {}
        self._name, self._writes = secrets.token_hex(8), Counter[str]()  # a version names this engine and its writes
        self._answers: Mapping[str, Callable[[Mapping[str, Any], Floats], Message]] = {
            "names": self._names,
            "create": self._create,
            "drop": self._drop,
            "upsert": self._upsert,
            "search": self._search,
            "points": self._points,
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
        vectors = request.arrays.get("vectors", np.empty((0, 0), np.float32))
        try:
            return self._answers[request.body["do"]](request.body, vectors)
        except (NoIndexError, StoreError):
            raise
        except Exception as error:  # the engine raises bare Exceptions
            raise StoreError(
                f"the engine refused {request.body.get('do')!r}: {error}; run `omnisearch doctor` to check the index "
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
                self._shards[name] = edge.EdgeShard.load(str(path))
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

    def _names(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
        return Message({"names": sorted(p.name for p in self.directory.glob("omni*__*") if p.is_dir())})

    def _create(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
        path = self.directory / body["collection"]
        if not path.is_dir():
            # Made under another name and renamed, so a collection is complete or absent.
            aside = Path(tempfile.mkdtemp(prefix=".new-", dir=self.directory)) / path.name
            vector = edge.EdgeVectorParams(size=body["dim"], distance=edge.Distance.Cosine)
            shard = edge.EdgeShard.create(str(aside), edge.EdgeConfig(vectors=vector, max_search_threads=1))
            _complete(shard)
            shard.close()
            aside.rename(path)
            aside.parent.rmdir()
            sync(self.directory)
        else:
            _complete(self._shard(body))  # an older version made it
        return Message({})

    def _drop(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
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

    def _upsert(self, body: Mapping[str, Any], vectors: Floats) -> Message:
        rows = zip(body["ids"], vectors, body["words"], body["payloads"], strict=True)
        points = [
            edge.Point(id_, {_DENSE: vector, WORDS: edge.SparseVector(*words)}, payload)
            for id_, vector, words, payload in rows
        ]
        return self._write(body, edge.UpdateOperation.upsert_points(points))

    def _describe(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
        shard = self._written(body)
        for item_id, facts in body["items"]:
            chosen = edge.Filter(must=[edge.FieldCondition("item_id", match=edge.MatchValue(item_id))])
            shard.update(edge.UpdateOperation.set_payload_by_filter(chosen, facts))
        shard.flush()
        return Message({})

    def _reword(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
        rows = zip(body["ids"], body["words"], strict=True)
        points = [edge.PointVectors(id_, {WORDS: edge.SparseVector(*words)}) for id_, words in rows]
        return self._write(body, edge.UpdateOperation.update_vectors(points))

    def _undescribed(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
        chosen = edge.Filter(must=[edge.IsEmptyCondition("about")])
        return Message({"count": self._shard(body).count(edge.CountRequest(filter=chosen))})

    def _delete(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
        return self._write(body, edge.UpdateOperation.delete_points_by_filter(_filter(body["filter"])))

    def _write(self, body: Mapping[str, Any], change: Any) -> Message:
        shard = self._written(body)
        shard.update(change)
        shard.flush()  # an update alone survives a crash of the process, not of the machine
        return Message({})

    def _search(self, body: Mapping[str, Any], vectors: Floats) -> Message:
        queries = [
            edge.QueryRequest(
                limit=lookup["limit"],
                query=_nearest(vector, lookup["words"]),
                prefetches=_among(lookup["among"]),
                filter=_filter(lookup["filter"]),
                params=edge.SearchParams(exact=True),
            )
            for vector, lookup in zip(vectors, body["lookups"], strict=True)
        ]
        found = self._shard(body).query_batch(edge.QueryBatchRequest(queries))
        rows = [[[str(p.id), p.score] for p in points] for points in found]
        return Message({"rows": rows, "version": self._version(body)})

    def _points(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
        shown = edge.PayloadSelector.Exclude(["passage"])
        records = self._shard(body).retrieve(body["ids"], shown, [_DENSE])
        rows = [[str(r.id), r.payload] for r in records]
        return Message({"rows": rows, "version": self._version(body)}, _vectors(records))

    def _scroll(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
        page = edge.ScrollRequest(
            offset=body["offset"],
            limit=body["limit"],
            filter=_filter(body["filter"]),
            with_payload=True,
            with_vector=[_DENSE] if body["with_vectors"] else False,
        )
        records, following = self._shard(body).scroll(page)
        rows = [[str(r.id), r.payload] for r in records]
        return Message(
            {"rows": rows, "next": following and str(following)}, _vectors(records) if body["with_vectors"] else {}
        )

    def _list(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
        order = None
        if body["order"] is not None:
            field, descending = body["order"]
            order = edge.OrderBy(field, edge.Direction.Desc if descending else edge.Direction.Asc)
        page = edge.ScrollRequest(
            offset=body["offset"],
            limit=body["limit"],
            filter=_filter(body["filter"]),
            with_payload=edge.PayloadSelector.Exclude(["passage"]),
            with_vector=False,
            order_by=order,
        )
        records, _ = self._shard(body).scroll(page)
        return Message({"rows": [[str(r.id), r.payload] for r in records]})

    def _count(self, body: Mapping[str, Any], vectors: Floats) -> Message:  # noqa: ARG002
        return Message({"count": self._shard(body).count(edge.CountRequest(filter=_filter(body["filter"])))})


def _complete(shard: Any) -> None:
    """Create the indexes of filtered fields and of words. An existing index is not changed."""
    for field, kind in INDEXED.items():
        shard.update(edge.UpdateOperation.create_field_index(field, _SCHEMAS[kind]))
    shard.update(edge.UpdateOperation.create_sparse_vector(WORDS, modifier=edge.Modifier.Idf))
    shard.flush()


def _nearest(vector: Any, words: Sequence[Any] | None) -> Any:
    if words is None:
        return edge.Query.Nearest(vector)
    return edge.Query.Nearest(edge.SparseVector(*words), using=WORDS)


def _among(lookup: Mapping[str, Any] | None) -> list[Any]:
    if lookup is None:
        return []
    words = _nearest(None, lookup["words"])
    return [edge.Prefetch(limit=lookup["limit"], query=words, filter=_filter(lookup["filter"]))]


def _filter(chosen: Mapping[str, Sequence[Mapping[str, Any]]]) -> Any:
    must, must_not = ([_condition(clause) for clause in chosen[name]] for name in ("must", "must_not"))
    return edge.Filter(must=must, must_not=must_not) if must or must_not else None


def _condition(clause: Mapping[str, Any]) -> Any:
    if clause["range"] is None:
        return edge.FieldCondition(clause["key"], match=edge.MatchAny(list(clause["any"])))
    gt, gte, lt, lte = clause["range"]
    return edge.FieldCondition(clause["key"], range=edge.RangeFloat(gt=gt, gte=gte, lt=lt, lte=lte))


def _vectors(points: Sequence[Any]) -> dict[str, Floats]:
    if not points:
        return {"vectors": np.empty((0, 0), np.float32)}
    # The engine returns lists: packing them one by one takes a quarter of the time of numpy on all of them.
    row = struct.Struct(f"{len(points[0].vector)}f")
    data = b"".join(row.pack(*point.vector) for point in points)
    return {"vectors": np.frombuffer(data, np.float32).reshape(len(points), -1)}
