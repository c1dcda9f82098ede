"""Pools: the space embeddings of the unpaired items of every modality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from blake3 import blake3

from omnisearch.errors import UsageError
from omnisearch.types import Modality
from omnisearch_training.stages.nearest import Rows

# The source of a text of unknown origin.
UNKNOWN = ""


@dataclass(frozen=True, eq=False)
class Pools:
    """Unpaired items: `embeddings[space, modality]` (n, dim of space), row i is item i of the modality's pool.

    `text_sources` (n texts) is the source of each text: audio, vision, 3d ..., or UNKNOWN
    """

    embeddings: Mapping[tuple[str, Modality], Rows]
    text_sources: Sequence[str] = ()

    def count(self, modality: Modality) -> int:
        """Return the number of items of a modality.

        Raises:
            UsageError: no space embeds it, or the spaces disagree.
        """
        counts = {space: len(rows) for (space, m), rows in self.embeddings.items() if m is modality}
        if modality is Modality.TEXT and self.text_sources:
            counts["text_sources"] = len(self.text_sources)
        if len(set(counts.values())) != 1:
            raise UsageError(f"the pool of {modality} needs embeddings of one length, not {counts or 'no embeddings'}")
        return next(iter(counts.values()))

    def rows(self, space: str, modality: Modality) -> Rows:
        """Return the embeddings of a pool.

        Raises:
            UsageError: the space has none of this modality.
        """
        if (space, modality) not in self.embeddings:
            known = ", ".join(f"{s}:{m}" for s, m in self.embeddings)
            raise UsageError(f"space {space} has no embeddings of {modality}; there are {known}")
        return self.embeddings[space, modality]

    def digest(self) -> str:
        """Return a hash of the content."""
        found = blake3(repr(tuple(self.text_sources)).encode())
        for key in sorted(self.embeddings):
            rows = np.ascontiguousarray(self.embeddings[key])  # does not copy a memory map
            found.update(f"{key} {rows.shape} {rows.dtype}".encode())
            found.update(rows.view(np.uint8).reshape(-1).data)
        return found.hexdigest()
