"""Exact nearest neighbours by inner product, block by block, so that memory does not grow with the pools.

Two methods find candidates: `faiss` by brute force in float32 (on its GPU where it has one), and `int8`, whose integer
products run at four times that rate on CPUs with VNNI, and which scores in float32 only targets that the codes cannot
rule out. Both end in the same way: the best scores are computed again in float64, and a query whose candidates may have
missed a neighbour is searched by brute force. So both give the same results, and equal scores are ordered by id.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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

# Rows in memory at once: of the queries, of the targets, and of the queries of one tile of the integer product.
QUERIES, TARGETS, TILE = 16384, 4096, 1024
# Neighbouring targets of which only the best product is compared first.
GROUP = 32
# Rows that are quantised, and pairs that are scored in float64, at once: they fit a core's cache.
CACHED, PAIRS = 128, 32
# Candidates beyond k: the number of neighbours that may be within float32's rounding of the k-th.
SPARE = 8
# Scoring one pair costs as much as about twenty scores of a plain product, and finding it half as much again. So if
# the codes leave a query more than this share of a block (k large, targets similar), the whole block is multiplied.
DENSE = 1 / 32
# Quantising a block takes as long as multiplying it in float32 with about 240 queries, so codes need more queries.
FEW = 256
LOWEST, HIGHEST = np.iinfo(np.int32).min, np.iinfo(np.int32).max


class _Best:
    """The best `width` candidates of n queries so far by float32 score, best first, ties in any order."""

    def __init__(self, n: int, width: int) -> None:
        self.scores = np.full((n, width), -np.inf, np.float32)
        self.ids = np.full((n, width), -1, np.int64)

    def merge(self, queries: Ids, scores: Floats, ids: Ids) -> None:
        """Add new candidates (q, c) to each of the queries (q,)."""
        joined = np.concatenate([self.scores[queries], scores], axis=1)
        found = torch.from_numpy(joined).topk(self.scores.shape[1], dim=1)
        ids = np.concatenate([self.ids[queries], ids], axis=1)
        self.scores[queries], self.ids[queries] = found.values, np.take_along_axis(ids, found.indices.numpy(), axis=1)


@dataclass(frozen=True)
class _Codes:
    """Rows (n, dim) as 8-bit codes and their steps (n, 1): row = code * step + rest. Norms are of row and rest, (n,).

    The codes are padded with zeros to whole words of four: torch's int8 product is wrong for a single coordinate.
    """

    codes: torch.Tensor
    steps: torch.Tensor
    norms: torch.Tensor
    rests: torch.Tensor


Finder: TypeAlias = Callable[[Floats, Rows, int, _Best], float]


@np.errstate(over="ignore", invalid="ignore")  # a query with scores beyond float32 is searched by brute force
def nearest(queries: Rows, targets: Rows, k: int, method: Method = "faiss") -> tuple[Ids, Floats]:
    """Find for every query (n, dim) the k targets (m, dim) of largest inner product: ids (n, k), scores (n, k).

    Best first, equal scores by id; with fewer than k targets, the rest is -1 with score -inf. Both arrays
    may be memory maps.

    Raises:
        UsageError: k is not positive, or the widths differ.
        VectorError: a row is not finite.
    """
    if k < 1 or queries.ndim != 2 or targets.ndim != 2 or queries.shape[1] != targets.shape[1]:
        raise UsageError(f"cannot search k = {k} of {targets.shape} for {queries.shape}: use k >= 1 and equal widths")
    ids = np.full((len(queries), k), -1, np.int64)
    scores = np.full((len(queries), k), -np.inf, np.float32)
    kept, width = min(k, len(targets)), min(k + SPARE, len(targets))
    for start, block in _blocks(queries, QUERIES) if kept else ():
        best = _Best(len(block), width)
        longest = FINDERS[method](block, targets, kept, best)
        margin = _rounding(block.shape[1]) * longest * np.linalg.norm(block, axis=1)
        found_ids, found = _score(block, targets, best, margin, kept)
        if width < len(targets):
            unsure = np.flatnonzero(~(found[:, -1] > best.scores[:, -1] + margin))
            if len(unsure):
                found_ids[unsure], found[unsure] = _settle(block[unsure], targets, kept)
        ids[start : start + len(block), :kept] = found_ids
        scores[start : start + len(block), :kept] = found
    return ids, scores


def _by_faiss(queries: Floats, targets: Rows, _: int, best: _Best) -> float:
    """Search like IndexFlatIP, without its copy of all targets; return the norm of the longest target."""
    longest = 0.0
    for start, block in _blocks(targets, TARGETS):
        _multiply(best, np.arange(len(queries)), queries, block, start)
        longest = max(longest, float(torch.from_numpy(block).norm(dim=1).max()))
    return longest


def _multiply(best: _Best, rows: Ids, queries: Floats, block: Floats, start: int) -> None:
    """Add all targets of a block as candidates of `queries`, which are rows of `best`."""
    search: Any = faiss.knn
    if hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus():
        search = partial(faiss.knn_gpu, faiss.StandardGpuResources())
    width = min(best.scores.shape[1], len(block))
    scores, ids = search(queries, block, width, metric=faiss.METRIC_INNER_PRODUCT)
    best.merge(rows, scores, ids + start)


def _by_int8(queries: Floats, targets: Rows, k: int, best: _Best) -> float:
    """Search like faiss, but score only targets that 8-bit codes cannot rule out.

    With q = q' + e and x = x' + f, where q' and x' are the values of the codes, q x = q' x' + q' f + e x. So the error
    of the codes is at most |q'| |f| + |e| |x| (Cauchy-Schwarz): a target further below the k-th best score is not one
    of the k best.
    """
    if len(queries) < FEW:
        return _by_faiss(queries, targets, k, best)
    asked = _quantise(torch.from_numpy(queries), shared=False)
    longest = 0.0
    memory = torch.empty(TILE * (TARGETS + GROUP), dtype=torch.int32)  # fresh memory costs more than the product
    for start, block in _blocks(targets, TARGETS):
        found = _quantise(torch.from_numpy(block), shared=True)
        far, rest, step = float(found.norms.max()), float(found.rests.max()), float(found.steps[0])
        longest = max(longest, far)
        # The norms are rounded as well, and a query's code may be longer than the query.
        errors = ((asked.norms + asked.rests) * rest + asked.rests * far).double() * 1.001
        errors += 3 * _rounding(queries.shape[1]) * far * asked.norms
        for first in range(0, len(queries), TILE):
            rows = slice(first, min(first + TILE, len(queries)))
            tile = _Tile(queries[rows], block, _products(asked.codes[rows], found.codes, memory))
            floors = best.scores[rows, k - 1]
            if start == 0:
                floors = tile.floors(k)  # the scores to reach
            least = (floors - errors[rows].numpy()) / (asked.steps[rows, 0].double().numpy() * step)
            tile.offer(best, first, start, np.nan_to_num(least, nan=LOWEST).clip(LOWEST + 1, HIGHEST))
    return longest


@dataclass(frozen=True)
class _Tile:
    """Some queries (q, dim), a block of targets (t, dim), and the products (q, t / GROUP, GROUP) of their codes."""

    queries: Floats
    block: Floats
    products: torch.Tensor

    def floors(self, k: int) -> Floats:
        """Score the best target of every query's best k groups: the k-th neighbour scores no less than the worst."""
        if self.products.shape[1] < k:
            return np.full(len(self.queries), -np.inf, np.float32)
        groups = self.products.amax(dim=2).topk(k, dim=1).indices
        inside = self.products.gather(1, groups[:, :, None].expand(-1, -1, GROUP)).argmax(dim=2)
        columns = (groups * GROUP + inside).flatten().numpy()
        rows = np.repeat(np.arange(len(self.queries)), k)
        least: Floats = _inner(self.queries, self.block, rows, columns).reshape(-1, k).min(axis=1)
        return least

    def passing(self, least: NDArray[np.int32]) -> tuple[Ids, Ids]:
        """Find the products that are at least `least` (q,): rows and columns, row by row.

        One pass takes the maximum of every group; only the few groups that reach it are searched again.
        """
        maxima = self.products.amax(dim=2).numpy()
        # numpy is several times faster than torch.nonzero here.
        found = np.flatnonzero(maxima >= least[:, None])
        rows, groups = np.divmod(found, maxima.shape[1])
        tried = self.products.flatten(0, 1)[torch.from_numpy(found)].numpy()
        hits, inside = np.divmod(np.flatnonzero(tried >= least[rows, None]), GROUP)
        return rows[hits], groups[hits] * GROUP + inside

    def offer(self, best: _Best, first: int, start: int, least: NDArray[np.float64]) -> None:
        """Add products of at least `least` as candidates; the tile starts at query `first` and target `start`."""
        rows, columns = self.passing(np.floor(least).astype(np.int32))
        counts = np.bincount(rows, minlength=len(self.queries))
        many = counts > len(self.block) * DENSE
        if many.any():
            dense, sparse = np.flatnonzero(many), ~many[rows]
            _multiply(best, first + dense, self.queries[dense], self.block, start)
            rows, columns, counts = rows[sparse], columns[sparse], np.where(many, 0, counts)
        if len(rows):
            asking = np.flatnonzero(counts)
            counts = counts[asking]
            places = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
            scores = np.full((len(asking), counts.max()), -np.inf, np.float32)
            ids = np.full(scores.shape, -1, np.int64)
            lines = np.repeat(np.arange(len(asking)), counts)
            scores[lines, places] = _inner(self.queries, self.block, rows, columns)
            ids[lines, places] = columns + start
            best.merge(first + asking, scores, ids)


