"""What a binding needs after its training: the mean of each modality, a background, and the scale of relevance."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from omnisearch.binding.config import RelevanceConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.search.calibration import Background
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality, SpaceEmbeddings

STEPS = 200
# One in a hundred: of a collection, few items are what somebody looks for.
PRIOR = 0.01


@dataclass(frozen=True, eq=False)
class Pairs:
    """Queries and the one item of another modality that each belongs to: (n, dim) and (n, dim), unit rows."""

    queries: Floats
    items: Floats


@torch.inference_mode()
def fuse(fusion: Fusion, part: Modality, embeddings: SpaceEmbeddings) -> Floats:
    """Apply a fusion to space embeddings of n items: float32 (n, dim), unit rows."""
    spaces = {name: torch.from_numpy(embeddings[name, part]) for name in fusion.config.spaces(part)}
    fused: Floats = fusion.eval()(part, spaces).numpy()
    return fused


def centre(fusion: Fusion, embeddings: SpaceEmbeddings) -> None:
    """Set the mean of each centred modality to that of its pool, in place."""
    for name, mean in fusion.means.items():
        mean.zero_()
        mean.copy_(torch.from_numpy(fuse(fusion, Modality(name), embeddings).mean(axis=0)))


def background(
    embedded: Mapping[Modality, Floats], video: Mapping[Modality, float], size: int, seed: int
) -> dict[Modality, Floats]:
    """Draw `size` items of each modality; unrelated pictures and sounds stand for videos, mixed as `video` says."""
    rng = np.random.default_rng(seed)
    drawn = {m: rows[np.sort(rng.permutation(len(rows))[:size])] for m, rows in embedded.items()}
    if video:
        count = min(len(drawn[m]) for m in video)
        mixed = sum(weight * rng.permutation(drawn[m])[:count] for m, weight in video.items())
        drawn[Modality.VIDEO] = unit(np.asarray(mixed))
    return drawn


def fit_relevance(chance: Background, target: Modality, pairs: Pairs, seed: int) -> RelevanceConfig:
    """Fit relevance = sigmoid(slope * (z - threshold)) to pairs that belong together against shuffled ones.

    Platt scaling with both kinds counted alike, then moved to PRIOR: relevance is the probability of a match where
    that share of what is searched matches. Newton's method; a weak ridge keeps the fit finite where pairs separate.
    """
    rng = np.random.default_rng(seed)
    wrong = pairs.items[rng.permutation(len(pairs.items))]
    z = np.concatenate([_surprise(chance, target, pairs.queries, items) for items in (pairs.items, wrong)])
    y = np.repeat([1.0, 0.0], len(pairs.items))
    x = np.stack([z, np.ones_like(z)], axis=1)
    weights = np.zeros(2)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-x @ weights))
        gradient = x.T @ (p - y) / len(y) + 1e-3 * weights
        curvature = (x * (p * (1 - p))[:, None]).T @ x / len(y) + 1e-3 * np.eye(2)
        weights -= np.linalg.solve(curvature, gradient)
    slope = max(float(weights[0]), 1e-3)
    threshold = (math.log((1 - PRIOR) / PRIOR) - float(weights[1])) / slope
    return RelevanceConfig(slope=round(slope, 4), threshold=round(threshold, 4))


def _surprise(chance: Background, target: Modality, queries: Floats, items: Floats) -> Floats:
    scores = (queries * items).sum(axis=1)
    rows = [chance.surprise(q, target, s[None])[0] for q, s in zip(queries, scores, strict=True)]
    return np.array(rows, np.float32)
