"""A tower of texts: a BERT that embeds a text as the mean of its token vectors."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn

from omnisearch.types import Content, Floats

BATCH = 64


class SentenceTower:
    """Embeds texts as the mean of their token vectors: float32 (n, width), not normalised.

    A subclass defines its `name`, its `width`, the number of `tokens` after which a text is cut, and the `prefix` that
    its network expects before a text.
    """

    name: ClassVar[str]
    width: ClassVar[int]
    tokens: ClassVar[int]
    prefix: ClassVar[str] = ""

    def __init__(self, network: nn.Module, tokenizer: Tokenizer, device: torch.device, fingerprint: str) -> None:
        self._network = network.eval().to(device)
        self._tokenizer, self._device, self.fingerprint = tokenizer, device, fingerprint
        self._tokenizer.enable_truncation(self.tokens)
        self._tokenizer.no_padding()

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, width). Texts of more than `tokens` tokens are cut."""
        encodings = self._tokenizer.encode_batch([f"{self.prefix}{text}" for text in contents])
        order = sorted(range(len(encodings)), key=lambda i: len(encodings[i]))  # similar lengths need little padding
        result = np.zeros((len(encodings), self.width), np.float32)
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            result[rows] = self._means([encodings[i] for i in rows]).cpu().numpy()
        return result

    @torch.inference_mode()
    def _means(self, batch: list[Encoding]) -> Tensor:
        longest = max(len(encoding) for encoding in batch)
        ids = torch.zeros(len(batch), longest, dtype=torch.long)
        mask = torch.zeros(len(batch), longest, dtype=torch.long)
        for row, encoding in enumerate(batch):
            ids[row, : len(encoding)] = torch.tensor(encoding.ids)
            mask[row, : len(encoding)] = 1
        ids, mask = ids.to(self._device), mask.to(self._device)
        states = self._network(ids, mask)  # (b, tokens, width)
        weight = mask.unsqueeze(-1).to(states.dtype)
        means: Tensor = (states * weight).sum(1) / weight.sum(1)
        return means
