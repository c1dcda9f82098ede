"""The text tower: all-MiniLM-L6-v2, a six-layer BERT that embeds a sentence as the mean of its token vectors.

Source: Reimers and Gurevych, "Sentence-BERT" (2019); Wang et al., "MiniLM" (2020). 384-d, 256 tokens, lower case.
"""

from collections.abc import Sequence

import numpy as np
import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.device import choose
from omnisearch.spaces.nn.bert import Bert
from omnisearch.spaces.weights import tensors, weight_files
from omnisearch.spaces.weights.spec import resolve
from omnisearch.types import Content, Floats

TOKENS = 256  # the training length of the sentence model; BERT itself has 512 positions
BATCH = 64
VOCABULARY = 30522


class MiniLM:
    """Embeds texts as the mean of their token vectors: float32 (n, 384), not normalised."""

    name = "minilm"
    width = 384

    def __init__(self, network: Bert, tokenizer: Tokenizer, device: torch.device, fingerprint: str) -> None:
        self._network = network.eval().to(device)
        self._tokenizer, self._device, self.fingerprint = tokenizer, device, fingerprint
        self._tokenizer.enable_truncation(TOKENS)
        self._tokenizer.no_padding()

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> "MiniLM":
        """Read the network and its vocabulary from this machine.

        Raises:
            ModelMissingError: a file is not here.
            WeightsError: a file does not fit the network.
        """
        path = resolve(weight_files.MINILM_TOKENIZER, settings)
        tokenizer = Tokenizer.from_file(str(path))
        if tokenizer.get_vocab_size() != VOCABULARY:
            raise WeightsError(f"{path} has {tokenizer.get_vocab_size()} words, MiniLM's has {VOCABULARY}")
        path = resolve(weight_files.MINILM, settings)
        state = {name: tensor for name, tensor in tensors.read(path).items() if not name.startswith("pooler.")}
        state.pop("embeddings.position_ids", None)  # a constant that older versions of BERT saved
        network = Bert(VOCABULARY, cls.width, layers=6, heads=12, hidden=1536)
        tensors.fill(network, state, path)
        return cls(network, tokenizer, choose(settings), fingerprint)

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, 384). Texts longer than 256 tokens are cut."""
        encodings = self._tokenizer.encode_batch([str(text) for text in contents])
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
        states = self._network(ids, mask)  # (b, tokens, 384)
        weight = mask.unsqueeze(-1).to(states.dtype)
        means: Tensor = (states * weight).sum(1) / weight.sum(1)
        return means
