"""A router without training: the nearest centroid of known kinds decides. It is a baseline of learned routers."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.types import Floats

SCALE = 20.0  # of cosines, before the softmax


class CentroidRouter(nn.Module):
    """Combining factors from the similarity to the centroids of known kinds of input: (n, dim_in) -> (n, branches).

    With c_k the centroid of kind k, factor_b = sum of softmax_k(SCALE cos(x, c_k)) over the kinds k of branch b, after
    the mean of all examples is subtracted. It has the interface of `omnisearch.binding.router.Router`.
    """

    middle: Tensor
    centroids: Tensor
    reads: Tensor

    def __init__(self, rows: Floats, kinds: NDArray[np.int64], branch: Sequence[int], branches: int) -> None:
        """Take the means of example inputs `rows` (n, dim_in) of the kinds (n,); branch[k] should read kind k."""
        super().__init__()
        units = functional.normalize(torch.from_numpy(rows), dim=-1)
        self.register_buffer("middle", units.mean(dim=0))
        belongs = functional.one_hot(torch.from_numpy(kinds), len(branch)).to(units.dtype)  # (n, kinds)
        self.register_buffer("centroids", functional.normalize(belongs.T @ (units - self.middle), dim=-1))
        self.register_buffer("reads", functional.one_hot(torch.tensor(branch), branches).to(units.dtype))

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return the combining factors (n, branches), rows summing to one."""
        centred = functional.normalize(functional.normalize(embeddings, dim=-1) - self.middle, dim=-1)
        return (SCALE * centred @ self.centroids.T).softmax(dim=-1) @ self.reads
