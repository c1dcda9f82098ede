"""Train the shape network on names, and on the embeddings of a teacher that sees views of the objects."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from blake3 import blake3
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from omnisearch.spaces.families.points import GREY, POINTS
from omnisearch.spaces.nn.point_network import ShapeNet
from omnisearch.types import Floats
from omnisearch_training.stages.caption_choice import Captions
from omnisearch_training.stages.loop import Report, batch_of, draw, fit
from omnisearch_training.stages.losses import info_nce


class ShapeConfig(BaseModel):
    """Training of the shape network.

    `names` and `teacher` are the weights of the two losses. `detail` is the share of richer captions instead of the
    plain name. Objects are augmented: rotated about the vertical, stretched by up to `stretch` along each axis, points
    moved by `jitter` (in radii), up to a share of `missing` of the points left out, and a share of `bare` of the
    objects without colours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["shape"] = "shape"
    points: int = Field(384, ge=64, le=POINTS)
    channels: tuple[int, ...] = Field((48, 96, 192), min_length=1, max_length=3)
    dropout: float = Field(0.3, ge=0, lt=1)
    names: float = Field(1.0, ge=0)
    teacher: float = Field(1.0, ge=0)
    detail: float = Field(0.5, ge=0, le=1)
    stretch: float = Field(0.2, ge=0, lt=1)
    jitter: float = Field(0.01, ge=0)
    missing: float = Field(0.5, ge=0, lt=1)
    bare: float = Field(0.3, ge=0, le=1)
    temperature: float = Field(0.05, gt=0)
    rate: float = Field(2e-3, gt=0)
    batch: int = Field(128, ge=2)
    steps: int = Field(800, ge=1)


def train_shape(
    points: Floats,
    captions: Sequence[Floats],
    teacher: Floats | None,
    groups: Sequence[str],
    config: ShapeConfig,
    seed: int,
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> ShapeNet:
    """Train a network on rows of the points tower (n, width).

    Item i has the caption embeddings captions[i] (k_i, dim), plain first, and the teacher's embedding teacher[i]
    (dim,). The loss is symmetric InfoNCE against each of the two; items of one group are not negatives.

    Raises:
        CheckpointError: the checkpoint is damaged or belongs to another recipe, seed or data.
    """
    spoken = Captions(captions)
    ids = torch.from_numpy(np.unique(np.asarray(groups), return_inverse=True)[1])
    torch.manual_seed(seed)
    network = ShapeNet(spoken.rows.shape[1], config.points, config.channels, config.dropout)

    def loss(step: int) -> Tensor:
        items = batch_of(len(points), config.batch, step, seed)
        random = draw(seed, 1, step)
        torch.manual_seed(int(random.integers(1 << 62)))  # dropout
        said = network(torch.from_numpy(augment(points[items], config, random)))
        wanted = [(config.names, spoken.pick(items, config.detail, random))]
        if teacher is not None:
            wanted.append((config.teacher, teacher[items]))
        losses = [w * info_nce(said, torch.from_numpy(t), config.temperature, ids[items]) for w, t in wanted]
        return torch.stack(losses).sum()

    identity = _identity(points, spoken.rows, teacher, groups, config, seed)
    fit(network.train(), loss, config.steps, config.rate, identity, checkpoint, report)
    return network.eval()


def augment(rows: Floats, config: ShapeConfig, random: np.random.Generator) -> Floats:
    """Augment objects (n, POINTS * 6): float32 of the same shape.

    Points that are left out are moved to the end of the row, beyond those that are read.
    """
    clouds = rows.reshape(len(rows), POINTS, 6)
    gone = random.random(clouds.shape[:2]) < config.missing * random.random((len(clouds), 1))
    order = gone.argsort(axis=1, kind="stable")[:, : config.points]
    clouds = np.take_along_axis(clouds, order[..., None], axis=1)
    angle = random.uniform(0, 2 * np.pi, len(clouds))
    turn = np.zeros((len(clouds), 3, 3))
    turn[:, 0, 0] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 0, 2], turn[:, 2, 0] = np.sin(angle), -np.sin(angle)
    turn[:, 1, 1] = 1
    turn *= random.uniform(1 - config.stretch, 1 + config.stretch, (len(clouds), 1, 3))
    places = clouds[..., :3] @ turn.astype(np.float32)
    places += config.jitter * random.standard_normal(places.shape, np.float32)
    bare = random.random((len(clouds), 1, 1)) < config.bare
    result = np.zeros((len(rows), POINTS, 6), np.float32)
    result[:, : config.points] = np.concatenate([places, np.where(bare, GREY, clouds[..., 3:])], axis=2)
    return result.reshape(rows.shape)


def _identity(
    points: Floats,
    captions: Floats,
    teacher: Floats | None,
    groups: Sequence[str],
    config: ShapeConfig,
    seed: int,
) -> str:
    digest = blake3(f"{config.model_dump_json()} {seed} {list(groups)}".encode())
    for table in (points, captions) if teacher is None else (points, captions, teacher):
        digest.update(np.ascontiguousarray(table).tobytes())
    return digest.hexdigest()
