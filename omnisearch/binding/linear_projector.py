"""The projector of a space that differs from the shared space by an affine map."""

from torch import Tensor, nn
from torch.nn import functional


class LinearProjector(nn.Linear):
    """An affine map, then unit rows: (n, dim_in) -> (n, dim_out)."""

    def forward(self, embeddings: Tensor) -> Tensor:
        """Project (n, dim_in) to (n, dim_out)."""
        return functional.normalize(super().forward(embeddings), dim=-1)
