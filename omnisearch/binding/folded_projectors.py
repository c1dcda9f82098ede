"""Folded projectors for inference: all projectors of one shape in two batched matrix products."""

from collections.abc import Iterator, Mapping, Set

import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.binding.projector import Projector


class FoldedProjectors(nn.Module):
    """Projectors of one shape, stacked: {space: (n, dim_in)} -> {space: (n, dim_out)}. For inference only.

    A folded head is Linear - ReLU - Linear, so the first layers of all heads of a space are one matrix and the second
    ones a batch. Neighbouring spaces are evaluated together, without copying weights.
    """

    inner: Tensor
    inner_bias: Tensor
    outer: Tensor
    outer_bias: Tensor

    def __init__(self, projectors: Mapping[str, Projector]) -> None:
        super().__init__()
        self.spaces = tuple(projectors)
        dim_in, hidden, dim_out, self.heads = next(iter(projectors.values())).shape
        wide = self.heads * hidden
        self.register_buffer("inner", torch.empty(len(self.spaces), wide, dim_in))
        self.register_buffer("inner_bias", torch.empty(len(self.spaces), 1, wide))
        self.register_buffer("outer", torch.empty(len(self.spaces), self.heads, dim_out, hidden))
        self.register_buffer("outer_bias", torch.empty(len(self.spaces), self.heads, 1, dim_out))
        for i, projector in enumerate(projectors.values()):
            for buffer, folded in zip(self.buffers(), projector.fold(), strict=True):
                buffer[i].copy_(folded.view_as(buffer[i]))

    def forward(self, embeddings: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Project the given embeddings of this group's spaces; others are ignored.

        Spaces that were skipped for all inputs have only zero rows and are not projected.
        """
        given = {name: embeddings[name] for name in self.spaces if name in embeddings}
        ran = {name for name, rows in given.items() if rows.any()}
        found = {
            name: rows.new_zeros(len(rows), self.outer.shape[2]) for name, rows in given.items() if name not in ran
        }
        for run in self._runs(ran):
            names = self.spaces[run]
            rows = torch.stack([embeddings[name] for name in names])  # (spaces, n, dim_in)
            found.update(zip(names, self._project(rows, run), strict=True))
        return found

    def _runs(self, wanted: Set[str]) -> Iterator[slice]:
        """Yield the ranges of neighbouring spaces among `wanted`."""
        start = 0
        for i in range(len(self.spaces) + 1):
            if i == len(self.spaces) or self.spaces[i] not in wanted:
                if start < i:
                    yield slice(start, i)
                start = i + 1

    def _project(self, rows: Tensor, run: slice) -> Tensor:
        """Project the rows of a range (spaces, n, dim_in) to (spaces, n, dim_out): the mean of the heads' unit rows."""
        spaces, n, _ = rows.shape
        hidden = torch.baddbmm(self.inner_bias[run], rows, self.inner[run].transpose(1, 2)).relu()
        hidden = hidden.view(spaces, n, self.heads, self.outer.shape[-1])
        hidden = hidden.transpose(1, 2).flatten(0, 1)  # (spaces * heads, n, hidden)
        outer = self.outer[run].flatten(0, 1).transpose(1, 2)
        out = torch.baddbmm(self.outer_bias[run].flatten(0, 1), hidden, outer)  # (spaces * heads, n, dim_out)
        return functional.normalize(out, dim=-1).view(spaces, self.heads, n, self.outer.shape[2]).mean(dim=1)
