"""The embedded store: Qdrant's engine in a worker process that every omnisearch process of the user shares."""

import json
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from omnisearch.durable import replace_file
from omnisearch.errors import StoreError
from omnisearch.stores.base import (
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
from omnisearch.stores.bm25 import SparseVector
from omnisearch.stores.clauses import Clauses, clauses, search_exactly
from omnisearch.stores.collection_name import ALIAS, CollectionName
from omnisearch.stores.edge_link import EdgeLink, make_directory
from omnisearch.stores.edge_points import PAYLOAD_BYTES, PAYLOADS_BYTES, PointCache, RankedPoint, room
from omnisearch.stores.edge_worker import own_directory
from omnisearch.stores.pages import Scroll, finished, read_page
from omnisearch.stores.place import Place
from omnisearch.stores.validation import check_facts, check_lookups, check_points, check_space, check_text_vectors
from omnisearch.types import Floats, Modality, Segment
from omnisearch.wire import Message

ALIAS_FILE = "alias.json"
PAGE = 1024
# Points per message: bounds the memory of both sides; one flush each, and a flush costs about 80 ms.
BATCH = 2048
ID_BYTES = 16  # of a UUID
_MODALITIES = {str(modality): modality for modality in Modality}


class EdgeStore:
    """A `VectorStore` over one embedded collection."""

    def __init__(self, link: EdgeLink, collection: str, dim: int, fingerprint: str) -> None:
        self.collection, self.dim, self.fingerprint = collection, dim, fingerprint
        self._link = link
        self._points = PointCache(self._read_points, room(dim))
        self._payloads = PointCache(self._read_payloads, PAYLOADS_BYTES // PAYLOAD_BYTES)
        self._searched = threading.local()  # `version`: that of the collection in the last search of a thread

    def upsert(self, points: Sequence[Point]) -> None:
        """See `VectorStore.upsert`."""
        vectors, texts = check_points(points, self.dim), check_text_vectors(points, self.dim)
        check_space(self._link.directory)
        for at in range(0, len(points), BATCH):
            batch = points[at : at + BATCH]
            payloads = [point.payload.flat() for point in batch]
            ids, words = _worded(batch)
            arrays = {"vectors": vectors[at : at + BATCH], "text_vectors": texts[at : at + BATCH]}
            self._ask("upsert", arrays, ids=ids, payloads=payloads, words=words)

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:
        """See `VectorStore.search`."""
        check_lookups(lookups, self.dim)
        return search_exactly(lookups, lambda asked, made: self._search(asked, made, with_vectors), self.payloads)

    def _search(self, lookups: Sequence[Lookup], compiled: Sequence[Clauses], with_vectors: bool) -> list[list[Scored]]:
        answer = self._look_up("search", lookups, compiled)
        joined, scores = answer.arrays["ids"].tobytes(), answer.arrays["scores"].tolist()
        ids = [joined[at : at + ID_BYTES] for at in range(0, len(joined), ID_BYTES)]
        self._searched.version = answer.body["version"]
        known = self._points.get(self._searched.version, ids)
        pages, first = [], 0
        for count in answer.body["counts"]:
            page = zip(ids[first : first + count], scores[first : first + count], strict=True)
            found = [(point, score) for id_, score in page if (point := known.get(id_)) is not None]
            if with_vectors:
                pages.append([Scored(p.id, score, p.place, p.vector, p.text_vector) for p, score in found])
            else:
                pages.append([Scored(p.id, score, p.place) for p, score in found])
            first += count
        return pages

    def payloads(self, ids: Sequence[str]) -> Mapping[str, Payload]:
        """See `VectorStore.payloads`."""
        # The version that this thread has searched: a search of another thread may have seen an older one.
        return self._payloads.get(getattr(self._searched, "version", ""), ids)

    def best_segments(self, wanted: Sequence[tuple[Floats, str]], most: int) -> list[list[tuple[Segment, float]]]:
        """See `VectorStore.best_segments`."""
        lookups = segment_lookups(wanted, most)
        check_lookups(lookups, self.dim)
        answer = self._look_up("best_segments", lookups, [clauses(lookup.filter) for lookup in lookups])
        rows = zip(answer.body["rows"], answer.arrays["scores"].tolist(), strict=True)
        found = ((read_segment(row), score) for row, score in rows)
        return [list(islice(found, count)) for count in answer.body["counts"]]

    def _look_up(self, do: str, lookups: Sequence[Lookup], compiled: Sequence[Clauses]) -> Message:
        # The lookups of a query differ by their filters, and share one vector.
        vectors = {id(each.vector): each.vector for each in lookups if not isinstance(each.vector, SparseVector)}
        place = {key: n for n, key in enumerate(vectors)}
        rows = [_plain(*each, place) for each in zip(lookups, compiled, strict=True)]
        stacked = np.array(list(vectors.values()), np.float32).reshape(len(vectors), self.dim)
        return self._ask(do, {"vectors": stacked}, lookups=rows)

    def _read_points(self, ids: Sequence[bytes]) -> tuple[str, dict[bytes, RankedPoint]]:
        answer = self._ask("points", ids=[id_.hex() for id_ in ids])
        read = zip(answer.body["rows"], *_both_vectors(answer), strict=True)
        points = (RankedPoint(row[0], _place(row), vector, text) for row, vector, text in read)
        # Not by UUID, which takes five times as long.
        return answer.body["version"], {bytes.fromhex(point.id.replace("-", "")): point for point in points}

    def _read_payloads(self, ids: Sequence[str]) -> tuple[str, dict[str, Payload]]:
        answer = self._ask("payloads", ids=ids)
        return answer.body["version"], {id_: Payload.from_flat(row) for id_, row in answer.body["rows"]}

    def scroll(self, chosen: Filter = Filter(), with_vectors: bool = False) -> Iterator[Point]:  # noqa: B008
        """See `VectorStore.scroll`."""
        where, offset = clauses(chosen), None
        while True:
            answer = self._ask("scroll", offset=offset, limit=PAGE, filter=where.plain(), with_vectors=with_vectors)
            yield from (point for point in _points(answer) if where.keeps(point.payload))
            offset = answer.body["next"]
            if offset is None:
                return

    def page(self, chosen: Filter, order: Order, after: Mark | None, limit: int) -> PointPage:
        """See `VectorStore.page`."""
        return finished(read_page(self._listed, chosen, order, after, limit), chosen, order, limit)

    def _listed(self, asked: Scroll) -> list[Point]:
        order = None if asked.order.field == "id" else [asked.order.field, asked.order.descending]
        filter_, limit = clauses(asked.filter).plain(), asked.limit + (asked.after is not None)
        answer = self._ask("list", offset=asked.after, limit=limit, filter=filter_, order=order)
        return [point for point in _points(answer) if point.id != asked.after][: asked.limit]

    def describe(self, items: Mapping[str, Facts]) -> None:
        """See `VectorStore.describe`."""
        check_facts(items)
        check_space(self._link.directory)
        rows = [[item_id, facts.flat()] for item_id, facts in items.items()]
        for at in range(0, len(rows), BATCH):
            self._ask("describe", items=rows[at : at + BATCH])
            told = list(self.scroll(Filter(item_ids=tuple(items)[at : at + BATCH])))
            for start in range(0, len(told), BATCH):
                ids, words = _worded(told[start : start + BATCH])
                self._ask("reword", ids=ids, words=words)

    def undescribed(self) -> int:
        """See `VectorStore.undescribed`."""
        return int(self._ask("undescribed").body["count"])

    def delete(self, item_ids: Sequence[str]) -> None:
        """See `VectorStore.delete`."""
        if item_ids:
            check_space(self._link.directory)
            self._ask("delete", filter=clauses(Filter(item_ids=tuple(item_ids))).plain())

    def count(self, chosen: Filter = Filter()) -> int:  # noqa: B008
        """See `VectorStore.count`."""
        where = clauses(chosen)
        if where.rest:
            return sum(1 for _ in self.scroll(chosen))
        return int(self._ask("count", filter=where.plain()).body["count"])

    def begin_load(self) -> None:
        """See `VectorStore.begin_load`. The engine has no indexes that are built in the background."""

    def end_load(self) -> None:
        """See `VectorStore.end_load`."""

    def unquantized(self) -> None:
        """See `VectorStore.unquantized`. The embedded engine compares the vectors themselves."""

    def close(self) -> None:
        """See `VectorStore.close`."""
        self._link.close()

    def _ask(self, do: str, arrays: Mapping[str, Floats] | None = None, **body: Any) -> Message:
        return self._link.ask({"do": do, "collection": self.collection, **body}, arrays)


def remove_directory(directory: Path) -> None:
    """Remove the directory of an engine. Waits until its worker ends, and does nothing if another client uses it."""
    with suppress(OSError, StoreError), own_directory(directory):
        shutil.rmtree(directory)


class EdgeCatalog:
    """The embedded collections of one directory (see `Catalog`). The alias is a small file, replaced atomically."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._link = EdgeLink(directory)

    def alias(self) -> CollectionName | None:
        """See `Catalog.alias`; starts no worker."""
        try:
            row = json.loads((self.directory / ALIAS_FILE).read_text(encoding="utf-8"))
            name = CollectionName.parse(row[ALIAS])
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self.directory / ALIAS_FILE} cannot be read: {error!r}; run `omnisearch repair`"
            ) from error
        if name is None:
            raise StoreError(
                f"{self.directory / ALIAS_FILE} names {row[ALIAS]!r}, not a collection of omnisearch; run "
                f"`omnisearch repair`"
            )
        return name

    def names(self) -> list[CollectionName]:
        """See `Catalog.names`."""
        found = (CollectionName.parse(name) for name in self._link.ask({"do": "names"}).body["names"])
        return [name for name in found if name is not None]

    def create(self, name: CollectionName) -> None:
        """See `Catalog.create`."""
        check_space(make_directory(self.directory))
        self._link.ask({"do": "create", "collection": str(name), "dim": name.dim})

    def point(self, name: CollectionName) -> None:
        """See `Catalog.point`."""
        replace_file(self.directory / ALIAS_FILE, json.dumps({ALIAS: str(name)}))

    def drop(self, name: CollectionName) -> None:
        """See `Catalog.drop`."""
        self._link.ask({"do": "drop", "collection": str(name)})

    def open(self, name: CollectionName, fingerprint: str) -> EdgeStore:
        """See `Catalog.open`."""
        return EdgeStore(EdgeLink(self.directory), str(name), name.dim, fingerprint)

    def close(self) -> None:
        """See `Catalog.close`."""
        self._link.close()


def _plain(lookup: Lookup, compiled: Clauses, place: Mapping[int, int]) -> dict[str, Any]:
    """Return a lookup as JSON. A dense vector is sent separately, in its `place` among those of the message."""
    return {
        "words": lookup.vector.plain() if isinstance(lookup.vector, SparseVector) else None,
        "vector": place.get(id(lookup.vector)),
        "using": lookup.using,
        "least": lookup.least,
        "limit": lookup.limit,
        "filter": compiled.plain(),
        "among": lookup.among and _plain(lookup.among, clauses(lookup.among.filter), place),
    }


def _worded(points: Sequence[Point]) -> tuple[list[str], list[list[list[float]]]]:
    """Return the ids of points, and their words."""
    return [point.id for point in points], [point.payload.words.plain() for point in points]


def _points(answer: Message) -> Iterator[Point]:
    """Yield the points of an answer; without vectors in it, those of the points are empty (0,)."""
    for (id_, row), vector, text in zip(answer.body["rows"], *_both_vectors(answer), strict=True):
        yield Point(id_, vector, Payload.from_flat(row), text)


def _both_vectors(answer: Message) -> tuple[Floats, list[Floats | None]]:
    """Return the vectors of the points of an answer (n, dim), and the text vectors (dim,) of those that have one."""
    rows = answer.body["rows"]
    none = np.empty((len(rows), 0), np.float32)
    texts = answer.arrays.get("text_vectors", none)
    counts = np.count_nonzero(texts, axis=1).tolist()
    having = [text if count else None for text, count in zip(texts, counts, strict=True)]
    return answer.arrays.get("vectors", none), having


def _place(row: Sequence[Any]) -> Place:
    """Return the place from a row of the answer to `points`: the id of the point, and the fields of its place."""
    _, item_id, segment, segments, modality, unit = row
    return Place(item_id, segment, segments, _MODALITIES[modality], unit)
