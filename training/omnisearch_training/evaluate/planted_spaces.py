"""Planted spaces: synthetic specialists of known skill, to measure what routing is worth as spaces are added.

OmniBind claims that more spaces give a better bound space if a router weighs them per input (section 4.4). Public
spaces differ in too many ways to test that claim, so this module plants it. A concept is of one of KINDS kinds, and has
details. The first space is a generalist that sees the details of all concepts dimly. Every other space is a specialist:
it sees one kind clearly and is almost blind to the others. Every space has a text side and an image side, each with
noise of its own, and a basis of its own. The spaces are bound and routed by the stages of a training run, from known
pairs: what the retrieval of pairs costs is not part of this measure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from omnisearch.binding.config import FixedConfig, ModelConfig
from omnisearch.binding.fusion import Fusion
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality, SpaceEmbeddings
from omnisearch_training.evaluate.centroid_router import CentroidRouter
from omnisearch_training.evaluate.metrics import Ranking, best_of, rank
from omnisearch_training.stages.projectors import Anchor, BindConfig, train_projectors
from omnisearch_training.stages.pseudo_pairs import Pairs
from omnisearch_training.stages.routers import RouteConfig, train_routers

TEXT, IMAGE = Modality.TEXT, Modality.IMAGE
SIDES = (TEXT, IMAGE)
GENERALIST = "generalist"
KINDS = 13
DIM = 32
# Lengths of the vectors that add up to an embedding. The details of a concept have length 1.
COMMON = 1.2  # what all concepts of a kind share
DIM_NOISE = 1.1  # the noise of the generalist
CLEAR_NOISE, BLIND_NOISE = 0.3, 3.0  # the noise of a specialist, on its own kind and on others
TRAIN, TEST = 80, 40  # concepts of each kind
BIND = BindConfig(heads=("mix",), hidden=64, batch=520, epochs=20)
ROUTE = RouteConfig(batch=520, epochs=100, rate=5e-3)


@dataclass(frozen=True, eq=False)
class PlantedItems:
    """A text and an image of each of n concepts in all spaces, and the concepts' kinds (n,)."""

    embeddings: SpaceEmbeddings
    kinds: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PlantedResult:
    """Text to image rankings of held-out concepts with the first `spaces` spaces.

    `mean` weighs the spaces alike, `centroids` by the kinds that they see clearly, without training, and `routed` as
    the trained routers do. `oracle` takes for each query the space that ranks its image best: the ceiling for routers
    that choose one space.
    """

    spaces: int
    mean: Ranking
    centroids: Ranking
    routed: Ranking
    oracle: Ranking


def space_names(count: int = KINDS + 1) -> tuple[str, ...]:
    """Return the names of the first `count` spaces: the generalist, then a specialist for each kind."""
    return (GENERALIST, *(f"specialist_{kind + 1}" for kind in range(count - 1)))


def plant(per_kind: int, seed: int, sample: int) -> PlantedItems:
    """Make `per_kind` concepts of every kind.

    The spaces depend on `seed` alone; concepts and noise depend on `sample` too, so that two samples share no concept.
    """
    world, draw = np.random.default_rng([seed, 0]), np.random.default_rng([seed, 1, sample])
    common = COMMON * _directions(world, KINDS)
    kinds = np.repeat(np.arange(KINDS), per_kind)
    details = _directions(draw, len(kinds))
    embeddings = {}
    for number, name in enumerate(space_names()):
        basis = np.linalg.qr(world.standard_normal((DIM, DIM)))[0]
        noise = np.where(kinds == number - 1, CLEAR_NOISE, BLIND_NOISE if number else DIM_NOISE)[:, None]
        for side in SIDES:
            seen = common[kinds] + details + noise * _directions(draw, len(kinds))
            embeddings[name, side] = unit(seen @ basis)
    return PlantedItems(embeddings, kinds)


