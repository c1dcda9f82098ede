"""Binding: train the projector of one space into the anchor space (OmniBind, section 3.3, eq. 1)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from blake3 import blake3
from numpy.typing import NDArray
from pydantic import BaseModel, Field
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.binding.projector import Projector
from omnisearch.errors import UsageError
from omnisearch.types import Modality
from omnisearch_training.stages.loop import Report, batch_of, draw, fit
from omnisearch_training.stages.nearest import Rows
from omnisearch_training.stages.objective import Objective, ObjectiveConfig, learner
from omnisearch_training.stages.pseudo_pairs import Pairs

# The letters of a head's name: the modality that its pairs start from.
LETTERS = {"T": Modality.TEXT, "V": Modality.IMAGE, "A": Modality.AUDIO, "P": Modality.POINT_CLOUD}

Embeddings = Mapping[tuple[str, Modality], Rows]
# Per modality (n,): items with equal numbers show the same thing.
Groups = Mapping[Modality, NDArray[np.int64]]


class BindConfig(ObjectiveConfig):
    """Training of projectors; the heads and their width are those of the released code.

    A head's name is `mix` or letters of T, V, A and P: the starts of its pairs. `noise` is the length of a
    random vector that is added to a space's unit embeddings. `k` is the number of neighbours to draw from.
    """

    heads: tuple[Annotated[str, Field(pattern=r"^(mix|[TVAP]+)$")], ...] = ("mix", "A", "T", "V", "AT", "AV", "TV")
    hidden: int = Field(2048, ge=1)
    noise: float = Field(0.0, ge=0)
    k: int = Field(1, ge=1)
    rate: float = Field(1e-3, gt=0)
    batch: int = Field(4096, ge=2)
    epochs: int = Field(5, ge=1)


class Anchor:
    """The space that others are bound to: normalise(sum of weight * projected space), frozen.

    A space without a projector is used unchanged. A modality that only some of the spaces read is the sum of those.
    """

    def __init__(
        self, weights: Mapping[str, float], embeddings: Embeddings, projectors: Mapping[str, nn.Module] | None = None
    ) -> None:
        self.weights, self._embeddings = dict(weights), embeddings
        self._projectors = {name: p.eval() for name, p in (projectors or {}).items() if name in weights}
        self.modalities = tuple(m for m in Modality if any((space, m) in embeddings for space in weights))
        if not self.modalities or not all(weight > 0 for weight in weights.values()):
            raise UsageError(f"the anchor {self.weights} needs spaces with embeddings, and weights above 0")

    @property
    def dim(self) -> int:
        """Width of the shared space."""
        return self.rows(self.modalities[0], np.zeros(1, np.int64)).shape[1]

    @torch.no_grad()
    def rows(self, modality: Modality, ids: NDArray[Any]) -> Tensor:
        """Return the anchor embeddings of items, (n, dim), unit rows."""
        parts = []
        for space, weight in self.weights.items():
            if (space, modality) in self._embeddings:
                rows = take(self._embeddings[space, modality], ids)
                projector = self._projectors.get(space)
                parts.append(weight * (rows if projector is None else projector(rows)))
        return functional.normalize(torch.stack(parts).sum(dim=0), dim=-1)


def train_projectors(
    space: str,
    embeddings: Embeddings,
    anchor: Anchor,
    pairs: Pairs,
    config: BindConfig,
    seed: int,
    groups: Groups | None = None,
    folder: Path | None = None,
    report: Report | None = None,
) -> Projector:
    """Train the heads of one space, each on its subset of the pairs, and stack them.

    The loss of a head is the sum of the objective over all (modality of the space, modality of the anchor). Items of
    one group are not negatives of each other. Checkpoints are written to `folder`.

    Raises:
        UsageError: the space or a head has no pairs.
        CheckpointError: a checkpoint in `folder` belongs to another recipe or other data.
    """
    sources = tuple(m for m in pairs.modalities if (space, m) in embeddings)
    targets = tuple(m for m in pairs.modalities if m in anchor.modalities)
    if not sources or not targets:
        raise UsageError(f"space {space} or the anchor does not read any of the paired modalities {pairs.modalities}")
    digest = identity(config, pairs, groups, space, anchor.weights, seed)
    trained = []
    for number, head in enumerate(config.heads):
        rows = subset(pairs, head)
        if len(rows) < 2:
            raise UsageError(f"head {head} of space {space} has {len(rows)} pairs, which are too few: remove the head")
        place = draw(seed, number).integers(2**31)
        torch.manual_seed(int(place))
        projector = Projector(embeddings[space, sources[0]].shape[1], config.hidden, anchor.dim, heads=1).train()
        objective = Objective(config, anchor.dim)

        def loss(
            step: int,
            projector: Projector = projector,
            objective: Objective = objective,
            rows: NDArray[np.int64] = rows,
            place: int = int(place),
        ) -> Tensor:
            chosen = rows[batch_of(len(rows), config.batch, step, place)]
            random = draw(place, 1, step)
            ids = pairs.tuples(chosen, random.integers(config.k, size=len(chosen))).ids
            inputs = [take(embeddings[space, m], ids[m]) for m in sources]
            return binding_loss(
                projector,
                [disturb(rows, config.noise, random) for rows in inputs],
                [anchor.rows(m, ids[m]) for m in targets],
                [shown(ids[m], m, groups) for m in sources],
                [shown(ids[m], m, groups) for m in targets],
                objective,
                int(draw(place, 2, step).integers(2**62)),
            )

        steps = config.epochs * (len(rows) // min(config.batch, len(rows)))
        checkpoint = None if folder is None else folder / f"{space}-{head}.safetensors"
        fit(learner(projector, objective), loss, steps, config.rate, f"{digest} {head}", checkpoint, report)
        trained.append(projector.eval())
    return Projector.stack(trained)


def binding_loss(
    projector: nn.Module,
    sources: list[Tensor],
    targets: list[Tensor],
    source_groups: list[Tensor],
    target_groups: list[Tensor],
    objective: Objective,
    seed: int = 0,
) -> Tensor:
    """Return the sum of the objective over all pairs of a source (n, dim) and a target (n, dim of the anchor).

    All sources pass the projector in one batch, so that its batch norms are trained on the mixture of modalities that
    their running statistics describe.
    """
    projected = projector(torch.cat(sources)).chunk(len(sources))
    terms = [
        objective(source, target, torch.stack([names, target_names], dim=1), seed)
        for source, names in zip(projected, source_groups, strict=True)
        for target, target_names in zip(targets, target_groups, strict=True)
    ]
    return torch.stack(terms).sum()


def subset(pairs: Pairs, head: str) -> NDArray[np.int64]:
    """Return the rows of a head's pairs: all for `mix`, else those that start from its letters."""
    starts = pairs.modalities if head == "mix" else tuple(LETTERS[letter] for letter in head)
    return pairs.started(*starts)


def take(rows: Rows, ids: NDArray[Any]) -> Tensor:
    """Read rows of an array or memory map as a float32 tensor."""
    return torch.from_numpy(np.array(rows[ids], np.float32))


def shown(ids: NDArray[Any], modality: Modality, groups: Groups | None) -> Tensor:
    """Return the groups of items, or their own ids without groups."""
    names = ids if groups is None or modality not in groups else groups[modality][ids]
    return torch.from_numpy(np.array(names, np.int64))


def disturb(rows: Tensor, noise: float, random: np.random.Generator) -> Tensor:
    """Add a random vector of about length `noise` to unit rows and normalise them."""
    if not noise:
        return rows
    step = random.standard_normal(rows.shape, np.float32) * (noise / rows.shape[1] ** 0.5)
    return functional.normalize(rows + torch.from_numpy(step), dim=-1)


def identity(config: BaseModel, pairs: Pairs, groups: Groups | None, *others: object) -> str:
    """Return a hash of the settings and data of a training."""
    digest = blake3(f"{config.model_dump_json()} {others}".encode())
    for rows in (pairs.start, *pairs.ids.values(), *(groups or {}).values()):
        digest.update(np.ascontiguousarray(rows).tobytes())
    return digest.hexdigest()
