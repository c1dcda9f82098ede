"""Binding by texts: bind a space to another that also reads texts, by sentences that both have read.

No pairs are mined: the same sentence, or a translation of it, is embedded on both sides. The mean of a modality in the
space is subtracted before the projector (the modality gap), so that a map learned from texts also serves the space's
other modalities (TextME, arXiv 2602.03098; C-MCR, arXiv 2305.14381).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from omnisearch.binding.config import IdentityConfig
from omnisearch.binding.fusion import Fusion, origin
from omnisearch.binding.linear_projector import LinearProjector
from omnisearch.binding.router import Router
from omnisearch.errors import UsageError
from omnisearch.types import Floats, Modality
from omnisearch_training.datasets import Record, Split
from omnisearch_training.stages.loop import Report, batch_of, fit
from omnisearch_training.stages.losses import decoupling, info_nce
from omnisearch_training.stages.projectors import Anchor, BindConfig, take, train_projectors
from omnisearch_training.stages.pseudo_pairs import Pairs

TEXT = Modality.TEXT


class TextRouteConfig(BaseModel):
    """Training of a text router by sentences: the settings of other routers (`RouteConfig`).

    `decoupling` is the weight of L_dec (OmniBind, eq. 6), whose label of a text is the anchor's branch if the anchor
    can read the text itself, and the other branches if it needs a translation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    temperature: float = Field(0.03, gt=0)
    decoupling: float = Field(3.0, ge=0)
    rate: float = Field(1e-3, gt=0)
    batch: int = Field(1024, ge=2)
    epochs: int = Field(5, ge=1)


