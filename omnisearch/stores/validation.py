"""Validation of everything that is written to a store. Both engines accept vectors and payloads that damage them later.

An infinite vector is the best hit of every query, a NaN query has no hits, and a shard with a deep payload can never be
opened again.
"""

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np

from omnisearch.errors import StoreError, VectorError
from omnisearch.stores.base import Facts, Lookup, Payload, Point
from omnisearch.stores.bm25 import SparseVector
from omnisearch.types import Floats

MAX_TEXT = 16_384
MIN_NORM = 1e-6
MAX_WORDS = 64
MAX_WORD = 256
MAX_NAMES = 256
MAX_READINGS = 512
MAX_NOTES = 8
MAX_NOTE = 256
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
# The engine writes through memory maps: a full disk kills its process instead of raising. Two write-ahead segments
# (32 MiB each) and a batch fit into this many times.
RESERVE = 1 << 30


def check_points(points: Sequence[Point], dim: int) -> Floats:
    """Check points, and return their vectors as float32 (n, dim).

    Raises:
        VectorError: a vector is not finite, is zero, or is not `dim` wide.
        StoreError: an id is not a UUID, or the engines cannot store a payload.
    """
    for point in points:
        _check_id(point.id)
        _check_payload(f"point {point.id}", point.payload)
    return _check_vectors([point.vector for point in points], [f"point {point.id}" for point in points], dim)


def check_text_vectors(points: Sequence[Point], dim: int) -> Floats:
    """Check the text vectors of points, and return them as float32 (n, dim); points without one have a zero row.

    Raises:
        VectorError: a vector is not finite, is zero, or is not `dim` wide.
    """
    rows = np.zeros((len(points), dim), np.float32)
    having = [n for n, point in enumerate(points) if point.text_vector is not None]
    vectors = [vector for point in points if (vector := point.text_vector) is not None]
    rows[having] = _check_vectors(vectors, [f"the text of point {points[n].id}" for n in having], dim)
    return rows


def check_lookups(lookups: Sequence[Lookup], dim: int) -> None:
    """Check lookups before they are sent to an engine.

    Raises:
        VectorError: a vector is not finite, is zero, or is not `dim` wide, or a sparse vector has no words.
        StoreError: a limit is below 1.
    """
    among = [lookup.among for lookup in lookups if lookup.among]
    for lookup in (*lookups, *among):
        if lookup.limit < 1:
            raise StoreError(f"a search for {lookup.limit} points: the limit must be at least 1")
    dense: dict[int, tuple[str, Floats]] = {}  # the lookups of a query share one vector
    for n, one in enumerate(lookups):
        if not isinstance(one.vector, SparseVector):
            dense.setdefault(id(one.vector), (f"query {n}", one.vector))
    _check_vectors([vector for _, vector in dense.values()], [label for label, _ in dense.values()], dim)
    words = [one.vector for one in lookups if isinstance(one.vector, SparseVector)] + [one.vector for one in among]
    if any(not isinstance(one, SparseVector) or not one.indices for one in words):
        raise VectorError("a search for no words")


def check_facts(items: Mapping[str, Facts]) -> None:
    """Check facts before an engine stores them.

    Raises:
        StoreError: a value is too long or malformed; the message has the item and the value.
    """
    for item_id, facts in items.items():
        _check_facts(f"item {item_id}", facts)


def check_labels(label: str, tags: Sequence[str], meta: Mapping[str, str]) -> None:
    """Check the number, the lengths and the keys of labels.

    Raises:
        StoreError: one is not allowed; the message says what is.
    """
    if max(len(tags), len(meta)) > MAX_WORDS:
        raise StoreError(f"{label}: {len(tags)} tags and {len(meta)} values, at most {MAX_WORDS} of each are kept")
    for key in meta:
        if not _KEY.fullmatch(key):
            raise StoreError(f"{label}: the key {key!r} must be 1 to 64 of A-Z, a-z, 0-9, _ and -")
    for word in (*tags, *meta.values()):
        if not 0 < len(word.strip()) == len(word) <= MAX_WORD:
            raise StoreError(f"{label}: {word!r} must have 1 to {MAX_WORD} characters and no space at its ends")
        check_text(label, word)


