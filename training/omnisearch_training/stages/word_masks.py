"""Mask words of captions for a masked language model (Devlin et al., "BERT", 2018, section 3.1; MiCo's shares)."""

import torch
from torch import Tensor

MASK, FIRST_WORD = 103, 106  # ids of BERT's vocabulary: [MASK], and the first id that replaces a word
IGNORED = -100  # the label of a token that is not predicted
MASKED, REPLACED = 0.8, 0.1  # of the chosen tokens; the others are kept


def mask_words(
    ids: Tensor, mask: Tensor, share: float, vocabulary: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return inputs and labels (n, t) of captions: ids (n, t), and their mask, 1 for text and 0 for padding.

    Each token after the first is chosen with probability `share`, at least one of each caption. Of the chosen, 80 % are
    replaced by [MASK] and 10 % by random words. The labels of all others are IGNORED.
    """
    words = mask.bool().clone()
    words[:, 0] = False
    chosen = torch.zeros_like(words)
    while (lacking := words.any(dim=1) & ~chosen.any(dim=1)).any():
        drawn = torch.rand(ids.shape, generator=generator, device=ids.device) < share
        chosen[lacking] = (drawn & words)[lacking]
    fate = torch.rand(ids.shape, generator=generator, device=ids.device)
    random = torch.randint(FIRST_WORD, vocabulary, ids.shape, generator=generator, device=ids.device)
    inputs = torch.where(chosen & (fate < MASKED), MASK, ids)
    inputs = torch.where(chosen & (fate >= MASKED) & (fate < MASKED + REPLACED), random, inputs)
    return inputs, torch.where(chosen, ids, IGNORED)
