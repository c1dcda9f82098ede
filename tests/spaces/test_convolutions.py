"""A prepared network gives what it gave before."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from omnisearch.spaces.families import aisfx, efficientnet, yamnet
from omnisearch.spaces.nn.convolutions import prepared


@pytest.mark.parametrize(
    ("make", "patches"),
    [
        (aisfx.Network, torch.rand(2, 24, 16)),
        (yamnet.Network, torch.rand(2, 96, 64)),
        (efficientnet.build, torch.rand(2, 3, 32, 32)),
    ],
)
@torch.inference_mode()
def test_no_norm_is_left_and_the_outputs_stay(make: Callable[[], nn.Module], patches: Tensor) -> None:
    torch.manual_seed(0)
    network = make().eval()
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.running_mean.normal_(0, 0.1)
        norm.running_var.uniform_(0.5, 2)
        nn.init.uniform_(norm.weight, 0.5, 2)
        nn.init.normal_(norm.bias, 0, 0.1)
    network, patches = network.double(), patches.double()
    quick = prepared(copy.deepcopy(network))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in quick.modules())
    torch.testing.assert_close(quick(patches), network(patches), rtol=1e-9, atol=1e-9)
