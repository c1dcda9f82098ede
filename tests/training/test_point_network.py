"""The shape network learns shapes that it can be shown in a second, whatever way they are turned."""

from pathlib import Path

import numpy as np
import pytest
import torch

from omnisearch.errors import CheckpointError
from omnisearch.spaces.families.points import GREY, POINTS, spread
from omnisearch.types import Floats, PointCloud
from omnisearch_training.stages import loop
from omnisearch_training.stages.caption_choice import Captions
from omnisearch_training.stages.point_network import ShapeConfig, augment, train_shape

KINDS = ("ball", "bar", "plate")
QUICK = ShapeConfig(points=64, channels=(16, 32), dropout=0.1, batch=24, steps=40, rate=5e-3)


def solid(kind: str, random: np.random.Generator) -> Floats:
    """A row of the points tower: 200 points of a ball, an upright bar or a lying plate of random size."""
    directions = random.standard_normal((200, 3))
    if kind == "ball":
        points = directions / np.linalg.norm(directions, axis=1, keepdims=True) * random.uniform(0.5, 0.9)
    else:
        size = random.uniform(0.1, 0.3), random.uniform(0.7, 0.9)
        extent = (size[0], size[1], size[0]) if kind == "bar" else (size[1], size[0], size[1])
        points = random.uniform(-1, 1, (200, 3)) * extent
    return spread(PointCloud(points.astype(np.float32), None, np.zeros((0, 1, 1, 3), np.uint8))).ravel()


@pytest.fixture(scope="module")
def toys() -> tuple[Floats, list[Floats], list[str]]:
    """20 solids of each kind with the kind's unit caption."""
    random = np.random.default_rng(0)
    words = np.eye(8, dtype=np.float32)
    rows = np.stack([solid(kind, random) for kind in KINDS * 20])
    return rows, [words[i % 3][None] for i in range(60)], [KINDS[i % 3] for i in range(60)]


@pytest.mark.parametrize("lesson", ["names", pytest.param("teacher", marks=pytest.mark.slow)])
def test_unseen_solids_are_told_apart(toys: tuple[Floats, list[Floats], list[str]], lesson: str) -> None:
    rows, captions, groups = toys
    # Each lesson has to do alone: items of one kind are no negatives of each other.
    config = QUICK.model_copy(update={"names": 0.0, "teacher": 0.0, lesson: 1.0})
    words = np.concatenate(captions)
    net = train_shape(rows[:36], captions[:36], words[:36], groups[:36], config, seed=0)
    assert not net.training
    with torch.inference_mode():
        said = net(torch.from_numpy(rows[36:])).numpy() @ np.eye(8, dtype=np.float32)[:3].T
    right = said.argmax(1) == np.arange(36, 60) % 3
    assert right.mean() > 0.8, "chance is a third"


def test_a_seed_is_a_result(toys: tuple[Floats, list[Floats], list[str]]) -> None:
    rows, captions, groups = toys
    short = QUICK.model_copy(update={"steps": 2})
    nets = [train_shape(rows, captions, None, groups, short, seed) for seed in (1, 1, 2)]
    x = torch.from_numpy(rows[:5])
    with torch.inference_mode():
        torch.testing.assert_close(nets[0](x), nets[1](x), rtol=0, atol=0)
        assert not torch.equal(nets[0](x), nets[2](x))


class KilledError(Exception):
    """The run ends here."""


def test_a_killed_run_ends_as_if_it_had_never_stopped(
    toys: tuple[Floats, list[Floats], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, captions, groups = toys
    monkeypatch.setattr(loop, "EVERY", 2)
    short = QUICK.model_copy(update={"steps": 5})

    def kill(step: int, steps: int, loss: float) -> None:
        if step == 3:
            raise KilledError

    place = tmp_path / "shape.safetensors"
    with pytest.raises(KilledError):
        train_shape(rows, captions, None, groups, short, 0, place, kill)
    resumed = train_shape(rows, captions, None, groups, short, 0, place)
    plain = train_shape(rows, captions, None, groups, short, 0)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, rtol=0, atol=0, msg=name)
    with pytest.raises(CheckpointError, match="to another recipe, seed or data"):
        train_shape(rows[::-1].copy(), captions, None, groups, short, 0, place)


def test_augmented_objects_keep_their_height_and_their_points() -> None:
    random = np.random.default_rng(0)
    rows = random.random((50, POINTS * 6), np.float32)
    config = ShapeConfig(points=256, stretch=0, jitter=0, missing=0, bare=0)
    before, after = (x.reshape(50, POINTS, 6)[:, :256] for x in (rows, augment(rows, config, random)))
    np.testing.assert_allclose(after[..., [1, 3, 4, 5]], before[..., [1, 3, 4, 5]], atol=1e-6)
    np.testing.assert_allclose(
        np.linalg.norm(after[..., :3], axis=2), np.linalg.norm(before[..., :3], axis=2), rtol=1e-5
    )
    angles = np.arctan2(after[..., 0], after[..., 2]) - np.arctan2(before[..., 0], before[..., 2])
    turns = np.exp(1j * angles)
    np.testing.assert_allclose(turns, turns[:, :1].repeat(256, 1), atol=1e-3, err_msg="one turn per object")
    assert abs(turns.mean()) < 0.5, "objects are turned all ways"


def test_colors_and_points_are_left_out_at_their_rates() -> None:
    random = np.random.default_rng(0)
    rows = random.random((400, POINTS * 6), np.float32)
    config = ShapeConfig(points=256, stretch=0, jitter=0, missing=0.5, bare=0.3)
    before = rows.reshape(400, POINTS, 6)
    after = augment(rows, config, random).reshape(400, POINTS, 6)[:, :256]
    bare = (after[..., 3:] == np.float32(GREY)).all(axis=(1, 2))
    assert 0.2 < bare.mean() < 0.4
    # Heights are not touched and tell which points were kept: in their order, from ever farther in the row.
    last = [int(np.flatnonzero(b[:, 1] == a[-1, 1])[0]) for a, b in zip(after, before, strict=True)]
    assert min(last) >= 255
    # Dropping a share s leaves the 256th kept point at 256 / (1 - s): s uniform to a half gives 355 on average.
    assert np.mean(last) == pytest.approx(256 * 2 * np.log(2), rel=0.05)


def test_captions_are_mostly_plain() -> None:
    captions = Captions([np.full((k, 2), 10 * i, np.float32) + np.arange(k)[:, None] for i, k in enumerate((1, 3))])
    items = np.array([0, 1] * 3000)
    found = captions.pick(items, 0.4, np.random.default_rng(0))[:, 0]
    assert set(found[::2]) == {0.0}
    counts = [float(np.mean(found[1::2] == value)) for value in (10, 11, 12)]
    assert counts == pytest.approx([0.6, 0.2, 0.2], abs=0.03)