def check_text(label: str, text: str) -> None:
    """Check that a string is not too long, and has no lone surrogates, which file names may have.

    Raises:
        StoreError: the string is too long or not valid Unicode.
    """
    if len(text) > MAX_TEXT:
        raise StoreError(f"{label} has {len(text):,} characters, over {MAX_TEXT:,}")
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        raise StoreError(f"{label} {text!r} is not valid Unicode")


def check_space(directory: Path) -> None:
    """Check that the disk has enough free space to write.

    Raises:
        StoreError: it has not; the message has the directory and the bytes.
    """
    free = shutil.disk_usage(directory).free
    if free < RESERVE:
        raise StoreError(
            f"{directory} has {free:,} bytes free and {RESERVE:,} are kept in reserve: nothing was written; "
            f"free some disk or move the index with --data-dir"
        )


def usable(vector: Floats) -> bool:
    """Return whether a vector (dim,) can be stored: it is finite and not zero."""
    norm = float(np.linalg.norm(vector.astype(np.float64)))
    return math.isfinite(norm) and norm > MIN_NORM


def _check_vectors(vectors: Sequence[Floats], labels: Sequence[str], dim: int) -> Floats:
    for vector, label in zip(vectors, labels, strict=True):
        if vector.shape != (dim,):
            raise VectorError(f"{label}: the vector has shape {vector.shape}, the collection has ({dim},)")
    rows = np.asarray(vectors, dtype=np.float32).reshape(len(vectors), dim)
    for row, label in zip(rows, labels, strict=True):
        if not usable(row):
            norm = np.linalg.norm(row.astype(np.float64))
            raise VectorError(f"{label}: the vector has norm {norm}, it must be finite and not zero")
    return rows


def _check_id(text: str) -> None:
    try:
        canonical = str(UUID(text))
    except ValueError:
        canonical = ""
    if canonical != text:
        raise StoreError(f"point id {text!r} is not a UUID in its usual form")


def _check_payload(label: str, payload: Payload) -> None:
    _check_facts(label, payload.facts)
    for name in ("item_id", "snippet", "passage"):
        check_text(f"{label}: {name}", getattr(payload, name))
    check_text(f"{label}: part", payload.segment.part)
    if len(payload.readings) > MAX_READINGS:
        raise StoreError(f"{label}: {len(payload.readings)} readings, at most {MAX_READINGS} are kept")
    check_text(f"{label}: readings", "\n".join(one.text for one in payload.readings))
    if len(payload.notes) > MAX_NOTES or any(len(note) > MAX_NOTE for note in payload.notes):
        raise StoreError(f"{label}: {payload.notes} are notes; at most {MAX_NOTES} of {MAX_NOTE} characters are kept")
    for note in payload.notes:
        check_text(f"{label}: note", note)
    for name, value in (("duration", payload.duration), ("start", payload.segment.start), ("end", payload.segment.end)):
        _check_number(f"{label}: {name}", value)


def _check_facts(label: str, facts: Facts) -> None:
    check_text(f"{label}: path", facts.path)
    check_text(f"{label}: mime", facts.mime)
    check_text(f"{label}: metadata", facts.metadata.as_json())
    _check_number(f"{label}: mtime", facts.mtime)
    _check_number(f"{label}: added", facts.added)
    check_labels(label, facts.tags, facts.meta)
    if len(facts.names) > MAX_NAMES:
        raise StoreError(f"{label}: {len(facts.names)} names of other paths, over {MAX_NAMES}")
    check_text(f"{label}: names", "\n".join(facts.names))


def _check_number(label: str, value: float | None) -> None:
    if value is not None and not math.isfinite(value):
        raise StoreError(f"{label} is {value}")
