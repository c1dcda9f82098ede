"""Omni-modal matching: tell pairs from hard negatives (MiCo, Zhang et al. 2024, section 3.3).

The authors compare tokens by cross-attention, as `interface` does; frozen spaces give one row per item, which a small
head compares.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch_training.stages.losses import blocks

FLOOR = 1e-4  # added to each negative's probability, as in the authors' code
NONE = -1


class Matcher(nn.Module):
    """Two unit rows x, y (n, dim) -> logits (n, 2) of "not a pair" and "a pair", from [x, y, x * y, |x - y|].

    Its layers are those of the authors' head: a linear layer, GELU, a norm, a linear layer.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4 * dim, hidden), nn.LayerNorm(hidden), nn.Linear(hidden, 2)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return the logits of n pairs."""
        compared = torch.cat([left, right, left * right, (left - right).abs()], dim=-1)
        logits: Tensor = self.last(self.norm(functional.gelu(self.first(compared))))
        return logits


def matching_loss(
    compare: Callable[[Tensor, Tensor], Tensor],
    left: Tensor,
    right: Tensor,
    temperature: float | Tensor,
    groups: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Return the cross entropy of n pairs, each row of `right` with a hard negative, and each row of `left` with one.

    `left` and `right` are unit rows (n, dim); `groups` are as in `info_nce`. compare(i, j) returns the logits (m, 2) of
    items i of the left with items j of the right.
    """
    others = hard_negatives(right, left, temperature, groups, generator)
    other_right = hard_negatives(left, right, temperature, groups, generator)
    own, known, known_right = torch.arange(len(left), device=left.device), others != NONE, other_right != NONE
    logits = compare(
        torch.cat([own, others[known], own[known_right]]), torch.cat([own, own[known], other_right[known_right]])
    )
    labels = torch.zeros(len(logits), dtype=torch.long, device=logits.device)
    labels[: len(left)] = 1
    return functional.cross_entropy(logits, labels)


@torch.no_grad()
def hard_negatives(
    queries: Tensor, keys: Tensor, temperature: float | Tensor, groups: Tensor, generator: torch.Generator
) -> Tensor:
    """Draw one key for each query that is not its pair, with probability softmax(cosine / temperature) + 1e-4.

    `queries` and `keys` are unit rows (n, dim). Keys of a query's own concept (`groups`) are neither drawn nor in the
    softmax. Returns indices (n,), -1 where every other key is of the same concept.
    """
    drawn = torch.full((len(queries),), NONE, device=queries.device)
    for rows, logits, diagonal in blocks(queries, keys, temperature, groups.reshape(len(groups), -1)):
        odds = logits.softmax(dim=1) + FLOOR
        odds[logits.isinf()] = 0
        odds[diagonal] = 0
        some = odds.sum(dim=1) > 0
        places = torch.arange(rows.start, rows.stop, device=queries.device)[some]
        drawn[places] = torch.multinomial(odds[some], 1, generator=generator)[:, 0]
    return drawn
