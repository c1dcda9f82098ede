"""Encode batches: store raw embeddings, compute vectors, and use smaller batches when memory runs out."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.model import OmniBind
from omnisearch.search.space_embeddings import read_space_embeddings, space_id
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch.types import Content, Floats, Modality, Role, SpaceEmbeddings


class Encoder:
    """Encodes contents with one model, and stores the embeddings of its spaces under `keys`, the ids of the points."""

    def __init__(self, model: OmniBind, raw: SpaceEmbeddingStore, batch_size: int) -> None:
        self._model, self._raw = model, raw
        self._sizes: dict[Modality, int] = defaultdict(lambda: batch_size)

    def size(self, modality: Modality) -> int:
        """The batch size of a modality; it is halved when memory runs out."""
        return self._sizes[modality]

    def encode(
        self, modality: Modality, keys: Sequence[str], contents: Sequence[Content], kept: Sequence[bool] = ()
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Return vectors (n, dim) and bool (n,): contents that did not fit into memory even alone; their rows are 0.

        `kept` contents with undamaged embeddings in every space are not encoded again.
        """
        vectors, done = self._recall(modality, keys, kept or [False] * len(keys))
        todo = [n for n, known in enumerate(done) if not known]
        failed = np.zeros(len(contents), np.bool_)
        vectors[todo], failed[todo] = self._encode(modality, [keys[n] for n in todo], [contents[n] for n in todo])
        return vectors, failed

    def _recall(
        self, modality: Modality, keys: Sequence[str], kept: Sequence[bool]
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Bind stored embeddings: vectors (n, dim), and bool (n,): which keys have embeddings in every space."""
        vectors, done = np.zeros((len(keys), self._model.dim), np.float32), np.array(kept, np.bool_)
        if done.any():
            found = read_space_embeddings(self._raw, self._model, modality, keys)
            done &= np.all([present for _, present in found.values()], axis=0)
        if done.any():
            vectors[done] = self._model.bind(modality, {part: rows[done] for part, (rows, _) in found.items()})
        return vectors, done

    def _encode(
        self, modality: Modality, keys: Sequence[str], contents: Sequence[Content]
    ) -> tuple[Floats, NDArray[np.bool_]]:
        vectors = np.zeros((len(contents), self._model.dim), np.float32)
        failed = np.zeros(len(contents), np.bool_)
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
                self._keep(keys[part], embeddings)
            at += size
        return vectors, failed

    def _keep(self, keys: Sequence[str], embeddings: SpaceEmbeddings) -> None:
        for (space, tower_modality), rows in embeddings.items():
            sound = [bool(np.isfinite(row).all()) for row in rows]
            kept = [key for key, good in zip(keys, sound, strict=True) if good]
            if kept:
                self._raw.put(space_id(self._model, space), tower_modality, kept, rows[sound])


def out_of_memory(error: BaseException) -> bool:
    """Whether memory of the machine or the device ran out; torch has several types for that."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(
        words in str(error).lower() for words in ("out of memory", "can't allocate memory", "not enough memory")
    )
