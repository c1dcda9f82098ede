"""The two losses of OmniBind, on embeddings in memory."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

# Rows of logits at once: with 8,192 negatives one block of float32 is 32 MiB, and a few exist at a time.
BLOCK = 1024


def info_nce(
    left: Tensor, right: Tensor, temperature: float | Tensor, groups: Tensor, smoothing: float = 0.0
) -> Tensor:
    """Return the symmetric InfoNCE of paired rows (OmniBind, eq. 1): the mean of both directions' cross entropies.

    `left` and `right` are (n, dim) and are normalised here; row i of one belongs to row i of the other. `groups`, (n,)
    or (n, g), are the concepts of each row, in g columns, -1 for none: rows that agree in any column are not negatives
    of each other. A target is 1 - `smoothing` on the pair, and `smoothing` in equal shares on the pair and its
    negatives (Szegedy et al., "Rethinking the Inception Architecture", 2016). `temperature` may be a scalar tensor
    that is learned. Logits are computed per block of rows, and again for the gradients, so memory grows with n and not
    with its square.
    """
    left, right = functional.normalize(left, dim=-1), functional.normalize(right, dim=-1)
    concepts = groups.reshape(len(groups), -1)
    loss: Tensor = _InfoNCE.apply(left, right, temperature, concepts, smoothing)  # type: ignore[no-untyped-call]
    return loss


def decoupling(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the decoupling loss of a text router (OmniBind, eq. 6).

    `scores` (n, branches) are the router's sigmoid outputs; `labels` (n, branches) are 1 where a branch was trained
    with the kind of text that the input is. Binary cross entropies are summed over branches and averaged over inputs.
    """
    return functional.binary_cross_entropy(scores, labels, reduction="none").sum(dim=1).mean()


def distillation(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return how far a classifier's logits (n, classes) have moved from its teacher's: 0 where they agree.

    It is the divergence KL(teacher || student) of both softmaxes at `temperature`, averaged over the inputs and times
    the squared temperature, which keeps the gradient's size (Hinton et al., "Distilling the Knowledge in a Neural
    Network", 2015). There is no gradient for the teacher.
    """
    wanted = functional.log_softmax(teacher.detach() / temperature, dim=1)
    found = functional.log_softmax(student / temperature, dim=1)
    return temperature**2 * functional.kl_div(found, wanted, reduction="batchmean", log_target=True)


def blocks(
    left: Tensor, right: Tensor, temperature: float | Tensor, groups: Tensor
) -> Iterator[tuple[slice, Tensor, tuple[Tensor, Tensor]]]:
    """Yield (rows, logits (block, n) of unit rows, positions of the diagonal in them).

    Logits of rows of the same concept are -inf, except those of the pairs themselves.
    """
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
    """Symmetric InfoNCE of unit rows, with targets t: the gradient by the logits is (softmax of rows + of columns - t
    of rows - t of columns) / 2n, where t is I without smoothing.
    """

    @staticmethod
    def forward(
        ctx: Any, left: Tensor, right: Tensor, temperature: float | Tensor, groups: Tensor, smoothing: float
    ) -> Tensor:
        of_rows = torch.empty_like(left[:, 0])
        of_columns = torch.full_like(of_rows, -torch.inf)
        positives = torch.empty_like(of_rows)
        kept, sums = torch.zeros_like(of_rows), torch.zeros_like(of_rows)  # of the logits that are not -inf
        for rows, logits, diagonal in blocks(left, right, temperature, groups):
            of_rows[rows] = logits.logsumexp(dim=1)
            of_columns = torch.logaddexp(of_columns, logits.logsumexp(dim=0))
            positives[rows] = logits[diagonal]
            if smoothing:
                finite = logits.isfinite()
                kept[rows] = finite.sum(dim=1).to(kept.dtype)  # of columns too: concepts agree in both directions
                logits = logits.masked_fill_(~finite, 0)
                sums[rows] += logits.sum(dim=1)
                sums += logits.sum(dim=0)
        ctx.save_for_backward(left, right, groups, of_rows, of_columns, kept)
        ctx.temperature, ctx.smoothing = temperature, smoothing
        losses = (of_rows + of_columns) / 2 - positives
        if smoothing:
            losses = losses + smoothing * (positives - sums / (2 * kept))
        return losses.mean()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        left, right, groups, of_rows, of_columns, kept = ctx.saved_tensors
        temperature, smoothing = ctx.temperature, ctx.smoothing
        wants_left, wants_right, wants_temperature = ctx.needs_input_grad[:3]
        by_left = torch.zeros_like(left) if wants_left else None
        by_right = torch.zeros_like(right) if wants_right else None
        by_temperature = torch.zeros_like(temperature) if wants_temperature else None
        scale = gradient / (2 * len(left) * temperature)
        for rows, logits, diagonal in blocks(left, right, temperature, groups):
            weights = (logits - of_rows[rows, None]).exp_() + (logits - of_columns).exp_()  # (block, n)
            weights[diagonal] -= 2 * (1 - smoothing)
            if smoothing:
                weights -= smoothing * (1 / kept[rows, None] + 1 / kept) * logits.isfinite()
            weights *= scale
            if by_temperature is not None:
                by_temperature -= (weights * logits.masked_fill_(logits.isinf(), 0)).sum()
            if by_left is not None:
                by_left[rows] = weights @ right
            if by_right is not None:
                by_right += weights.T @ left[rows]
        return by_left, by_right, by_temperature, None, None
