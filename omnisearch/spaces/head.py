"""The head of a trained space, which maps a tower's features into the text tower's metric."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.spaces.text_side import TextSide
from omnisearch.spaces.trained_network import Network


class Head(Network):
    """An ensemble of `heads` small networks over standardised features: (n, width) -> (n, dim), unit rows.

    Each is Linear - GELU - Linear, or one Linear where `hidden` is 0; their normalised outputs are averaged and the
    average normalised again. `mean` and `std` standardise the input. `dropout` acts on the hidden layer in training.
    `text` is the text side, if the space has one; `text_hidden` is its hidden width.
    """

    format = "omnisearch-head-2"

    def __init__(
        self,
        width: int,
        dim: int,
        hidden: int = 0,
        heads: int = 1,
        dropout: float = 0.0,
        text_hidden: int = 0,
        text_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.width, self.dim, self.hidden, self.heads, self.dropout = width, dim, hidden, heads, dropout
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))
        sizes = [(width, hidden), (hidden, dim)] if hidden else [(width, dim)]
        self.weights = nn.ParameterList(_xavier(heads, *size) for size in sizes)
        self.biases = nn.ParameterList(torch.zeros(heads, 1, outputs) for _, outputs in sizes)
        self.text_hidden = text_hidden
        if text_hidden:
            self.text = TextSide(dim, text_hidden, text_dropout)

    @property
    def shape(self) -> Mapping[str, Any]:
        """The constructor's arguments, as `save` writes them."""
        return {name: getattr(self, name) for name in ("width", "dim", "hidden", "heads", "text_hidden")}

    def standardise(self, features: Tensor) -> None:
        """Set the input standardisation to the mean and deviation of training features (n, width)."""
        self.mean.copy_(features.mean(0))
        self.std.copy_(features.std(0).clamp(min=1e-6))

    def each(self, features: Tensor) -> Tensor:
        """Return the output of every network of the ensemble: (heads, n, dim), unit rows."""
        x = ((features - self.mean) / self.std).expand(self.heads, -1, -1)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if layer:
                x = functional.dropout(functional.gelu(x), self.dropout, self.training)
            x = torch.baddbmm(bias, x, weight)
        return functional.normalize(x, dim=-1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings (n, dim) of features (n, width)."""
        return functional.normalize(self.each(features).mean(0), dim=-1)


def _xavier(heads: int, inputs: int, outputs: int) -> Tensor:
    return torch.stack([nn.init.xavier_uniform_(torch.empty(inputs, outputs)) for _ in range(heads)])
