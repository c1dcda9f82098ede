"""BERT's encoder in plain torch, with the tensor names of its checkpoints.

Source: Devlin et al., "BERT" (2018); attention as in Vaswani et al. (2017), eq. 1. transformers computes the same (a
test checks it), but importing it takes longer than answering a query.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

POSITIONS, EPSILON = 512, 1e-12


class Bert(nn.Module):
    """Token ids (b, t) and their mask (b, t), 1 for text and 0 for padding -> states (b, t, width)."""

    def __init__(self, vocabulary: int, width: int, layers: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": _table(vocabulary, width),
                "position_embeddings": _table(POSITIONS, width),
                "token_type_embeddings": _table(2, width),
                "LayerNorm": nn.LayerNorm(width, EPSILON),
            }
        )
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(_Layer(width, heads, hidden) for _ in range(layers))})

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the last states of one sentence per row."""
        parts = self.embeddings
        first_of_two = torch.zeros_like(ids[:1])
        positions = torch.arange(ids.shape[1], device=ids.device)
        states = parts["word_embeddings"](ids) + parts["position_embeddings"](positions)
        states = parts["LayerNorm"](states + parts["token_type_embeddings"](first_of_two))
        allowed = mask[:, None, None, :].bool()  # (b, 1, 1, t): padding is masked for all queries
        for layer in self.encoder["layer"].children():
            states = layer(states, allowed)
        result: Tensor = states
        return result


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self._heads = heads
        self.attention = nn.ModuleDict(
            {
                "self": nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")}),
                "output": _residual(width, width),
            }
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, hidden)})
        self.output = _residual(hidden, width)

    def forward(self, states: Tensor, allowed: Tensor) -> Tensor:
        projections: nn.ModuleDict = self.attention["self"]  # type: ignore[assignment]
        query, key, value = (self._split(projections[name](states)) for name in ("query", "key", "value"))
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        states = _add(self.attention["output"], seen.transpose(1, 2).flatten(2), states)
        return _add(self.output, functional.gelu(self.intermediate["dense"](states)), states)

    def _split(self, states: Tensor) -> Tensor:
        parts = states.view(*states.shape[:-1], self._heads, -1)
        return parts.transpose(1, 2)  # (b, heads, t, width / heads)


def _table(rows: int, width: int) -> nn.Embedding:
    # nn.Embedding itself draws its weights in a way that, on the meta device, imports 800 modules in 2 s.
    return nn.Embedding(rows, width, _weight=torch.randn(rows, width))


def _residual(inputs: int, outputs: int) -> nn.ModuleDict:
    return nn.ModuleDict({"dense": nn.Linear(inputs, outputs), "LayerNorm": nn.LayerNorm(outputs, EPSILON)})


def _add(block: nn.Module, change: Tensor, states: Tensor) -> Tensor:
    assert isinstance(block, nn.ModuleDict)
    result: Tensor = block["LayerNorm"](block["dense"](change) + states)
    return result
