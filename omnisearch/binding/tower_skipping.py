"""Tower skipping: choose the towers that an input needs from its combining factors, before they run.

A router reads only some of the spaces, so the factors are known once those have run. Towers are chosen in the order of
their branches' factors, the largest first, until these add up to the requested share; a branch whose towers have run
anyway costs nothing and always counts. A zero row marks a space that was skipped for an input, and `Fusion.factors`
divides the factor of its branch among the others. The paper runs every space.
"""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.config import ModelConfig
from omnisearch.types import Floats, Modality, SpaceEmbeddings

Towers = Mapping[str, str]  # space -> the tower that it reads for one part


def needed(
    config: ModelConfig, part: Modality, towers: Towers, paid: Collection[str], factors: Floats, share: float
) -> dict[str, NDArray[np.bool_]]:
    """Return the inputs that each remaining tower must run on, {tower: bool (n,)}.

    `paid` are the towers that have run, `factors` (n, branches) the combining factors, `share` in (0, 1].
    """
    carried: dict[frozenset[str], Floats] = {frozenset(): np.zeros(len(factors), np.float32)}
    for i, branch in enumerate(config.branches[part]):
        unpaid = frozenset(towers[space] for space in branch.parts) - set(paid)
        carried[unpaid] = carried.get(unpaid, np.float32(0)) + factors[:, i]
    free = carried.pop(frozenset())
    found = {towers[s]: np.zeros(len(factors), np.bool_) for s in config.spaces(part) if towers[s] not in paid}
    if carried:
        chosen = _largest(np.stack(list(carried.values()), axis=1), free, share)
        for group, rows in zip(carried, chosen.T, strict=True):
            for tower in group:
                found[tower] |= rows
    return found


def _largest(carried: Floats, free: Floats, share: float) -> NDArray[np.bool_]:
    """Choose columns of (n, groups) per row, the largest first, until their sum plus `free` (n,) reaches `share`."""
    if share >= 1:
        return carried > 0  # a factor of zero adds nothing: without its tower the result is the same
    order = np.argsort(-carried, axis=1, kind="stable")
    ordered = np.take_along_axis(carried, order, axis=1).astype(np.float64)
    before = free[:, None] + np.cumsum(ordered, axis=1) - ordered
    chosen = np.zeros(carried.shape, np.bool_)
    np.put_along_axis(chosen, order, before < share, axis=1)
    return chosen


def without(
    embeddings: SpaceEmbeddings, part: Modality, towers: Towers, run: Mapping[str, NDArray[np.bool_]]
) -> SpaceEmbeddings:
    """Return complete embeddings with zero rows where a space's tower would be skipped."""
    kept = {}
    for (space, own), rows in embeddings.items():
        wanted = run.get(towers[space]) if own is part and space in towers else None
        kept[space, own] = rows if wanted is None else np.where(wanted[:, None], rows, np.float32(0))
    return kept


def work(embeddings: SpaceEmbeddings, part: Modality, towers: Towers, parameters: Mapping[str, int]) -> Floats:
    """Return the share of the part's tower work that was done for each input, (n,).

    The work of a tower is its number of `parameters`, or 1 if that is unknown. A shared tower counts once.
    """
    weights = {tower: float(parameters.get(tower, 0) or 1) for tower in towers.values()}
    n = len(embeddings[next(iter(towers)), part])
    done = np.zeros(n)
    for tower, weight in weights.items():
        ran = [embeddings[space, part].any(axis=1) for space, read in towers.items() if read == tower]
        done += weight * np.any(ran, axis=0)
    return (done / sum(weights.values())).astype(np.float32)
