"""A vector store: one collection of points, one point per segment, behind an alias.

Every implementation passes `tests/stores/test_contract.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol

from omnisearch.errors import DamageError
from omnisearch.query.conditions import Condition
from omnisearch.stores.bm25 import SparseVector, document_weights
from omnisearch.stores.keyword_index import item_keywords, read_keywords
from omnisearch.types import Floats, Modality, Segment


@dataclass(frozen=True)
class Facts:
    """What is known of an item from outside its content, and may change while that stays.

    `size` is in bytes, `mtime` in whole seconds since 1970; both are those of the path. Labels are the item's. `names`
    are those of files and folders in the other paths that hold it.
    """

    path: str
    mime: str = ""
    size: int = 0
    mtime: float = 0.0
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def flat(self) -> dict[str, Any]:
        """Return the fields as the store keeps them. Filters use the keywords, which hold tags and metadata."""
        row = {"path": self.path, "mime": self.mime, "size": self.size, "mtime": self.mtime, "names": list(self.names)}
        return {**row, "about": item_keywords(self.path, self.mime, self.tags, self.meta)}


@dataclass(frozen=True, kw_only=True)
class Payload(Facts):
    """What a point knows of its segment and its item. Closed and bounded, and flat in the store: deep payloads damage
    the engine for good.

    `passage` is all of a text segment, for its words; answers to lookups come without it. `notes` are short sentences
    on how the item's file was read.
    """

    item_id: str
    modality: Modality
    duration: float | None = None
    segment: Segment = field(default_factory=Segment)
    segments: int = 1
    snippet: str = ""
    passage: str = ""
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> SparseVector:
        """The words of its paths, its labels and its text."""
        return document_weights(self.path, self.names, self.tags, self.meta, self.passage or self.snippet)

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
            "segments": self.segments,
            "snippet": self.snippet,
            "passage": self.passage,
            "notes": list(self.notes),
            **super().flat(),
        }

    @classmethod
    def from_flat(cls, row: Mapping[str, Any]) -> "Payload":
        """The inverse of `flat`. A point written by a version without facts has only its path.

        Raises:
            DamageError: it is not a result of `flat`, so the engine's files are damaged.
        """
        row = dict(row)
        try:
            part = Segment(row.pop("segment"), row.pop("start"), row.pop("end"), row.pop("unit"))
            tags, meta = read_keywords(row.pop("about", ()))
            modality = Modality(row.pop("modality"))
            names, notes = tuple(row.pop("names", ())), tuple(row.pop("notes", ()))
            return cls(modality=modality, segment=part, tags=tags, meta=meta, names=names, notes=notes, **row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DamageError(f"the index holds a damaged point ({error!r}): run `omnisearch repair`") from error


@dataclass(frozen=True, eq=False)
class Point:
    """`id` is a UUID made from item and segment, so writing a point twice is writing it once. `vector` is (dim,)."""

    id: str
    vector: Floats
    payload: Payload


# As `Filter.segments`: the first segment of each item, which every item has.
FIRST = range(1)


@dataclass(frozen=True)
class Filter:
    """The closed filter model. Empty tuples filter nothing; every condition of `where` must hold.

    `segments` keeps the segments with these places in their items, which begin at 0; all without it.
    """

    modalities: tuple[Modality, ...] = ()
    item_ids: tuple[str, ...] = ()
    exclude_item_ids: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    segments: range | None = None


@dataclass(frozen=True)
class Order:
    """By the id of the point, or by a number and then by id. Ids are hashes, so the first ids are a uniform sample."""

    field: Literal["id", "mtime", "size"] = "id"
    descending: bool = False

    @property
    def sign(self) -> int:
        """What to multiply a number with, so that the first is the smallest."""
        return -1 if self.descending else 1


@dataclass(frozen=True)
class Mark:
    """The place of a point in an order: its id, and the number that is compared."""

    id: str
    value: float = 0.0


@dataclass(frozen=True, eq=False)
class PointPage:
    """The points of a page that pass its filter, without vectors and passages. `end` is None after the last page."""

    points: Sequence[Point]
    end: Mark | None


@dataclass(frozen=True, eq=False)
class Lookup:
    """One question: the points nearest to a `vector` (dim,), or those with the words of a sparse one.

    With `among`, a lookup of words, only the points that it finds are compared.
    """

    vector: Floats | SparseVector
    limit: int
    filter: Filter = Filter()
    among: "Lookup | None" = None


@dataclass(frozen=True, eq=False)
class Scored:
    """A point that answers a lookup; `vector` only where it was asked for."""

    id: str
    score: float
    payload: Payload
    vector: Floats | None = None


class VectorStore(Protocol):
    """One collection. Vectors are compared by cosine."""

    collection: str
    dim: int
    fingerprint: str

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points by id. When this returns they survive a power cut.

        Raises:
            VectorError: a vector is not finite, is zero, or is not `dim` wide; nothing was written.
            StoreError: the engine refused, or too little disk is left.
        """
        ...

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:
        """Answer each lookup with its nearest points, best first; of words with those that have any, by BM25."""
        ...

    def scroll(self, chosen: Filter = Filter(), with_vectors: bool = False) -> Iterator[Point]:
        """Every point that passes the filter, in order of id; vectors are empty (0,) unless asked for."""
        ...

    def page(self, chosen: Filter, order: Order, after: Mark | None, limit: int) -> PointPage:
        """Look at the `limit` points after a place in an order; those of them that pass all of the filter.

        An order by a number leaves out points without facts.
        """
        ...

    def describe(self, items: Mapping[str, Facts]) -> None:
        """Give every segment of these items, by id, other facts; durable on return. Unknown ids are no error.

        Raises:
            StoreError: facts that the engines cannot keep; nothing was written.
        """
        ...

    def undescribed(self) -> int:
        """How many points have no facts but a path, because they were written before there were any."""
        ...

    def delete(self, item_ids: Sequence[str]) -> None:
        """Remove every segment of these items; durable on return. Unknown ids are no error."""
        ...

    def count(self, chosen: Filter = Filter()) -> int:
        """How many points pass the filter, exactly."""
        ...

    def close(self) -> None:
        """Let go of the engine. Closing twice is no error."""
        ...
