"""The two losses of OmniBind, on embeddings that are already in memory."""

import torch
from torch import Tensor
from torch.nn import functional


def info_nce(left: Tensor, right: Tensor, temperature: float, groups: Tensor | None = None) -> Tensor:
    """Return the symmetric InfoNCE of paired rows (OmniBind, eq. 1): the mean of both directions' cross entropies.

    `left` and `right` are (n, dim) and are normalised here; row i of one belongs to row i of the other. Rows of one
    group (n,) show the same thing: they are no negatives of each other.
    """
    logits = functional.normalize(left, dim=-1) @ functional.normalize(right, dim=-1).T / temperature  # (n, n)
    if groups is not None:
        same = groups[:, None] == groups[None, :]
        same.fill_diagonal_(False)
        logits = logits.masked_fill(same, float("-inf"))
    target = torch.arange(len(logits), device=logits.device)
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


def decoupling(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the decoupling loss of a text router (OmniBind, eq. 6).

    `scores` (n, branches) are the router's sigmoid outputs; `labels` (n, branches) are 1 where a branch was trained
    with the kind of text that the input is. Binary cross entropies are summed over branches and averaged over inputs.
    """
    return functional.binary_cross_entropy(scores, labels, reduction="none").sum(dim=1).mean()
