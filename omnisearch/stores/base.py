"""A vector store: one collection of points, one point per segment, behind an alias.

Every implementation passes `tests/stores/test_contract.py`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol

from omnisearch.metadata import NO_METADATA, NUMBERS, Metadata
from omnisearch.query.conditions import Condition
from omnisearch.stores.bm25 import SparseVector, document_weights
from omnisearch.stores.field_text import FieldText, field_texts
from omnisearch.stores.keyword_index import item_keywords, read_keywords
from omnisearch.stores.place import Place, damaged_point
from omnisearch.types import Floats, Modality, Reading, Segment


@dataclass(frozen=True)
class Facts:
    """The facts of an item that may change while its content stays the same.

    `size` is in bytes, `mtime` in whole seconds since 1970; both belong to the file at `path`. `names` are the
    names of files and folders in the other paths of the same content. `metadata` is what the file says of itself. `has`
    names what was read in its pictures and sound (speech, text), and `languages` the languages of that. `added` is the
    time at which the content was first indexed, in whole seconds since 1970.
    """

    path: str
    mime: str = ""
    size: int = 0
    mtime: float = 0.0
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    metadata: Metadata = NO_METADATA
    has: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    added: float = field(default=0.0, compare=False)  # indexes of the same files are equal

    @property
    def date(self) -> float:
        """The time at which it was made, or if that is unknown, the time of its last change."""
        taken = self.metadata.taken
        return self.mtime if taken is None else taken

    def flat(self) -> dict[str, Any]:
        """Return the fields as the store has them. Filters use the numbers, and the keywords, which contain labels."""
        return {
            "path": self.path,
            "mime": self.mime,
            "size": self.size,
            "mtime": self.mtime,
            "names": list(self.names),
            "metadata": self.metadata.as_json(),
            "has": list(self.has),
            "languages": list(self.languages),
            "added": self.added,
            "date": self.date,
            **{name: getattr(self.metadata, name) for name in NUMBERS},
            "about": item_keywords(self.path, self.mime, self.tags, self.meta, self.metadata, self.has, self.languages),
        }


@dataclass(frozen=True, kw_only=True)
class Payload(Facts):
    """The payload of a point: fields of its segment and its item. It is bounded, and flat in the store, because deep
    payloads damage the engine permanently.

    `passage` is the whole text of a text segment, for its words. `readings` are the texts that were read in the
    segment's picture or sound. Results of lookups have neither. `notes` are short sentences on how the item's file was
    read.
    """

    item_id: str
    modality: Modality
    duration: float | None = None
    segment: Segment = field(default_factory=Segment)
    segments: int = 1
    snippet: str = ""
    passage: str = ""
    readings: tuple[Reading, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> SparseVector:
        """The sparse vector of the words in its texts."""
        return document_weights(self.texts)

    @property
    def texts(self) -> Iterator[FieldText]:
        """Its texts by field: names, labels, metadata, readings and the passage."""
        passage = self.passage or self.snippet
        return field_texts(self.path, self.names, self.tags, self.meta, self.metadata, passage, self.readings)

    @property
    def place(self) -> Place:
        """The fields that ranking needs; see `Place`."""
        part = self.segment
        return Place(self.item_id, part.index, self.segments, self.modality, part.unit or "")

    @property
    def facts(self) -> Facts:
        """The part that `VectorStore.describe` replaces."""
        return Facts(**{each.name: getattr(self, each.name) for each in fields(Facts)})

    def flat(self) -> dict[str, Any]:
        """Return the fields as the store keeps them."""
        part = self.segment
        return {
            "item_id": self.item_id,
            "modality": self.modality,
            "duration": self.duration,
            "segment": part.index,
            "start": part.start,
            "end": part.end,
            "unit": part.unit,
            "part": part.part,
            "segments": self.segments,
            "snippet": self.snippet,
            "passage": self.passage,
            "readings": _as_text(self.readings),
            "notes": list(self.notes),
            **super().flat(),
        }

    @classmethod
    def from_flat(cls, row: Mapping[str, Any]) -> "Payload":
        """The inverse of `flat`. A point of an older version has no name of its part, or only its path for facts.

        Raises:
            DamageError: the row is not a result of `flat`, so the engine's files are damaged.
        """
        # Made from its fields: a frozen dataclass is slow to make by its arguments, and a search reads hundreds.
        made = object.__new__(cls)
        values = vars(made)
        try:
            values.update(row)
            for name in _OTHERWISE_STORED.intersection(row):
                del values[name]
            if not _REQUIRED <= values.keys() <= _FIELDS:
                raise ValueError(f"it has the fields {', '.join(row)}")
            values["modality"], values["segment"] = Modality(row["modality"]), read_segment(row)
            values["tags"], values["meta"] = read_keywords(row.get("about", ()))
            for name in ("names", "notes", "has", "languages"):
                values[name] = tuple(row.get(name, ()))
            values["metadata"] = Metadata.from_json(row.get("metadata", ""))
            read = row.get("readings", "")
            values["readings"] = tuple(map(Reading.from_row, json.loads(read))) if read else ()
            return made
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise damaged_point(error) from error


@dataclass(frozen=True, eq=False)
class Point:
    """`id` is a UUID made from item and segment, so a repeated write replaces the point. `vector` is (dim,).

    `text_vector` (dim,) embeds the texts that were read in the segment; a segment without any has none.
    """

    id: str
    vector: Floats
    payload: Payload
    text_vector: Floats | None = None


# The name of the second vector in every collection.
TEXT_VECTOR = "text"
# The fields of payloads that are copies of parts of the metadata, for filters.
COPIED_FIELDS = ("date", *NUMBERS)
# The fields of payloads that lookups leave out: long ones and copies.
UNREAD_FIELDS = ("passage", "readings", *COPIED_FIELDS)
# The fields of a payload that say which part of the item it is.
SEGMENT_FIELDS = ("segment", "start", "end", "unit", "part")


def read_segment(row: Mapping[str, Any]) -> Segment:
    """Return the segment of a payload, given its fields in the store. An older version did not record the part.

    Raises:
        DamageError: a field is missing, so the engine's files are damaged.
    """
    try:
        return Segment(row["segment"], row["start"], row["end"], row["unit"], row.get("part", ""))
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged_point(error) from error


def _as_text(readings: Sequence[Reading]) -> str:
    # One text, because nested payloads damage the engine.
    return json.dumps([one.as_row() for one in readings], ensure_ascii=False) if readings else ""


# The fields of a payload in the store that `Payload` has in another form.
_OTHERWISE_STORED = frozenset({"about", *SEGMENT_FIELDS, *COPIED_FIELDS})
_FIELDS = {each.name for each in fields(Payload)}
_REQUIRED = {"item_id", "modality", "path"}


# As `Filter.segments`: the first segment of each item, which every item has.
FIRST = range(1)


@dataclass(frozen=True)
class Filter:
    """A filter of points. An empty tuple excludes nothing; every condition of `where` must hold.

    `segments` selects segments by their index in the item, from 0; empty selects all. `ids` are the ids of points, and
    `names` the names of files, whose case is ignored. `among` are the only items to find, perhaps none; None is all.
    """

    modalities: tuple[Modality, ...] = ()
    item_ids: tuple[str, ...] = ()
    exclude_item_ids: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    segments: range | None = None
    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    among: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Order:
    """An order of points: by id, or by a number, then by id. Ids are hashes, so the first ids are a uniform sample."""

    field: Literal["id", "mtime", "size", "date", "added"] = "id"
    descending: bool = False

    @property
    def sign(self) -> int:
        """The factor by which numbers are multiplied so that the first is the smallest: 1 or -1."""
        return -1 if self.descending else 1


@dataclass(frozen=True)
class Mark:
    """The position of a point in an order: its id, and the number that is compared."""

    id: str
    value: float = 0.0


@dataclass(frozen=True, eq=False)
class PointPage:
    """The points of a page that pass its filter, without vectors and passages. `end` is None after the last page."""

    points: Sequence[Point]
    end: Mark | None


@dataclass(frozen=True, eq=False)
class Lookup:
    """A lookup of the points nearest to a dense `vector` (dim,), or of points with the words of a sparse vector.

    A dense vector is compared with the vectors of the points, or with their text vectors. `among` is a lookup of words:
    only the points that it finds are compared. Points with a lower score than `least` are not found. An `exact` lookup
    compares all points, also in a store that has an approximate index.
    """

    vector: Floats | SparseVector
    limit: int
    filter: Filter = Filter()
    among: "Lookup | None" = None
    using: Literal["content", "text"] = "content"
    least: float | None = None
    exact: bool = False


def segment_lookups(wanted: Sequence[tuple[Floats, str]], most: int) -> list[Lookup]:
    """Return the lookups for `VectorStore.best_segments`."""
    return [Lookup(vector, most, Filter(item_ids=(item_id,))) for vector, item_id in wanted]


@dataclass(eq=False, slots=True)  # not frozen: that triples the time to make one, and a query makes hundreds
class Scored:
    """A point found by a lookup. If vectors were requested, it has its `vector`, and its `text_vector` if there is one.

    A `vector` (dim,) is of unit length within float32, a text vector within half precision. Payloads are read
    separately, by `VectorStore.payloads`: a query finds hundreds of points, and shows ten.
    """

    id: str
    score: float
    place: Place
    vector: Floats | None = None
    text_vector: Floats | None = None


class VectorStore(Protocol):
    """One collection. Vectors are compared by cosine."""

    collection: str
    dim: int
    fingerprint: str

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points by id. They are durable on return.

        Raises:
            VectorError: a vector is not finite, is zero, or is not `dim` wide; nothing was written.
            StoreError: the engine failed, or the disk is full.
        """
        ...

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:
        """Return the best points of each lookup, best first: by cosine, or by BM25 for words."""
        ...

    def payloads(self, ids: Sequence[str]) -> Mapping[str, Payload]:
        """Return the payloads of points by id, without passages and readings. Unknown ids are left out."""
        ...

    def best_segments(self, wanted: Sequence[tuple[Floats, str]], most: int) -> list[list[tuple[Segment, float]]]:
        """Return, for each vector (dim,) and item, up to `most` of the item's nearest segments with their cosines.

        The nearest is first. It reads less of the points than `search` does.
        """
        ...

    def scroll(self, chosen: Filter = Filter(), with_vectors: bool = False) -> Iterator[Point]:
        """Yield every point that passes the filter, in order of id. Vectors are empty (0,) unless requested."""
        ...

    def page(self, chosen: Filter, order: Order, after: Mark | None, limit: int) -> PointPage:
        """Read up to `limit` points after a mark in an order, and return those that pass the whole filter.

        An order by a number leaves out points without facts.
        """
        ...

    def describe(self, items: Mapping[str, Facts]) -> None:
        """Replace the facts of all segments of these items, by id. Durable on return. Unknown ids are ignored.

        Raises:
            StoreError: the engines cannot store the facts; nothing was written.
        """
        ...

    def undescribed(self) -> int:
        """Return the number of points without facts except for a path, which older versions wrote."""
        ...

    def delete(self, item_ids: Sequence[str]) -> None:
        """Remove all segments of these items. Durable on return. Unknown ids are ignored."""
        ...

    def count(self, chosen: Filter = Filter()) -> int:
        """Return the exact number of points that pass the filter."""
        ...

    def begin_load(self) -> None:
        """Delay the building of search indexes until `end_load`, because many points will be written."""
        ...

    def end_load(self) -> None:
        """Build search indexes again, also after a load that a crash interrupted. Does nothing without a load."""
        ...

    def unquantized(self) -> "VectorStore | None":
        """Return the collection as searches without quantization see it; None if it has none.

        It shares the connection of this store.
        """
        ...

    def close(self) -> None:
        """Close the connection to the engine. Closing twice is allowed."""
        ...