def _quantise(rows: torch.Tensor, shared: bool) -> _Codes:
    """Round rows to codes, with one step per row or one for all."""
    peaks = torch.linalg.vector_norm(rows, torch.inf, dim=1, keepdim=True).clamp(min=1e-30)
    steps = (peaks.max().expand_as(peaks) if shared else peaks) / 127
    codes = torch.zeros(len(rows), rows.shape[1] + -rows.shape[1] % 4, dtype=torch.int8)
    rests = torch.empty(len(rows))
    for start in range(0, len(rows), CACHED):
        part, step = rows[start : start + CACHED], steps[start : start + CACHED]
        rounded = (part / step).round_()
        codes[start : start + CACHED, : rows.shape[1]] = rounded
        rests[start : start + CACHED] = rounded.mul_(step).sub_(part).norm(dim=1)
    return _Codes(codes, steps, rows.norm(dim=1), rests)


def _products(queries: torch.Tensor, targets: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
    """Multiply codes into (q, t / GROUP, GROUP); positions without a target hold the lowest integer."""
    width = len(targets) + -len(targets) % GROUP
    products = memory[: len(queries) * width].view(len(queries), width)
    torch._int_mm(queries, functional.pad(targets, (0, 0, 0, width - len(targets))).T, out=products)
    products[:, len(targets) :] = LOWEST
    return products.view(len(queries), -1, GROUP)


def _inner(queries: Floats, targets: Floats, rows: Ids, columns: Ids) -> Floats:
    """Score pairs in float32, without a copy of their vectors."""
    scores = np.empty(len(rows), np.float32)
    library: Any = faiss  # its type stubs lack the functions of C++
    at = [library.swig_ptr(array) for array in (queries, rows, targets, columns, scores)]  # all are contiguous
    library.pairwise_indexed_inner_product(queries.shape[1], len(rows), *at)
    return scores


def _rounding(dim: int) -> float:
    """Return the greatest error of a float32 sum of dim products in any order, as a share of |q| |x|.

    Higham, Accuracy and Stability of Numerical Algorithms, eq. 3.5; 16 is added for the rounding of the bound itself.
    """
    return (dim + 16) * float(np.finfo(np.float32).eps) / 2


def _score(queries: Floats, targets: Rows, best: _Best, margin: Floats, k: int) -> tuple[Ids, Floats]:
    """Score in float64 the candidates that may be among the k best, given the margin (n,) of float32, and sort them."""
    least = best.scores[:, k - 1] - 2 * margin
    rows, columns = np.nonzero(~(best.scores < least[:, None]))
    ids, exact = best.ids[rows, columns], np.empty(len(rows), np.float32)
    for start in range(0, len(rows), PAIRS):
        at = slice(start, start + PAIRS)
        exact[at] = np.vecdot(queries[rows[at]].astype(np.float64), targets[ids[at]].astype(np.float64))
    scores = np.full(best.scores.shape, -np.inf, np.float32)
    scores[rows, columns] = exact
    return _decode(np.sort(_encode(scores, best.ids), axis=1)[:, ::-1][:, :k])


def _settle(queries: Floats, targets: Rows, k: int) -> tuple[Ids, Floats]:
    """Search by brute force in float64."""
    best = torch.full((len(queries), k), torch.iinfo(torch.int64).min)
    for start, block in _blocks(targets, TARGETS):
        wide, ids = block.astype(np.float64).T, np.arange(start, start + len(block))
        for first in range(0, len(queries), TILE):
            rows = slice(first, first + TILE)
            scores = (queries[rows].astype(np.float64) @ wide).astype(np.float32)
            found = torch.cat([best[rows], torch.from_numpy(_encode(scores, ids))], dim=1)
            best[rows] = found.topk(k, dim=1).values
    return _decode(best.numpy())


def _encode(scores: Floats, ids: Ids) -> Ids:
    """Encode scores and their ids (below 2^32) as integers that are larger for better scores, then for lower ids."""
    bits = (scores + 0.0).view(np.int32)  # turns -0.0 into 0.0, which would sort differently
    return (bits ^ (bits >> 31 & HIGHEST)).astype(np.int64) << 32 | 0xFFFFFFFF - ids


def _decode(keys: Ids) -> tuple[Ids, Floats]:
    bits = (keys >> 32).astype(np.int32)
    return 0xFFFFFFFF - (keys & 0xFFFFFFFF), (bits ^ (bits >> 31 & HIGHEST)).view(np.float32)


def _blocks(rows: Rows, size: int) -> Iterator[tuple[int, Floats]]:
    """Read an array block by block into memory: (first row, float32 rows)."""
    for start in range(0, len(rows), size):
        block = np.array(rows[start : start + size], np.float32)
        if not np.isfinite(block).all():
            row = start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise VectorError(f"row {row} of {len(rows)} is not finite: encode it again")
        yield start, block


FINDERS: dict[Method, Finder] = {"faiss": _by_faiss, "int8": _by_int8}
