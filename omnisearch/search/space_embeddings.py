"""The stored embeddings of every space: written when a file is indexed, and read to bind its segments again."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.cut_rows import cut, restore
from omnisearch.binding.model import OmniBind
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch.types import Floats, Modality

# By space and modality of its tower: rows (n, dim of the space), and a mask (n,) of the segments that have one.
Kept: TypeAlias = Mapping[tuple[str, Modality], tuple[Floats, NDArray[np.bool_]]]


def write_space_embeddings(
    raw: SpaceEmbeddingStore, model: OmniBind, space: str, part: Modality, keys: Sequence[str], rows: Floats
) -> None:
    """Store the rows (n, dim of the space) of n segments, cut to the narrowest width from which `model` can bind."""
    width = model.stored_widths(space, part)[0]
    kept = cut(rows, width) if width < rows.shape[1] else rows
    raw.put(space_id(model, space, width), part, keys, kept)


def read_space_embeddings(raw: SpaceEmbeddingStore, model: OmniBind, modality: Modality, keys: Sequence[str]) -> Kept:
    """Return the stored space embeddings of n segments of one modality, given the ids of their points."""
    parts = model.config.video if modality is Modality.VIDEO else (modality,)
    wanted = [(space, part) for part in parts for space in model.config.spaces(part)]
    return {(space, part): _read(raw, model, space, part, keys) for space, part in wanted}


def stored_width(raw: SpaceEmbeddingStore, model: OmniBind, space: str, part: Modality, key: str) -> int | None:
    """Return the largest width at which the row of a segment is stored, damaged or not; None if there is none."""
    widths = {model.spaces[space].spec.dim, *model.config.widths}
    stored = (width for width in widths if raw.has(space_id(model, space, width), part, key))
    return max(stored, default=None)


def space_id(model: OmniBind, space: str, width: int | None = None) -> str:
    """Return the key of a space in the store, for rows of a width; full rows if None.

    It contains the hash of the weights: other weights have another key.
    """
    loaded = model.spaces[space]
    cut_to = "" if width in {None, loaded.spec.dim} else f":{width}"
    return f"{space}@{loaded.fingerprint}{cut_to}"


def _read(
    raw: SpaceEmbeddingStore, model: OmniBind, space: str, part: Modality, keys: Sequence[str]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Read each row at the narrowest stored width from which `model` can bind."""
    full = model.spaces[space].spec.dim
    rows, present = np.zeros((len(keys), full), np.float32), np.zeros(len(keys), np.bool_)
    for width in model.stored_widths(space, part):
        if present.all():
            break
        missing = np.flatnonzero(~present)
        found, there = raw.get(space_id(model, space, width), part, [keys[int(n)] for n in missing])
        if there.any():
            rows[missing[there]] = found[there] if width == full else restore(found[there], full)
            present[missing[there]] = True
    return rows, present
