"""PE-AV's towers: sounds and texts of the audiovisual Perception Encoder, run by transformers.

Source: Vyas et al., "Pushing the Frontier of Audiovisual Perception with Large-Scale Multimodal Correspondence
Learning" (2025). The video encoder of the large model is not used; `pe_av_small` has the small one's.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import optional_packages
from omnisearch.spaces.families import clap
from omnisearch.spaces.nn import waveforms
from omnisearch.spaces.pipeline import Loader, Prepare
from omnisearch.spaces.weights import modern_files
from omnisearch.spaces.weights.spec import resolve
from omnisearch.spaces.weights.vocabulary import read_tokenizer
from omnisearch.types import Content, Floats, Waveform

DIM = 1024
RATE, HOP = 48_000, 1_920  # 25 frames per second
LONGEST = 10_000 * HOP  # samples, limited by the positions of the network: 400 seconds
TOKENS = 512  # the authors cut texts here
SPECIAL = {"[CLS]": 50_281, "[SEP]": 50_282, "[PAD]": 50_283}
TEXTS = 64  # in a batch
# The default of transformers is a smaller network; the large one has the authors' sizes and 28 layers.
AUDIO = {"hidden_size": 1792, "intermediate_size": 4800, "num_hidden_layers": 28, "num_attention_heads": 14}
TEXT = {"hidden_size": 1024, "intermediate_size": 2624, "num_hidden_layers": 22, "num_attention_heads": 16}


class Head(nn.Module):
    """The last step of every tower: (n, width) -> (n, 1024), not normalised."""

    def __init__(self, width: int, dim: int) -> None:
        super().__init__()
        self.layer_norm, self.proj = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, dim, bias=False)

    def forward(self, rows: Tensor) -> Tensor:
        """Return the embeddings of rows."""
        embedded: Tensor = self.proj(self.layer_norm(rows))
        return embedded


class Audio(nn.Module):
    """Samples (n, 1, t), t a multiple of 1920 -> (n, dim): a codec's frames, a transformer, and its first token."""

    def __init__(self, dim: int = DIM, codec: dict[str, Any] | None = None, **shape: Any) -> None:
        super().__init__()
        transformers = optional_packages.need("transformers", "paper")
        config = transformers.PeAudioEncoderConfig(**{"dac_config": codec or {}} | AUDIO | shape)
        self.audio_encoder = transformers.PeAudioEncoder(config)
        self.audio_encoder.rotary_emb = rotary_on_cpu(self.audio_encoder.rotary_emb, config)
        self.audio_head = Head(config.hidden_size, dim)

    def forward(self, samples: Tensor) -> Tensor:
        """Return the embeddings of sounds."""
        embedded: Tensor = self.audio_head(self.audio_encoder(samples).pooler_output)
        return embedded


class Text(nn.Module):
    """Tokens and their mask (n, t) -> (n, dim): 22 layers of ModernBERT, and their first token.

    The authors use these layers of a deeper network, before its last norm, and so did transformers when the file was
    published. Today ModernBERT in transformers applies that norm to its hidden states, so its own tower differs.
    """

    def __init__(self, dim: int = DIM, **shape: Any) -> None:
        super().__init__()
        transformers = optional_packages.need("transformers", "paper")
        config = transformers.ModernBertConfig(**TEXT | shape)
        self.text_model = transformers.ModernBertModel(config)
        self.text_model.final_norm = nn.Identity()
        self.text_model.rotary_emb = rotary_on_cpu(self.text_model.rotary_emb, config)
        self.text_audio_head = Head(config.hidden_size, dim)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the embeddings of texts."""
        read = self.text_model(input_ids=ids, attention_mask=mask).last_hidden_state
        embedded: Tensor = self.text_audio_head(read[:, 0])
        return embedded


def rotary_on_cpu(rotary: nn.Module, config: Any) -> nn.Module:
    """Create rotary positions off the meta device: no file contains them, and they stay float32 in every precision."""
    with torch.device("cpu"):
        made: nn.Module = type(rotary)(config)
    return made


def text_name_in_file(name: str) -> str:
    """Return the name in the file of a tensor of the text tower; all text heads of PE-AV share one network."""
    return name if name.startswith("text_model.") else f"audio_model.{name}"


def frames(samples: Floats) -> Floats:
    """Return samples (n,) padded to whole frames, 1 to 10,000 of them, by reflecting their end."""
    cut = samples[:LONGEST] if len(samples) else np.zeros(HOP, np.float32)
    return np.pad(cut, (0, -len(cut) % HOP), "reflect")


def heard(wave: Content) -> Floats:
    """Return the samples of a sound at 48 kHz, whole frames: float32 (t,)."""
    assert isinstance(wave, Waveform)
    return frames(waveforms.resampled(wave, RATE).numpy())


def _sounds(settings: Settings) -> Prepare:  # noqa: ARG001
    return lambda waves: (torch.from_numpy(np.stack([heard(wave) for wave in waves]))[:, None],)


def tokenizer(settings: Settings) -> Prepare:
    """Return a function that maps texts to tokens and their mask, int64 (n, t), t at most 512.

    Raises:
        ModelMissingError: the vocabulary is not on this machine.
        WeightsError: it is not ModernBERT's.
    """
    path = resolve(modern_files.PE_AV_TOKENIZER, settings)
    words = read_tokenizer(path)
    found = {word: words.token_to_id(word) for word in SPECIAL}
    if found != SPECIAL:
        raise WeightsError(f"{path} has the special words {found}, ModernBERT's has {SPECIAL}")
    return clap.tokens(words, TOKENS, SPECIAL["[PAD]"])


def _run(network: nn.Module, *inputs: Tensor) -> Tensor:
    embedded: Tensor = network(*inputs)
    return embedded


# One sound at a time: the codec would encode the padding of shorter sounds, and a row would depend on its batch.
PE_AV_AUDIO = Loader("pe_av_audio", DIM, modern_files.PE_AV, Audio, "audio_model.{}".format, _sounds, _run, 1)
PE_AV_TEXT = Loader("pe_av_text", DIM, modern_files.PE_AV, Text, text_name_in_file, tokenizer, _run, TEXTS)
