"""What the comparisons of towers with their references share: a place for random weights, and what fills them."""

from pathlib import Path

import pytest
import torch
from torch import nn

from omnisearch.config import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    torch.manual_seed(0)
    return load_settings(weights_dir=tmp_path, device="cpu")


def shaken(network: nn.Module) -> nn.Module:
    """Give every parameter a value that matters: what starts at zero would hide where it goes."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            near = 1.0 if parameter.ndim == 1 and "weight" in name else 0.0
            parameter.copy_(torch.randn_like(parameter) * 0.1 + near)
    return network.eval()
