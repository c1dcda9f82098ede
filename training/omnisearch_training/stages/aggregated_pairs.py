"""Aggregated pairs: soft pairs of embeddings in the place of pseudo item pairs, as FreeBind makes them.

OmniBind pairs an item with the one nearest item of another modality. FreeBind (arXiv 2405.04883) pairs it with a mean
of the nearest ones: sum_k softmax_k(s_k / temperature) x_k, with s_k the score of neighbour k and x_k its embedding.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality, SpaceEmbeddings
from omnisearch_training.stages.pseudo_pairs import Pairs

TEMPERATURE = 0.01
ROWS = 4096  # in memory with all their neighbours


def aggregate(
    pairs: Pairs, embeddings: SpaceEmbeddings, temperature: float = TEMPERATURE
) -> tuple[Pairs, SpaceEmbeddings]:
    """Return one tuple for each row of `pairs` (n, k), and the embeddings that it refers to: (n, dim), unit rows."""
    count = len(pairs.start)
    weights = {m: _softmax(pairs.scores[m] / temperature) for m in pairs.modalities}
    made = {
        (space, m): _mean(rows, pairs.ids[m], weights[m])
        for (space, m), rows in embeddings.items()
        if m in pairs.modalities
    }
    alone = np.arange(count, dtype=np.int32)[:, None]
    sources = None if pairs.text_source is None else pairs.text_source[:, :1]
    ones = dict.fromkeys(pairs.modalities, np.ones((count, 1), np.float32))
    ids = dict.fromkeys(pairs.modalities, alone)
    return Pairs(pairs.modalities, pairs.start, ids, ones, sources, pairs.sources, pairs.provenance), made


def groups_of(pairs: Pairs, groups: Mapping[Modality, NDArray[np.int64]]) -> dict[Modality, NDArray[np.int64]]:
    """Return the groups (n,) of aggregated rows: those of the nearest item."""
    return {m: groups[m][pairs.ids[m][:, 0]] for m in pairs.modalities}


def _softmax(scores: Floats) -> Floats:
    raised: Floats = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights: Floats = raised / raised.sum(axis=1, keepdims=True)
    return weights


def _mean(rows: Floats, ids: NDArray[np.int32], weights: Floats) -> Floats:
    """Return the weighted mean of rows (m, dim) by ids and weights (n, k): (n, dim), unit rows."""
    parts = [
        np.einsum("nk,nkd->nd", weights[at : at + ROWS], rows[ids[at : at + ROWS]], dtype=np.float32)
        for at in range(0, len(ids), ROWS)
    ]
    return unit(np.concatenate(parts))
