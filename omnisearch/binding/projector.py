"""The projector of one space: a mixture of heads, all in two matrix products."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


class Projector(nn.Module):
    """The mean of `heads` L2-normalised heads, (n, dim_in) -> (n, dim_out); the mean itself is not normalised.

    Each head is Linear - BatchNorm - ReLU - Linear - BatchNorm (OmniBind, section 3.3 and released code). Batch norm
    is independent per feature, so the heads' layers are stacked into one: `inner` holds all first layers,
    `outer` (heads, dim_out, hidden) all second ones.
    """

    def __init__(self, dim_in: int, hidden: int, dim_out: int, heads: int) -> None:
        super().__init__()
        self.heads, self.hidden, self.dim_out = heads, hidden, dim_out
        self.inner = nn.Linear(dim_in, heads * hidden)
        self.inner_norm = nn.BatchNorm1d(heads * hidden)
        self.outer = nn.Parameter(torch.empty(heads, dim_out, hidden))
        self.outer_bias = nn.Parameter(torch.zeros(heads, dim_out))
        self.outer_norm = nn.BatchNorm1d(heads * dim_out)
        for head in range(heads):
            nn.init.xavier_uniform_(self.inner.weight[head * hidden : (head + 1) * hidden])
            nn.init.xavier_uniform_(self.outer[head])
        nn.init.zeros_(self.inner.bias)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Project (n, dim_in) to (n, dim_out)."""
        n = len(embeddings)
        hidden = self.inner_norm(self.inner(embeddings)).relu()  # (n, heads * hidden)
        hidden = hidden.view(n, self.heads, self.hidden).transpose(0, 1)  # (heads, n, hidden)
        out = torch.baddbmm(self.outer_bias[:, None], hidden, self.outer.transpose(1, 2))  # (heads, n, dim_out)
        out = self.outer_norm(out.transpose(0, 1).reshape(n, -1)).view(n, self.heads, self.dim_out)
        return functional.normalize(out, dim=-1).mean(dim=1)

    @classmethod
    def stack(cls, projectors: Sequence["Projector"]) -> "Projector":
        """Stack projectors of one shape as the heads of one."""
        first = projectors[0]
        heads = sum(p.heads for p in projectors)
        whole = cls(first.inner.in_features, first.hidden, first.dim_out, heads)
        states = [p.state_dict() for p in projectors]
        whole.load_state_dict(
            {
                key: value if value.ndim == 0 else torch.cat([state[key] for state in states])
                for key, value in states[0].items()
            }
        )
        return whole.train(first.training)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Input width, hidden width, output width, heads: the constructor's arguments."""
        return self.inner.in_features, self.hidden, self.dim_out, self.heads

    @torch.no_grad()
    def fold(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Fold both batch norms, in eval mode, into the layers before them.

        Returns inner (heads * hidden, dim_in) and its bias, outer (heads, dim_out, hidden) and its bias.
        """
        scale, shift = _affine(self.inner_norm)
        inner, inner_bias = self.inner.weight * scale[:, None], self.inner.bias * scale + shift
        scale, shift = (each.view(self.heads, self.dim_out) for each in _affine(self.outer_norm))
        return inner, inner_bias, self.outer * scale[:, :, None], self.outer_bias * scale + shift


def _affine(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Batch norm with running statistics is x * scale + shift."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale
