"""Encode contents, and store the embeddings of their spaces, so that they are not computed again."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.model import OmniBind
from omnisearch.search.space_embeddings import read_space_embeddings, write_space_embeddings
from omnisearch.stores.embeddings import SpaceEmbeddingStore
from omnisearch.types import Content, Floats, Modality, SpaceEmbeddings
from omnisearch_indexer.batch_encoder import BatchEncoder


class Encoder:
    """Encodes contents with one model, and stores the embeddings of its spaces under `keys`, the ids of the points."""

    def __init__(self, model: OmniBind, raw: SpaceEmbeddingStore, batch_size: int) -> None:
        self._model, self._raw = model, raw
        self._batches = BatchEncoder(model, batch_size)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities that the model embeds."""
        return self._model.modalities

    def encode(
        self, modality: Modality, keys: Sequence[str], contents: Sequence[Content], kept: Sequence[bool] = ()
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Return vectors (n, dim) and bool (n,): contents that did not fit into memory even alone; their rows are 0.

        `kept` contents with undamaged embeddings in every space are not encoded again.
        """
        vectors, done = self.recall(modality, keys, kept or [False] * len(keys))
        todo = [n for n, known in enumerate(done) if not known]
        failed = np.zeros(len(contents), np.bool_)
        made = self._batches.encode(modality, [contents[n] for n in todo])
        vectors[todo], failed[todo] = made.vectors, made.failed
        self.keep([keys[n] for n in todo], made.embeddings, ~made.failed)
        return vectors, failed

    def recall(self, modality: Modality, keys: Sequence[str], kept: Sequence[bool]) -> tuple[Floats, NDArray[np.bool_]]:
        """Bind stored embeddings: vectors (n, dim), and bool (n,): which `kept` keys have embeddings in every space."""
        vectors, done = np.zeros((len(keys), self._model.dim), np.float32), np.array(kept, np.bool_)
        if done.any():
            found = read_space_embeddings(self._raw, self._model, modality, keys)
            done &= np.all([present for _, present in found.values()], axis=0)
        if done.any():
            vectors[done] = self._model.bind(modality, {part: rows[done] for part, (rows, _) in found.items()})
        return vectors, done

    def keep(self, keys: Sequence[str], embeddings: SpaceEmbeddings, wanted: NDArray[np.bool_]) -> None:
        """Store the finite rows (n, dim of the space) of the `wanted` keys, bool (n,)."""
        for (space, tower_modality), rows in embeddings.items():
            sound = wanted & np.isfinite(rows).all(axis=1)
            if sound.any():
                kept = [key for key, good in zip(keys, sound, strict=True) if good]
                write_space_embeddings(self._raw, self._model, space, tower_modality, kept, rows[sound])