def compare_planted(
    counts: Sequence[int], seed: int, per_kind: int = TRAIN, bind: BindConfig = BIND, route: RouteConfig = ROUTE
) -> Iterator[PlantedResult]:
    """Bind all spaces to the generalist; for each count, route that many and rank the held-out concepts."""
    train, test = plant(per_kind, seed, 0), plant(TEST, seed, 1)
    pairs = _known_pairs(train.kinds)
    anchor = Anchor({GENERALIST: 1.0}, train.embeddings)
    bound = {name: train_projectors(name, train.embeddings, anchor, pairs, bind, seed) for name in space_names()[1:]}
    for count in counts:
        names = space_names(count)
        fusion = Fusion(_config(names, bind), dict.fromkeys(names, DIM)).eval()
        for name in names[1:]:
            fusion.projectors[name].load_state_dict(bound[name].state_dict())
        alone = [_ranked(_weighing(fusion, factors), test) for factors in np.eye(count).tolist()]
        yield PlantedResult(
            count,
            mean=_ranked(_weighing(fusion, [1.0] * count), test),
            centroids=_ranked(_by_centroids(fusion, train), test),
            routed=_ranked(train_routers(fusion, train.embeddings, pairs, route, seed), test),
            oracle=best_of(alone),
        )


def _directions(draw: np.random.Generator, count: int) -> Floats:
    return unit(draw.standard_normal((count, DIM), np.float32))


def _known_pairs(kinds: NDArray[np.int64]) -> Pairs:
    """Return the pairs of text i and image i; the source of a text is its kind."""
    ids = np.arange(len(kinds), dtype=np.int32)[:, None]
    scores, start = np.ones(ids.shape, np.float32), np.zeros(len(kinds), np.int32)
    sources = kinds.astype(np.int32)[:, None], tuple(_kind_name(kind) for kind in range(KINDS))
    return Pairs(SIDES, start, dict.fromkeys(SIDES, ids), dict.fromkeys(SIDES, scores), *sources, {})


def _kind_name(kind: int) -> str:
    return f"kind_{kind + 1}"


def _reader(kind: int, count: int) -> int:
    """Return which of the first `count` spaces sees a kind best: its specialist, or the generalist if it has none."""
    return kind + 1 if kind + 1 < count else 0


def _config(names: Sequence[str], bind: BindConfig) -> ModelConfig:
    tags = [[_kind_name(kind) for kind in range(KINDS) if _reader(kind, len(names)) == i] for i in range(len(names))]
    branches = [{"parts": {name: 1}, "normalise": True, "tags": own} for name, own in zip(names, tags, strict=True)]
    router = {"kind": "learned", "inputs": names[:1], "hidden": [64, 32], "scale": 10}
    projectors = {name: {"kind": "mlp", "heads": 1, "hidden": bind.hidden} for name in names[1:]}
    document = {
        "name": "planted",
        "licence": "none",
        "dim": DIM,
        "projectors": {GENERALIST: {"kind": "identity"}, **projectors},
        "branches": dict.fromkeys(SIDES, branches),
        "routers": dict.fromkeys(SIDES, router),
    }
    return ModelConfig.model_validate(document)


def _weighing(fusion: Fusion, factors: Sequence[float]) -> Fusion:
    return fusion.varied(dict.fromkeys(SIDES, FixedConfig(factors=tuple(factors))), ())


def _by_centroids(fusion: Fusion, train: PlantedItems) -> Fusion:
    """Return a copy whose routers send every kind to the space that sees it best."""
    count = len(fusion.config.projectors)
    branch = [_reader(kind, count) for kind in range(KINDS)]
    rows = {side: train.embeddings[GENERALIST, side] for side in SIDES}
    return fusion.rerouted({side: CentroidRouter(rows[side], train.kinds, branch, count) for side in SIDES})


@torch.inference_mode()
def _ranked(fusion: Fusion, items: PlantedItems) -> Ranking:
    rows = {}
    for side in SIDES:
        spaces = {name: torch.from_numpy(items.embeddings[name, side]) for name in fusion.config.projectors}
        rows[side] = fusion(side, spaces).numpy()
    names = [str(i) for i in range(len(items.kinds))]
    return rank(rows[TEXT], rows[IMAGE], [[i] for i in range(len(names))], names)
