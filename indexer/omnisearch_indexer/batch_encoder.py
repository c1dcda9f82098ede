"""Encode batches with one model, in smaller ones when memory runs out. Nothing is stored."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.model import OmniBind
from omnisearch.types import Content, Floats, Modality, Role, SpaceEmbeddings


@dataclass(frozen=True, eq=False)
class EncodedRows:
    """The rows of n contents: vectors (n, dim), and the embeddings of each space (n, dim of the space).

    `failed`, bool (n,), marks contents that did not fit into memory even alone; their rows are 0.
    """

    vectors: Floats
    failed: NDArray[np.bool_]
    embeddings: SpaceEmbeddings


class BatchEncoder:
    """Encodes contents with one model."""

    def __init__(self, model: OmniBind, batch_size: int) -> None:
        self._model = model
        self._sizes: dict[Modality, int] = defaultdict(lambda: batch_size)

    def size(self, modality: Modality) -> int:
        """The batch size of a modality; it is halved when memory runs out."""
        return self._sizes[modality]

    def encode(self, modality: Modality, contents: Sequence[Content]) -> EncodedRows:
        """Encode n contents of one modality."""
        vectors = np.zeros((len(contents), self._model.dim), np.float32)
        failed = np.zeros(len(contents), np.bool_)
        found: dict[tuple[str, Modality], Floats] = {}
        at = 0
        while at < len(contents):
            size = self._sizes[modality]
            part = slice(at, at + size)
            try:
                embeddings = self._model.encode_spaces(modality, contents[part], Role.DOCUMENT)
                vectors[part] = self._model.bind(modality, embeddings)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                if min(size, len(contents) - at) > 1:
                    self._sizes[modality] = max(1, min(size, len(contents) - at) // 2)
                    continue
                failed[at] = True
            else:
                for key, rows in embeddings.items():
                    whole = found.setdefault(key, np.zeros((len(contents), rows.shape[1]), np.float32))
                    whole[part] = rows
            at += size
        return EncodedRows(vectors, failed, found)


def out_of_memory(error: BaseException) -> bool:
    """Whether memory of the machine or the device ran out; torch has several types for that."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in ("out of memory", "can't allocate memory", "not enough memory")
    )
