"""A vector store: one collection of points, one point per segment, behind an alias.

Every implementation passes `tests/stores/test_contract.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from omnisearch.types import Floats, Modality, Segment


@dataclass(frozen=True)
class Payload:
    """What a point knows of its segment. Flat, closed and bounded: deep payloads poison the engine for good."""

    item_id: str
    modality: Modality
    path: str
    mime: str = ""
    duration: float | None = None
    segment: Segment = field(default_factory=Segment)
    segments: int = 1
    snippet: str = ""

    def flat(self) -> dict[str, Any]:
        """As the store keeps it."""
        row = asdict(self)
        part = row.pop("segment")
        return {**row, "segment": part["index"], "start": part["start"], "end": part["end"], "unit": part["unit"]}

    @classmethod
    def from_flat(cls, row: dict[str, Any]) -> "Payload":
        """The inverse of `flat`."""
        row = dict(row)
        part = Segment(row.pop("segment"), row.pop("start"), row.pop("end"), row.pop("unit"))
        return cls(segment=part, **{**row, "modality": Modality(row["modality"])})


@dataclass(frozen=True, eq=False)
class Point:
    """`id` is a UUID made from item and segment, so writing a point twice is writing it once. `vector` is (dim,)."""

    id: str
    vector: Floats
    payload: Payload


@dataclass(frozen=True)
class Filter:
    """The closed filter model. Empty tuples filter nothing."""

    modalities: tuple[Modality, ...] = ()
    item_ids: tuple[str, ...] = ()
    exclude_item_ids: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Lookup:
    """One nearest-neighbour question: `vector` (dim,)."""

    vector: Floats
    limit: int
    filter: Filter = Filter()


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
        """Answer each lookup with its nearest points, best first."""
        ...

    def scroll(self, chosen: Filter = Filter(), with_vectors: bool = False) -> Iterator[Point]:
        """Every point that passes the filter, in order of id; vectors are empty (0,) unless asked for."""
        ...

    def set_path(self, item_id: str, path: str) -> None:
        """Give every segment of an item another path; durable on return."""
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
