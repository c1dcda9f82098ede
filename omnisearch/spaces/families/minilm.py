"""The English text tower: all-MiniLM-L6-v2, a six-layer BERT that embeds a sentence as the mean of its token vectors.

Source: Reimers and Gurevych, "Sentence-BERT" (2019); Wang et al., "MiniLM" (2020). 384-d, 256 tokens, lower case.
"""

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.device import choose
from omnisearch.spaces.nn.bert import Bert
from omnisearch.spaces.nn.int8 import quantize
from omnisearch.spaces.sentence_tower import SentenceTower
from omnisearch.spaces.weights import tensors, weight_files
from omnisearch.spaces.weights.spec import resolve
from omnisearch.spaces.weights.vocabulary import read_tokenizer

VOCABULARY = 30522


class MiniLM(SentenceTower):
    """Embeds texts: float32 (n, 384), not normalised."""

    name, width = "minilm", 384
    tokens = 256  # the training length of the sentence model; BERT itself has 512 positions

    @classmethod
    def load(cls, settings: Settings, fingerprint: str) -> "MiniLM":
        """Read the network and its vocabulary from this machine.

        Raises:
            ModelMissingError: a file is not here.
            WeightsError: a file does not fit the network.
        """
        path = resolve(weight_files.MINILM_TOKENIZER, settings)
        tokenizer = read_tokenizer(path)
        if tokenizer.get_vocab_size() != VOCABULARY:
            raise WeightsError(f"{path} has {tokenizer.get_vocab_size()} words, MiniLM's has {VOCABULARY}")
        path = resolve(weight_files.MINILM, settings)
        state = {name: tensor for name, tensor in tensors.read(path).items() if not name.startswith("pooler.")}
        state.pop("embeddings.position_ids", None)  # a constant that older versions of BERT saved
        network = Bert(VOCABULARY, cls.width, layers=6, heads=12, hidden=1536)
        tensors.fill(network, state, path)
        if settings.precision == "int8":
            quantize(network)
        return cls(network, tokenizer, choose(settings), fingerprint)
