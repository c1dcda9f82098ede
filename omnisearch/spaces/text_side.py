"""The text side of a trained space: an optional correction of the text tower's embeddings."""

from torch import Tensor, nn
from torch.nn import functional


class TextSide(nn.Module):
    """Corrects the text tower's embeddings: (n, dim) -> (n, dim), unit rows.

    normalise(x + B gelu(A x + a) + b), where B and b start at 0, so that without training it is the identity.
    """

    def __init__(self, dim: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, texts: Tensor) -> Tensor:
        """Map the text tower's embeddings (n, dim) to the space's (n, dim)."""
        return functional.normalize(texts + self.outer(self.dropout(functional.gelu(self.inner(texts)))), dim=-1)
