"""Exact nearest neighbours by inner product, block by block, so that memory does not grow with the pools.

Two methods find candidates: `faiss` by brute force in float32 (on its GPU where it has one), and `int8`, whose integer
products are several times faster on CPUs with VNNI. Both end alike: the candidates' scores are computed anew in
float64, and a query whose candidates may have missed a neighbour is settled by brute force. So both give the same
answers, and equal scores are ordered by id.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, TypeAlias

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from omnisearch.errors import UsageError, VectorError
from omnisearch.types import Floats

Method: TypeAlias = Literal["faiss", "int8"]
Rows: TypeAlias = NDArray[np.float32] | NDArray[np.float16]
Ids: TypeAlias = NDArray[np.int64]

# Rows held at once: of the queries, of the targets that faiss and float64 see, and of the tiles of the int8 product,
# which fit a core's cache.
QUERIES, TARGETS, TILE = 16384, 8192, (1024, 4096)
# Neighbouring targets whose best score alone is compared first.
GROUP = 32
# Numbers gathered at once when candidates are scored anew: 64 MiB.
GATHERED = 1 << 23
# faiss looks a little further than k, int8 four times as far and never for less than 16: a query to settle costs more.
SPARE, WIDEN, LEAST = 8, 4, 16
# A rounded code is off by up to half a step, with a standard deviation of 1 / sqrt(12) steps.
SIGMAS = 6.0


class _Best:
    """The best `width` candidates of n queries so far, best first. With `ordered` equal scores keep the lower ids."""

    def __init__(self, n: int, width: int, ordered: bool = False) -> None:
        self.scores = torch.full((n, width), -torch.inf)
        self.ids = torch.full((n, width), -1, dtype=torch.int64)
        self._ordered = ordered

    @property
    def floor(self) -> torch.Tensor:
        """The lowest score that is kept, (n,)."""
        return self.scores[:, -1]

    def offer(self, queries: slice, products: torch.Tensor, step: float, start: int) -> None:
        """Offer products (q, t) with the targets from `start` on, which come after those before; a score is a step.

        One pass takes the maximum of every `GROUP` neighbouring targets. Each is some target's score, so the new floor
        is at least the lowest of the best `width` among them and the scores that are kept. Only the few groups that
        reach it are looked at again.
        """
        width = self.scores.shape[1]
        known, before = self.scores[queries], self.floor[queries].numpy()[:, None]
        maxima = _maxima(products).float() * step
        least = torch.cat([known, maxima], dim=1).topk(width, dim=1).values[:, -1:].numpy()
        # numpy picks what passes several times faster than torch.nonzero.
        rows, groups = np.nonzero((maxima.numpy() >= least) & (maxima.numpy() > before))
        columns = groups[:, None] * GROUP + np.arange(GROUP)
        inside = columns < products.shape[1]
        tried = products.numpy()[rows[:, None], np.where(inside, columns, 0)].astype(np.float32) * np.float32(step)
        passed = inside & (tried >= least[rows]) & (tried > before[rows])
        rows = np.repeat(rows, passed.sum(axis=1))
        scores, ids = _spread(rows, tried[passed], columns[passed] + start, len(products))
        scores, ids = torch.cat([known, scores], dim=1), torch.cat([self.ids[queries], ids], dim=1)
        if self._ordered:
            kept, order = (found[:, :width] for found in scores.sort(dim=1, descending=True, stable=True))
        else:
            kept, order = scores.topk(width, dim=1)
        self.scores[queries], self.ids[queries] = kept, ids.gather(1, order)


Finder: TypeAlias = Callable[[Floats, Rows, int], tuple[_Best, Floats]]


def nearest(queries: Rows, targets: Rows, k: int, method: Method = "faiss") -> tuple[Ids, Floats]:
    """Find for every query (n, dim) the k targets (m, dim) of largest inner product: ids (n, k), scores (n, k).

    Best first, equal scores by id; where there are fewer than k targets the rest is -1 with score -inf. Both arrays
    may be memory maps.

    Raises:
        UsageError: k is not positive, or the widths differ.
        VectorError: a row is not finite.
    """
    if k < 1 or queries.ndim != 2 or targets.ndim != 2 or queries.shape[1] != targets.shape[1]:
        raise UsageError(f"cannot search k = {k} of {targets.shape} for {queries.shape}: k >= 1 and one width, please")
    ids = np.full((len(queries), k), -1, np.int64)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    kept = min(k, len(targets))
    width = min(kept + SPARE if method == "faiss" else max(kept * WIDEN, LEAST), len(targets))
    for start, block in _blocks(queries, QUERIES) if kept else ():
        best, margin = FINDERS[method](block, targets, width)
        found_ids, found = _score(block, targets, best.ids.numpy(), kept)
        if width < len(targets):
            unsure = np.flatnonzero(found[:, -1] <= best.floor.numpy() + margin)
            if len(unsure):
                found_ids[unsure], found[unsure] = _settle(block[unsure], targets, kept)
        ids[start : start + len(block), :kept] = found_ids
        scores[start : start + len(block), :kept] = found
    return ids, scores


def _by_faiss(queries: Floats, targets: Rows, width: int) -> tuple[_Best, Floats]:
    """Search as IndexFlatIP does, without its copy of all targets."""
    best = _Best(len(queries), width)
    longest = 0.0
    for start, block in _blocks(targets, TARGETS):
        scores, ids = (torch.from_numpy(found) for found in _knn(queries, block, min(width, len(block))))
        scores, ids = torch.cat([best.scores, scores], dim=1), torch.cat([best.ids, ids + start], dim=1)
        best.scores, order = scores.topk(width, dim=1)
        best.ids = ids.gather(1, order)
        longest = max(longest, _longest(block))
    # A float32 sum of products strays about this far, whatever the order of summation.
    rounding = 2 * np.finfo(np.float32).eps * queries.shape[1] ** 0.5
    return best, (rounding * longest * np.linalg.norm(queries, axis=1)).astype(np.float32)


def _knn(queries: Floats, targets: Floats, k: int) -> tuple[Floats, Ids]:
    search: Any = faiss.knn
    if hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus():
        search = partial(faiss.knn_gpu, faiss.StandardGpuResources())
    scores, ids = search(queries, targets, k, metric=faiss.METRIC_INNER_PRODUCT)
    return scores, ids


def _by_int8(queries: Floats, targets: Rows, width: int) -> tuple[_Best, Floats]:
    """Multiply 8-bit codes: of a query each with a step of its own, of targets a block's with one.

    The margin is `SIGMAS` standard deviations of the rounding error, taken as independent over coordinates.
    """
    codes, steps = _quantise(torch.from_numpy(queries), 1)
    best = _Best(len(queries), width)  # of scores in each query's own steps
    longest = coarsest = 0.0
    memory = torch.empty(TILE[0] * TILE[1], dtype=torch.int32)  # reused: fresh memory costs more than the product
    for start, block in _blocks(targets, TILE[1]):
        target_codes, target_step = _quantise(torch.from_numpy(block))
        for first in range(0, len(queries), TILE[0]):
            rows = slice(first, min(first + TILE[0], len(queries)))
            products = memory[: (rows.stop - first) * len(block)].view(-1, len(block))
            torch._int_mm(codes[rows], target_codes.T, out=products)
            best.offer(rows, products, float(target_step), start)
        longest, coarsest = max(longest, _longest(block)), max(coarsest, float(target_step))
    best.scores *= steps
    norms = np.linalg.norm(queries, axis=1)
    margin = SIGMAS / 12**0.5 * np.hypot(norms * coarsest, steps[:, 0].numpy() * longest)
    return best, margin.astype(np.float32)


def _quantise(rows: torch.Tensor, *dims: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Round rows (n, dim) to int8 codes and their step, one for all or (n, 1) by `dims` = 1: row = code * step.

    The codes are padded with zeros to whole words of four: of a single coordinate torch's int8 product is wrong.
    """
    steps = rows.abs().amax(dim=dims, keepdim=bool(dims)).clamp(min=1e-30) / 127
    codes = (rows / steps).round_().to(torch.int8)
    return functional.pad(codes, (0, -codes.shape[1] % 4)), steps


