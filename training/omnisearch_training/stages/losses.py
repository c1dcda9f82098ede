"""The two losses of OmniBind, on embeddings in memory."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# Rows of logits at once: with 8,192 negatives one block of float32 is 32 MiB, and a few exist at a time.
BLOCK = 1024


def info_nce(left: Tensor, right: Tensor, temperature: float, groups: Tensor) -> Tensor:
    """Return the symmetric InfoNCE of paired rows (OmniBind, eq. 1): the mean of both directions' cross entropies.

    `left` and `right` are (n, dim) and are normalised here; row i of one belongs to row i of the other. `groups`, (n,)
    or (n, g), are the concepts of each row, in g columns, -1 for none: rows that agree in any column are not negatives
    of each other. Logits are computed per block of rows, and again for the gradients, so memory grows with n and not
    with its square.
    """
    left, right = functional.normalize(left, dim=-1), functional.normalize(right, dim=-1)
    loss: Tensor = _InfoNCE.apply(left, right, temperature, groups.reshape(len(groups), -1))  # type: ignore[no-untyped-call]
    return loss


def decoupling(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the decoupling loss of a text router (OmniBind, eq. 6).

    `scores` (n, branches) are the router's sigmoid outputs; `labels` (n, branches) are 1 where a branch was trained
    with the kind of text that the input is. Binary cross entropies are summed over branches and averaged over inputs.
    """
    return functional.binary_cross_entropy(scores, labels, reduction="none").sum(dim=1).mean()


def _blocks(left: Tensor, right: Tensor, temperature: float, groups: Tensor) -> Any:
    """Yield (rows, masked logits (block, n), positions of the diagonal in them)."""
    for start in range(0, len(left), BLOCK):
        rows = slice(start, min(start + BLOCK, len(left)))
        logits = left[rows] @ right.T / temperature
        own = torch.arange(rows.start, rows.stop, device=left.device)
        same = torch.zeros_like(logits, dtype=torch.bool)
        for names in groups.T:
            same |= (names[rows, None] == names) & (names >= 0)
        same[own - rows.start, own] = False
        yield rows, logits.masked_fill_(same, -torch.inf), (own - rows.start, own)


class _InfoNCE(torch.autograd.Function):
    """Symmetric InfoNCE of unit rows; the gradient by the logits is (softmax of rows + of columns - 2 I) / 2n."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor, temperature: float, groups: Tensor) -> Tensor:
        of_rows = torch.empty_like(left[:, 0])
        of_columns = torch.full_like(of_rows, -torch.inf)
        positives = torch.empty_like(of_rows)
        for rows, logits, diagonal in _blocks(left, right, temperature, groups):
            of_rows[rows] = logits.logsumexp(dim=1)
            of_columns = torch.logaddexp(of_columns, logits.logsumexp(dim=0))
            positives[rows] = logits[diagonal]
        ctx.save_for_backward(left, right, groups, of_rows, of_columns)
        ctx.temperature = temperature
        return ((of_rows + of_columns) / 2 - positives).mean()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        left, right, groups, of_rows, of_columns = ctx.saved_tensors
        wants_left, wants_right = ctx.needs_input_grad[:2]
        by_left = torch.zeros_like(left) if wants_left else None
        by_right = torch.zeros_like(right) if wants_right else None
        scale = gradient / (2 * len(left) * ctx.temperature)
        for rows, logits, diagonal in _blocks(left, right, ctx.temperature, groups):
            weights = (logits - of_rows[rows, None]).exp_() + (logits - of_columns).exp_()  # (block, n)
            weights[diagonal] -= 2
            weights *= scale
            if by_left is not None:
                by_left[rows] = weights @ right
            if by_right is not None:
                by_right += weights.T @ left[rows]
        return by_left, by_right, None, None
