"""Masked words: how many, which, and what stands in their places."""

import torch

from omnisearch_training.stages.word_masks import FIRST_WORD, IGNORED, MASK, mask_words

VOCABULARY = 2000


def captions(count: int, length: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    lengths = torch.randint(2, length + 1, (count, 1), generator=draw)
    mask = (torch.arange(length) < lengths).long()
    ids = torch.randint(FIRST_WORD, VOCABULARY, (count, length), generator=draw) * mask
    ids[:, 0] = 101
    return ids, mask


def masked(share: float = 0.6, seed: int = 0) -> tuple[torch.Tensor, ...]:
    ids, mask = captions(3000)
    return ids, mask, *mask_words(ids, mask, share, VOCABULARY, torch.Generator().manual_seed(seed))


def near(found: torch.Tensor, share: float, count: int) -> bool:
    return abs(float(found) / count - share) < 5 * (share * (1 - share) / count) ** 0.5


def test_the_first_token_and_padding_are_never_chosen_and_each_caption_has_a_word() -> None:
    for share in (0.01, 0.6, 1.0):
        _, mask, _, labels = masked(share)
        chosen = labels != IGNORED
        assert not chosen[:, 0].any()
        assert not (chosen & (mask == 0)).any()
        assert chosen.any(dim=1).all()


def test_the_shares_are_those_of_bert() -> None:
    ids, mask, inputs, labels = masked()
    chosen, words = labels != IGNORED, mask.bool() & (torch.arange(ids.shape[1]) > 0)
    long = words.sum(1) > 8  # of short captions more are chosen, because one has to be
    assert near(chosen[long].sum(), 0.6, int(words[long].sum()))
    assert torch.equal(labels[chosen], ids[chosen])
    assert torch.equal(inputs[~chosen], ids[~chosen])
    count = int(chosen.sum())
    is_mask, kept = inputs[chosen] == MASK, inputs[chosen] == ids[chosen]
    assert near(is_mask.sum(), 0.8, count)
    assert near(kept.sum(), 0.1 + 0.1 / (VOCABULARY - FIRST_WORD), count)
    random = inputs[chosen][~is_mask & ~kept]
    assert FIRST_WORD <= int(random.min()) <= int(random.max()) < VOCABULARY
    assert len(random.unique()) > 500, "any word may stand there"


def test_a_seed_gives_the_same_masks() -> None:
    assert all(torch.equal(a, b) for a, b in zip(masked(seed=1), masked(seed=1), strict=True))
    assert not torch.equal(masked(seed=1)[2], masked(seed=2)[2])
