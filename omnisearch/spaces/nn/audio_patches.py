"""Embed sounds with a network that reads patches of fixed length: the mean over a sound's patches."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from omnisearch.types import Content, Floats


@torch.inference_mode()
def mean_over_patches(
    contents: Sequence[Content],
    patches: Callable[[Content], Iterator[Tensor]],
    network: nn.Module,
    device: torch.device,
    width: int,
    batch: int,
) -> Floats:
    """Return float32 (n, width): the mean of the network's outputs over the patches of each sound.

    Patches of several sounds share a batch; no row depends on other sounds.
    """
    sums = np.zeros((len(contents), width), np.float64)
    counts = np.zeros(len(contents), np.int64)
    stream = ((row, patch) for row, content in enumerate(contents) for patch in patches(content))
    while taken := list(islice(stream, batch)):
        rows = [row for row, _ in taken]
        np.add.at(sums, rows, network(torch.stack([patch for _, patch in taken]).to(device)).cpu().numpy())
        np.add.at(counts, rows, 1)
    return np.asarray(sums / counts[:, None], np.float32)
