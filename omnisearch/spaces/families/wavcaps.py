"""WavCaps' towers: BERT and HTS-AT trained together on captioned sounds, in three checkpoints.

Source: Mei et al., "WavCaps: A ChatGPT-Assisted Weakly-Labelled Audio Captioning Dataset for Audio-Language Multimodal
Research" (2023), section 5. Texts are read as by OmniBind's authors: not cleaned, and cut to 30 tokens.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.families import clap
from omnisearch.spaces.nn import htsat, waveforms
from omnisearch.spaces.nn.bert import Bert
from omnisearch.spaces.pipeline import Loader, Prepare
from omnisearch.spaces.weights import paper_files, weight_files
from omnisearch.spaces.weights.spec import WeightSpec, resolve
from omnisearch.spaces.weights.vocabulary import read_tokenizer
from omnisearch.types import Content, Waveform

DIM = 1024
RATE, HOP = 32_000, 320
LENGTH = RATE * htsat.SECONDS
TOKENS, VOCABULARY = 30, 30_522
TEXTS = 64  # in a batch


class Text(nn.Module):
    """Tokens and their mask (n, t) -> (n, dim): two layers on the state of BERT's first token."""

    def __init__(self, dim: int = DIM, width: int = 768, layers: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.encoder = Bert(VOCABULARY, width, layers, heads, 4 * width)
        self.projection = nn.Sequential(nn.Linear(width, dim), nn.ReLU(), nn.Linear(dim, dim))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the embeddings of texts."""
        embedded: Tensor = self.projection(self.encoder(ids, mask)[:, 0])
        return embedded


def text_name_in_file(name: str) -> str:
    """Return the name of a tensor of the text network in WavCaps' files."""
    part, _, rest = name.partition(".")
    return {"encoder": "text_encoder.text_encoder.", "projection": "text_proj."}[part] + rest


def _run_text(network: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    embedded: Tensor = network(ids, mask)
    return embedded


def tokenizer(settings: Settings, most: int = TOKENS) -> Prepare:
    """Return a function that maps texts to tokens and their mask, int64 (n, t), t at most `most`.

    Raises:
        ModelMissingError: the vocabulary is not on this machine.
        WeightsError: the vocabulary does not have BERT's size.
    """
    path = resolve(weight_files.MINILM_TOKENIZER, settings)  # MiniLM has the vocabulary of BERT
    words = read_tokenizer(path)
    if words.get_vocab_size() != VOCABULARY:
        raise WeightsError(f"{path} has {words.get_vocab_size()} words, BERT's has {VOCABULARY}")
    return clap.tokens(words, most, 0)


def sounds(settings: Settings) -> Prepare:  # noqa: ARG001
    """Return a function that maps sounds to spectrograms of their first ten seconds (n, 1, 1001, 64); none is long."""
    filters = waveforms.filters(RATE, htsat.WINDOW, htsat.BANDS, htsat.LOW, htsat.HIGH, "slaney", "slaney")

    def heard(wave: Content) -> Tensor:
        assert isinstance(wave, Waveform)
        samples = waveforms.resampled(wave, RATE)[:LENGTH]
        return htsat.decibels(htsat.silence_after(samples, LENGTH), HOP, filters)[None]

    def prepare(waves: Sequence[Content]) -> tuple[Tensor, Tensor]:
        frames = torch.stack([heard(wave) for wave in waves])
        return frames, torch.zeros(len(waves), 1, dtype=torch.bool)

    return prepare


def _audio(name: str, weights: WeightSpec) -> Loader:
    rename = partial(htsat.name_in_file, "audio_encoder.audio_enc.", "audio_proj.")
    return Loader(name, DIM, weights, partial(htsat.network, DIM), rename, sounds, htsat.run, htsat.BATCH)


def _text(name: str, weights: WeightSpec) -> Loader:
    return Loader(name, DIM, weights, Text, text_name_in_file, tokenizer, _run_text, TEXTS)


WAVCAPS_PT_AUDIO = _audio("wavcaps_pt_audio", paper_files.WAVCAPS_PT)
WAVCAPS_PT_TEXT = _text("wavcaps_pt_text", paper_files.WAVCAPS_PT)
WAVCAPS_AUD_AUDIO = _audio("wavcaps_aud_audio", paper_files.WAVCAPS_AUD)
WAVCAPS_AUD_TEXT = _text("wavcaps_aud_text", paper_files.WAVCAPS_AUD)
WAVCAPS_CLO_AUDIO = _audio("wavcaps_clo_audio", paper_files.WAVCAPS_CLO)
WAVCAPS_CLO_TEXT = _text("wavcaps_clo_text", paper_files.WAVCAPS_CLO)