def _maxima(products: torch.Tensor) -> torch.Tensor:
    """Return the maximum of every GROUP neighbours of products (q, t), the last group being what is left."""
    whole = products.shape[1] - products.shape[1] % GROUP
    maxima = [products[:, :whole].view(len(products), -1, GROUP).amax(dim=2)] if whole else []
    rest = [products[:, whole:].amax(dim=1, keepdim=True)] if whole < products.shape[1] else []
    return torch.cat(maxima + rest, dim=1)


def _spread(rows: Ids, scores: Floats, ids: Ids, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Lay the scores of n rows, given row by row, into a matrix padded with -inf: scores and ids, in their order."""
    counts = np.bincount(rows, minlength=n)
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    laid = np.full((n, counts.max()), -np.inf, np.float32)
    at = np.full(laid.shape, -1, np.int64)
    laid[rows, place], at[rows, place] = scores, ids
    return torch.from_numpy(laid), torch.from_numpy(at)


def _score(queries: Floats, targets: Rows, candidates: Ids, k: int) -> tuple[Ids, Floats]:
    """Score candidates (n, c) in float64 and give the best k by score, then id."""
    ids = np.sort(candidates, axis=1)
    scores = np.empty(ids.shape, np.float32)
    step = max(1, GATHERED // (ids.shape[1] * queries.shape[1]))
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        gathered = np.asarray(targets[ids[rows]], np.float64)  # (step, c, dim)
        scores[rows] = np.einsum("nd,ncd->nc", queries[rows].astype(np.float64), gathered)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)


def _settle(queries: Floats, targets: Rows, k: int) -> tuple[Ids, Floats]:
    """Brute force in float64."""
    best = _Best(len(queries), k, ordered=True)
    for start, block in _blocks(targets, TARGETS):
        wide = block.astype(np.float64).T
        for first in range(0, len(queries), TILE[0]):
            rows = slice(first, first + TILE[0])
            scores = (queries[rows].astype(np.float64) @ wide).astype(np.float32)
            best.offer(rows, torch.from_numpy(scores), 1.0, start)
    return best.ids.numpy(), best.scores.numpy()


def _blocks(rows: Rows, size: int) -> Iterator[tuple[int, Floats]]:
    """Read an array block by block into memory: (first row, float32 rows)."""
    for start in range(0, len(rows), size):
        block = np.array(rows[start : start + size], np.float32)
        if not np.isfinite(block).all():
            row = start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise VectorError(f"row {row} of {len(rows)} is not finite: encode it again")
        yield start, block


def _longest(rows: Floats) -> float:
    return float(np.linalg.norm(rows, axis=1).max())


FINDERS: dict[Method, Finder] = {"faiss": _by_faiss, "int8": _by_int8}
