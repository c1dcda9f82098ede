"""Rows: points as JSON objects, as snapshots and exports have them. Every row that is read is checked."""

import json
import sys
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from omnisearch.errors import UsageError
from omnisearch.media.file import ID_DIGITS
from omnisearch.metadata import Metadata
from omnisearch.stores.base import Payload, Point
from omnisearch.stores.ids import is_point_id
from omnisearch.types import Floats, Modality, Reading, Segment

ItemId = Annotated[str, Field(pattern=f"^[0-9a-f]{{{ID_DIGITS}}}$")]

# float32 holds the sum of the squares of 65,536 such numbers.
LARGEST = 1e16
Numbers = list[Annotated[float, Field(ge=-LARGEST, le=LARGEST)]]
Count = Annotated[int, Field(lt=1 << 31)]

LATEST = 9e9  # seconds, in 2255: the manifest has nanoseconds in 64 bits


class PointRow(BaseModel):
    """A point without its vectors. `readings` are lists, as `Reading.as_row` makes them."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    id: str
    item_id: ItemId
    modality: Modality
    path: str
    mime: str
    size: int = Field(ge=0, lt=1 << 63)
    mtime: float = Field(gt=-LATEST, lt=LATEST)
    added: float = Field(gt=-LATEST, lt=LATEST)
    duration: Annotated[float, Field(ge=0)] | None
    segment: Count = Field(ge=0)
    start: float | None
    end: float | None
    unit: Literal["seconds", "characters"] | None
    part: str
    segments: Count = Field(ge=1)
    snippet: str
    passage: str
    tags: tuple[str, ...]
    meta: dict[str, str]
    names: tuple[str, ...]
    metadata: dict[str, Any]
    has: tuple[str, ...]
    languages: tuple[str, ...]
    readings: list[list[Any]]
    notes: tuple[str, ...]

    def payload(self) -> Payload:
        """Return the payload, checked.

        Raises:
            ValueError: the metadata or a reading is malformed, or the id is not that of the item and the segment.
        """
        part = Segment(self.segment, self.start, self.end, self.unit, self.part)
        if not is_point_id(self.id, self.item_id, part):
            raise ValueError(f"the id {self.id!r} is not that of its item and its segment")
        metadata = Metadata.from_json(json.dumps(self.metadata))
        metadata.check()
        return Payload(
            path=self.path,
            mime=self.mime,
            size=self.size,
            mtime=self.mtime,
            tags=self.tags,
            meta=self.meta,
            names=self.names,
            metadata=metadata,
            has=self.has,
            languages=self.languages,
            added=self.added,
            item_id=self.item_id,
            modality=self.modality,
            duration=self.duration,
            segment=part,
            segments=self.segments,
            snippet=self.snippet,
            passage=self.passage,
            readings=tuple(map(Reading.from_row, self.readings)),
            notes=self.notes,
        )


class StoredEmbedding(BaseModel):
    """The embedding of a point in one space, as it is stored; `space` has the hash of the weights."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    space: Annotated[str, Field(min_length=1, max_length=512)]
    modality: Modality
    vector: Annotated[Numbers, Field(min_length=1, max_length=1 << 16)]


class ExportRow(PointRow):
    """A point as `omnisearch export` writes it. `model` is the fingerprint of the model that made `vector`."""

    model: str
    vector: Numbers | None = None
    text_vector: Numbers | None = None
    embeddings: list[StoredEmbedding] = []


Row = TypeVar("Row", bound=PointRow)


def row_of(point: Point) -> dict[str, Any]:
    """Return the fields of a `PointRow` of a point."""
    payload, part = point.payload, point.payload.segment
    return {
        "id": point.id,
        "item_id": payload.item_id,
        "modality": str(payload.modality),
        "path": payload.path,
        "mime": payload.mime,
        "size": payload.size,
        "mtime": payload.mtime,
        "added": payload.added,
        "duration": payload.duration,
        "segment": part.index,
        "start": part.start,
        "end": part.end,
        "unit": part.unit,
        "part": part.part,
        "segments": payload.segments,
        "snippet": payload.snippet,
        "passage": payload.passage,
        "tags": list(payload.tags),
        "meta": dict(payload.meta),
        "names": list(payload.names),
        "metadata": json.loads(payload.metadata.as_json() or "{}"),
        "has": list(payload.has),
        "languages": list(payload.languages),
        "readings": [one.as_row() for one in payload.readings],
        "notes": list(payload.notes),
    }


def read_row(kind: type[Row], text: str | bytes, place: str) -> Row:
    """Read a row of JSON text, and check it; `place` names the line in messages.

    Raises:
        UsageError: a field is missing, unknown or malformed.
    """
    try:
        row = kind.model_validate_json(text)
        row.payload()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        value = first["input"]
        shown = f", not {value}" if isinstance(value, int | float) and abs(value) < sys.float_info.max else ""
        raise UsageError(f"{place}: {'.'.join(map(str, first['loc'])) or 'the row'}: {first['msg']}{shown}") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise UsageError(f"{place}: {error}") from None
    return row


def point_of(row: PointRow, vector: Floats, text_vector: Floats | None) -> Point:
    """Return the point of a checked row."""
    return Point(row.id, vector, row.payload(), text_vector)
