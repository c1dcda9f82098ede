"""The device and the precision that towers run in."""

from functools import cache

import torch

from omnisearch.config import Settings
from omnisearch.errors import NotReadyError
from omnisearch.spaces.nn.allocator import keep_large_blocks

_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def choose(settings: Settings) -> torch.device:
    """Return the device of the settings; `auto` selects a CUDA device if there is one.

    Raises:
        NotReadyError: the device is cuda, and torch finds none on this machine.
    """
    has_cuda = torch.cuda.is_available()
    if settings.device == "cuda" and not has_cuda:
        raise NotReadyError("device = 'cuda', but torch finds no CUDA device here: set device to 'auto' or 'cpu'")
    _prepare()
    return torch.device("cuda" if has_cuda and settings.device != "cpu" else "cpu")


def dtype(settings: Settings) -> torch.dtype:
    """Return the type of a tower's weights; if `omnisearch.spaces.placement` left `auto`, float32."""
    return _TYPES.get(settings.precision, torch.float32)


@cache
def _prepare() -> None:
    keep_large_blocks()
