"""Routers: compute the combining factors of the branches for each input."""

from collections.abc import Sequence

from torch import Tensor, nn


class Router(nn.Module):
    """Combining factors from embeddings: (n, dim_in) -> (n, branches), rows summing to one.

    Three linear layers and softmax(scale * sigmoid(logits)), as in the released OmniBind code; the paper has
    two layers and a plain softmax. The sigmoid bounds the ratio of two factors by exp(scale).
    """

    def __init__(self, dim_in: int, hidden: tuple[int, int], branches: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.layers = nn.Sequential(
            nn.Linear(dim_in, hidden[0]),
            nn.BatchNorm1d(hidden[0]),
            nn.ReLU(),
            nn.Linear(hidden[0], hidden[1]),
            nn.BatchNorm1d(hidden[1]),
            nn.Tanh(),
            nn.Linear(hidden[1], branches),
        )
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def scores(self, embeddings: Tensor) -> Tensor:
        """Return the sigmoid outputs (n, branches) that the decoupling loss reads (eq. 6)."""
        scores: Tensor = self.layers(embeddings).sigmoid()
        return scores

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return the combining factors (n, branches)."""
        return (self.scale * self.scores(embeddings)).softmax(dim=-1)


class FixedFactors(nn.Module):
    """The router's interface with factors set by hand: the uniform and manual baselines."""

    def __init__(self, factors: Sequence[float]) -> None:
        super().__init__()
        self.factors = tuple(factor / sum(factors) for factor in factors)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Return the same factors for each of n inputs: (n, branches)."""
        return embeddings.new_tensor(self.factors).expand(len(embeddings), -1)
