"""The last stage: where the network is split, what training changes, and what it keeps."""

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.spaces.families import efficientnet
from omnisearch.spaces.head import Head
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats
from omnisearch_training.stages.heads import HeadConfig, train_head
from omnisearch_training.stages.last_stage import StageConfig, see, split, tune
from omnisearch_training.stages.losses import distillation

DIM, WIDTH, ITEMS = 8, 12, 64
TRAINING = HeadConfig(hidden=0, ensemble=1, dropout=0, noise=0, batch=32, steps=20)
CONFIG = StageConfig(steps=80, batch=32, rate=5e-2, keep=0)
RANDOM = np.random.default_rng(0)
MEANINGS = unit(RANDOM.normal(size=(ITEMS, DIM)).astype(np.float32))
NAMES = [str(number) for number in range(ITEMS)]


class Pool(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean((2, 3))


def planted() -> tuple[nn.Module, Floats]:
    """A stage that sees nothing of what pictures mean, and maps that hold it in channels that the stage leaves out."""
    torch.manual_seed(0)
    convolution = nn.Conv2d(2 * DIM, WIDTH, 1)
    with torch.no_grad():
        convolution.weight[:, :DIM] = 0
    values = np.concatenate([MEANINGS, RANDOM.normal(size=(ITEMS, DIM)).astype(np.float32)], axis=1)
    return nn.Sequential(convolution, Pool()), np.tile(values[:, :, None, None], (1, 1, 2, 2))


STAGE, MAPS = planted()
CLASSIFIER = (torch.from_numpy(RANDOM.normal(size=(20, WIDTH)).astype(np.float32)), torch.zeros(20))
HEAD = train_head(see(STAGE, MAPS).numpy(), np.split(MEANINGS, ITEMS), NAMES, TRAINING, 0)


def run(config: StageConfig, frozen: bool = False) -> tuple[nn.Module, Head]:
    return tune(STAGE, HEAD, CLASSIFIER, MAPS, np.split(MEANINGS, ITEMS), NAMES, TRAINING, config, 0, frozen)


trained = cache(run)


def found(stage: nn.Module, head: Head) -> float:
    with torch.no_grad():
        best = (head(see(stage, MAPS)) @ torch.from_numpy(MEANINGS).T).argmax(1)
    return (best == torch.arange(ITEMS)).float().mean().item()


def moved(stage: nn.Module) -> float:
    before, after = (functional.linear(see(each, MAPS), *CLASSIFIER) for each in (STAGE, stage))
    return distillation(after, before, CONFIG.temperature).item()


def test_the_network_is_split_before_its_last_stage() -> None:
    torch.manual_seed(0)
    network = efficientnet.build().eval()
    below, stage = split(network)
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        maps = below(pixels)
        assert maps.shape[:2] == (2, 208)
        torch.testing.assert_close(see(stage, maps.numpy()), network(pixels))


def test_a_trained_stage_sees_what_it_did_not() -> None:
    frozen, trained_too = trained(CONFIG, frozen=True), trained(CONFIG)
    assert found(*frozen) < 0.5 < 0.9 < found(*trained_too)
    assert moved(frozen[0]) == 0 < moved(trained_too[0])


def test_distillation_keeps_the_classes() -> None:
    free, kept = trained(CONFIG), trained(CONFIG.model_copy(update={"keep": 100.0}))
    assert moved(kept[0]) < moved(free[0]) / 10


def test_training_repeats_and_changes_copies_alone() -> None:
    before = {name: each.clone() for name, each in [*STAGE.state_dict().items(), *HEAD.state_dict().items()]}
    short = CONFIG.model_copy(update={"steps": 3})
    first, second = run(short), run(short)
    for one, other in zip(first, second, strict=True):
        for a, b in zip(one.parameters(), other.parameters(), strict=True):
            assert torch.equal(a, b)
    for name, each in [*STAGE.state_dict().items(), *HEAD.state_dict().items()]:
        assert torch.equal(each, before[name])