class TextsConfig(BaseModel):
    """Binding by texts: the text sides of `spaces` are bound to that of `anchor`.

    `sentences` are datasets whose captions both sides read, all names and `most` drawn ones; `translations` those whose
    captions say in another language what the first caption says, which the anchor reads in their place. A linear
    projector is fitted by ridge regression, in closed form with the weight `ridge`; others are trained by `training`.
    With `router` the text router is trained too.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    anchor: str
    spaces: tuple[str, ...] = Field(min_length=1)
    sentences: tuple[str, ...] = ()
    translations: tuple[str, ...] = ()
    most: int = Field(16000, ge=2)
    ridge: float = Field(1.0, gt=0)
    training: BindConfig = BindConfig(heads=("mix",))
    router: TextRouteConfig | None = None

    @property
    def datasets(self) -> tuple[str, ...]:
        """Every dataset, once."""
        return tuple(dict.fromkeys((*self.sentences, *self.translations)))


@dataclass(frozen=True)
class Sentences:
    """n texts, the texts that the anchor reads in their place, and their concepts."""

    texts: tuple[str, ...]
    meanings: tuple[str, ...]
    concepts: tuple[str, ...]

    @property
    def untranslated(self) -> NDArray[np.bool_]:
        """Whether the anchor reads the text itself: (n,)."""
        return np.array([text == meaning for text, meaning in zip(self.texts, self.meanings, strict=True)])

    @property
    def groups(self) -> NDArray[np.int64]:
        """The concepts, numbered: (n,)."""
        numbers: NDArray[np.int64] = np.unique(np.array(self.concepts, dtype=object), return_inverse=True)[1]
        return numbers


def read_sentences(
    config: TextsConfig, records: Mapping[str, Sequence[Record]], seed: int, split: Split = Split.TRAIN
) -> Sentences:
    """Return the sentences of a split: names and drawn captions of `sentences`, then all `translations`.

    Raises:
        UsageError: there are fewer than two.
    """
    plain = [each for name in config.sentences for each in records[name] if each.split is split]
    every = sorted({(caption, caption, each.source_id) for each in plain for caption in each.captions})
    drawn = {every[i] for i in np.random.default_rng(seed).permutation(len(every))[: config.most]}
    names = {(each.captions[0], each.captions[0], each.source_id) for each in plain}
    foreign = [each for name in config.translations for each in records[name] if each.split is split]
    translated = {(caption, each.captions[0], each.source_id) for each in foreign for caption in each.captions}
    found = [*sorted(names | drawn), *sorted(translated)]
    if len(found) < 2:
        raise UsageError(f"{', '.join(config.datasets)} have {len(found)} sentences to bind by")
    texts, meanings, concepts = zip(*found, strict=True)
    return Sentences(texts, meanings, concepts)


def bind_space(
    fusion: Fusion,
    space: str,
    rows: Floats,
    wanted: Floats,
    groups: NDArray[np.int64],
    config: TextsConfig,
    seed: int,
    checkpoints: Path | None = None,
    report: Report | None = None,
) -> None:
    """Bind a space in place: `rows` (n, dim of space) are its embeddings of sentences, `wanted` (n, dim) the anchor's.

    Raises:
        UsageError: the space has no projector.
    """
    if TEXT in _centred(fusion, space):
        centre_space(fusion, space, TEXT, rows)
        rows = rows - rows.mean(axis=0)
    projector = fusion.projectors[space]
    if isinstance(projector, LinearProjector):
        fit_ridge(projector, rows, wanted, config.ridge)
        return
    if isinstance(projector, nn.Identity):
        raise UsageError(f"space {space} is to be bound by texts, but has no projector")
    embeddings = {(space, TEXT): rows, (config.anchor, TEXT): wanted}
    ids = np.arange(len(rows), dtype=np.int32)[:, None]
    pairs = Pairs(
        (TEXT,), np.zeros(len(rows), np.int32), {TEXT: ids}, {TEXT: np.ones(ids.shape, np.float32)}, None, (), {}
    )
    anchor = Anchor({config.anchor: 1.0}, {(config.anchor, TEXT): wanted})
    trained = train_projectors(
        space, embeddings, anchor, pairs, config.training, seed, {TEXT: groups}, checkpoints, report
    )
    projector.load_state_dict(trained.state_dict())


def centre_space(fusion: Fusion, space: str, part: Modality, rows: Floats) -> None:
    """Set the mean of a modality in a space to that of these embeddings (n, dim of space), if its projector uses it."""
    if part in _centred(fusion, space):
        fusion.origins[origin(space, part)].data.copy_(torch.from_numpy(rows.mean(axis=0)))


def fit_ridge(projector: LinearProjector, rows: Floats, wanted: Floats, ridge: float) -> None:
    """Fit an affine map from rows (n, d) to `wanted` (n, dim), in place.

    With both sides centred, W = (X'X + ridge I)^-1 X'Y; the intercept is what the means leave. Computed in float64.
    """
    x, y = rows.astype(np.float64), wanted.astype(np.float64)
    middle, aim = x.mean(axis=0), y.mean(axis=0)
    x, y = x - middle, y - aim
    weight = np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y)
    projector.weight.data.copy_(torch.from_numpy(weight.T))
    projector.bias.data.copy_(torch.from_numpy(aim - middle @ weight))


def train_text_router(
    fusion: Fusion,
    embeddings: Mapping[str, Floats],
    wanted: Floats,
    groups: NDArray[np.int64],
    labels: Floats,
    config: TextRouteConfig,
    seed: int,
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> None:
    """Train the text router in place: its mixture of branches should match the anchor's embedding of the meaning.

    `embeddings` are those of each text space, (n, dim of space); `labels` (n, branches) those of L_dec. The loss is
    that of other routers, L_align + decoupling L_dec; texts of one concept are not negatives of each other.

    Raises:
        UsageError: the text router is not a learned one.
        CheckpointError: the checkpoint belongs to another recipe or other data.
    """
    known = fusion.routers[TEXT]
    if not isinstance(known, Router):
        raise UsageError(f"model {fusion.config.name} has no learned text router to train by texts")
    torch.manual_seed(seed)
    layers = [layer for layer in known.layers if isinstance(layer, nn.Linear)]
    router = Router(
        layers[0].in_features, (layers[0].out_features, layers[1].out_features), layers[2].out_features, known.scale
    )
    with torch.no_grad():
        spaces = {name: torch.from_numpy(rows) for name, rows in embeddings.items()}
        branches = fusion.eval().branches(TEXT, spaces)  # (n, branches, dim)
        reads = torch.cat([spaces[name] for name in fusion.config.reads(TEXT)], dim=-1)

    def loss(step: int) -> Tensor:
        rows = batch_of(len(wanted), config.batch, step, seed)
        scores = router.scores(reads[rows])
        factors = (router.scale * scores).softmax(dim=-1)
        mixed = (factors[..., None] * branches[rows]).sum(dim=1)
        aligned = info_nce(mixed, take(wanted, rows), config.temperature, torch.from_numpy(groups[rows]))
        return aligned + config.decoupling * decoupling(scores, take(labels, rows))

    steps = config.epochs * max(1, len(wanted) // config.batch)
    fit(router.train(), loss, steps, config.rate, f"{config.model_dump_json()} {seed}", checkpoint, report)
    fusion.routers[TEXT] = router.eval()


def text_labels(fusion: Fusion, anchor: str, untranslated: NDArray[np.bool_]) -> Floats:
    """Return the labels of L_dec (n, branches).

    They are 1 for the anchor's branch if the anchor reads the text itself (`untranslated`, (n,)), else for the others.
    """
    branches = fusion.config.branches[TEXT]
    anchored = np.array([tuple(branch.parts) == (anchor,) for branch in branches])
    labels: Floats = (untranslated[:, None] == anchored[None]).astype(np.float32)
    return labels


def _centred(fusion: Fusion, space: str) -> tuple[Modality, ...]:
    config = fusion.config.projectors[space]
    return () if isinstance(config, IdentityConfig) else config.centred
