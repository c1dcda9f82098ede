"""The head of a trained space: from a tower's features into the text tower's metric."""

import json
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.errors import WeightsError
from omnisearch.spaces import tensors

FORMAT = "omnisearch-head-1"


class Head(nn.Module):
    """An ensemble of `heads` small networks over standardised features: (n, width) -> (n, dim), unit rows.

    Each is Linear - GELU - Linear, or one Linear where `hidden` is 0; their normalised outputs are averaged and the
    average normalised again. `mean` and `std` standardise the input. `dropout` acts on the hidden layer in training.
    """

    def __init__(self, width: int, dim: int, hidden: int = 0, heads: int = 1, dropout: float = 0.0) -> None:
        super().__init__()
        self.width, self.dim, self.hidden, self.heads, self.dropout = width, dim, hidden, heads, dropout
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))
        sizes = [(width, hidden), (hidden, dim)] if hidden else [(width, dim)]
        self.weights = nn.ParameterList(_xavier(heads, *size) for size in sizes)
        self.biases = nn.ParameterList(torch.zeros(heads, 1, outputs) for _, outputs in sizes)

    def standardise(self, features: Tensor) -> None:
        """Take the mean and the deviation of training features (n, width) as the input's."""
        self.mean.copy_(features.mean(0))
        self.std.copy_(features.std(0).clamp(min=1e-6))

    def each(self, features: Tensor) -> Tensor:
        """Return what every network of the ensemble says: (heads, n, dim), unit rows."""
        x = ((features - self.mean) / self.std).expand(self.heads, -1, -1)
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if layer:
                x = functional.dropout(functional.gelu(x), self.dropout, self.training)
            x = torch.baddbmm(bias, x, weight)
        return functional.normalize(x, dim=-1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the embeddings (n, dim) of features (n, width)."""
        return functional.normalize(self.each(features).mean(0), dim=-1)

    def save(self, path: Path, notes: dict[str, str] | None = None) -> None:
        """Write the head as one safetensors file; `notes` (what it was trained on, its scores) go with it."""
        shape = {"width": self.width, "dim": self.dim, "hidden": self.hidden, "heads": self.heads}
        tensors.write(self.state_dict(), path, {**(notes or {}), "format": FORMAT, "shape": json.dumps(shape)})

    @classmethod
    def load(cls, path: Path) -> "Head":
        """Read a head that `save` wrote, in evaluation mode.

        Raises:
            WeightsError: the file is not a head.
        """
        state = tensors.read(path)
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise WeightsError(f"{path} is not a head: its format is {metadata.get('format')!r}, not {FORMAT!r}")
        head = cls(**json.loads(metadata["shape"]))
        tensors.fill(head, state, path)
        return head.eval()


def _xavier(heads: int, inputs: int, outputs: int) -> Tensor:
    return torch.stack([nn.init.xavier_uniform_(torch.empty(inputs, outputs)) for _ in range(heads)])
