"""Read the embeddings of every space that were stored when the index was made."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.model import OmniBind
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch.types import Floats, Modality

# By space and modality of its tower: rows (n, dim of the space), and a mask (n,) of the segments that have one.
Kept: TypeAlias = Mapping[tuple[str, Modality], tuple[Floats, NDArray[np.bool_]]]


def read_space_embeddings(raw: SpaceEmbeddingStore, model: OmniBind, modality: Modality, keys: Sequence[str]) -> Kept:
    """Return the stored space embeddings of n segments of one modality, given the ids of their points."""
    parts = model.config.video if modality is Modality.VIDEO else (modality,)
    wanted = [(space, part) for part in parts for space in model.config.spaces(part)]
    return {(space, part): raw.get(space_id(model, space), part, keys) for space, part in wanted}


def space_id(model: OmniBind, space: str) -> str:
    """Return the key of a space in the store. It contains the hash of the weights: other weights have another key."""
    return f"{space}@{model.spaces[space].fingerprint}"
