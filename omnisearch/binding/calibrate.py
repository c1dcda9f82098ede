"""Calibrate a model: compute the mean of each modality, draw a background, and fit relevance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from omnisearch.binding.background import Background
from omnisearch.binding.config import RelevanceConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality, SpaceEmbeddings

T = TypeVar("T")

STEPS = 200
RIDGE = 1e-5
# The prior of a match: one in a hundred, because few items of a collection match a query.
PRIOR = 0.01
# The least number of common concepts to fit a pair of modalities.
LEAST = 5


@dataclass(frozen=True, eq=False)
class Side:
    """Queries or items of one modality: unit `rows` (n, dim), the concepts they show and their ids, (n,) each."""

    rows: Floats
    groups: NDArray[np.int64]
    ids: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Evidence:
    """The z-scores of the right and the wrong items of queries, and the number of concepts with right items."""

    right: NDArray[np.float64]
    wrong: NDArray[np.float64]
    concepts: int

    def joined(self, other: "Evidence") -> "Evidence":
        """Join the evidence of other queries about other concepts."""
        right, wrong = (np.concatenate(pair) for pair in ((self.right, other.right), (self.wrong, other.wrong)))
        return Evidence(right, wrong, self.concepts + other.concepts)


@torch.inference_mode()
def fuse(fusion: Fusion, part: Modality, embeddings: SpaceEmbeddings) -> Floats:
    """Apply a fusion to space embeddings of n items: float32 (n, dim), unit rows."""
    spaces = {name: torch.from_numpy(embeddings[name, part]) for name in fusion.config.spaces(part)}
    fused: Floats = fusion.eval()(part, spaces).numpy()
    return fused


def centre(fusion: Fusion, embeddings: SpaceEmbeddings) -> None:
    """Set the mean of each centred modality that has embeddings to that of its pool, in place."""
    for part in {Modality(name) for name in fusion.means} & {part for _, part in embeddings}:
        mean = fusion.means[part].zero_()
        mean.copy_(torch.from_numpy(fuse(fusion, part, embeddings).mean(axis=0)))


def background(
    embedded: Mapping[Modality, Floats], video: Mapping[Modality, float], size: int, seed: int
) -> dict[Modality, Floats]:
    """Draw `size` items of each modality; videos are mixed from unrelated pictures and sounds by `video`."""
    rng = np.random.default_rng(seed)
    drawn = {m: rows[np.sort(rng.permutation(len(rows))[:size])] for m, rows in embedded.items()}
    if video:
        count = min(len(drawn[m]) for m in video)
        mixed = sum(weight * rng.permutation(drawn[m])[:count] for m, weight in video.items())
        drawn[Modality.VIDEO] = unit(np.asarray(mixed))
    return drawn


def weigh(
    chance: Background, asked: Mapping[Modality, Side], offered: Mapping[Modality, Side]
) -> dict[tuple[Modality, Modality], Evidence]:
    """Compute the z-scores of right and wrong items for all queries, by modality of query and items.

    Pairs of modalities that have no concept in common are left out.
    """
    found = {(q, t): _evidence(chance, t, asked[q], offered[t], q is t) for q in asked for t in offered}
    return {pair: each for pair, each in found.items() if each.concepts}


def by_target(found: Mapping[tuple[Modality, Modality], Evidence]) -> dict[Modality, RelevanceConfig]:
    """Fit one calibration per modality of items, from queries of all other modalities, or else of their own."""
    fitted = {}
    for target in dict.fromkeys(t for _, t in found):
        others = [each for (q, t), each in found.items() if t is target and q is not t] or [found[target, target]]
        fitted[target] = _fit(np.concatenate([e.right for e in others]), np.concatenate([e.wrong for e in others]))
    return _with_video(fitted)


def by_pair(
    found: Mapping[tuple[Modality, Modality], Evidence],
) -> dict[Modality, dict[Modality, RelevanceConfig]]:
    """Fit a calibration for each pair of query and item modalities with at least LEAST concepts in common."""
    fitted: dict[Modality, dict[Modality, RelevanceConfig]] = {}
    for (query, target), each in found.items():
        if each.concepts >= LEAST:
            fitted.setdefault(query, {})[target] = _fit(each.right, each.wrong)
    return _with_video({query: _with_video(lines) for query, lines in fitted.items()})


def _evidence(chance: Background, target: Modality, asked: Side, offered: Side, same: bool) -> Evidence:
    means, spreads = np.array([chance.chance(row, target) for row in asked.rows]).T
    z = (asked.rows @ offered.rows.T - means[:, None]) / spreads[:, None]
    right = asked.groups[:, None] == offered.groups[None]
    counted = asked.ids[:, None] != offered.ids[None] if same else np.ones_like(right)  # an item does not answer itself
    concepts = len(set(asked.groups[(right & counted).any(axis=1)].tolist()))
    return Evidence(z[right & counted], z[~right & counted], concepts)


def _fit(right: NDArray[np.float64], wrong: NDArray[np.float64]) -> RelevanceConfig:
    """Fit relevance = sigmoid(slope * (z - threshold)) by logistic regression (Platt, 1999); right pairs weigh PRIOR.

    All wrong pairs are used, because a search shows those with the highest z. Newton's method with steps of at most
    one; a weak ridge keeps the fit finite if right and wrong pairs are separable.
    """
    z = np.concatenate([right, wrong]).astype(np.float64)
    y = np.repeat([1.0, 0.0], [len(right), len(wrong)])
    weight = np.repeat([PRIOR / len(right), (1 - PRIOR) / len(wrong)], [len(right), len(wrong)])
    x = np.stack([z, np.ones_like(z)], axis=1)
    line = np.zeros(2)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ line, -60, 60)))
        gradient = x.T @ (weight * (p - y)) + RIDGE * line
        curvature = (x * (weight * p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        line -= step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    slope = max(float(line[0]), 1e-3)
    return RelevanceConfig(slope=round(slope, 4), threshold=round(-float(line[1]) / slope, 4))


def _with_video(fitted: dict[Modality, T]) -> dict[Modality, T]:
    """Add the calibration of images for videos, which have no ground truth and consist mostly of images."""
    return {**fitted, Modality.VIDEO: fitted[Modality.IMAGE]} if Modality.IMAGE in fitted else fitted
