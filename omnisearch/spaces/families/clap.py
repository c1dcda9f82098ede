"""LAION-CLAP's towers: texts and sounds, in one model of general sounds and one of music and speech.

Source: Wu et al., "Large-scale Contrastive Language-Audio Pretraining with Feature Fusion and Keyword-to-Caption
Augmentation" (ICASSP 2023). The authors crop long sounds at random; here the crop is the middle of their range.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import optional_packages
from omnisearch.spaces.nn import htsat, waveforms
from omnisearch.spaces.pipeline import Loader, Prepare
from omnisearch.spaces.weights import paper_files
from omnisearch.spaces.weights.spec import WeightSpec, resolve
from omnisearch.spaces.weights.vocabulary import read_tokenizer
from omnisearch.types import Content, Waveform

DIM = 512
RATE, HOP = 48_000, 480
LENGTH = RATE * htsat.SECONDS
FRAMES = LENGTH // HOP + 1
LOUDEST = 32_767  # samples are rounded to 16 bits
TOKENS, VOCABULARY, PADDING = 77, 50_265, 1
TEXTS = 64  # in a batch
BASE = {"patch_embeds_hidden_size": 128, "hidden_size": 1024, "depths": (2, 2, 12, 2)}

# Buffers that no file contains: the position numbers and the token types, which are all the same.
CONSTANTS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "position_ids": lambda ids: torch.arange(ids.shape[-1]).expand(ids.shape),
    "token_type_ids": lambda ids: torch.zeros(ids.shape, dtype=torch.long),
}


def text_network(**shape: Any) -> nn.Module:
    """Return RoBERTa with a projection: tokens and their mask (n, t) -> (n, 512).

    Raises:
        NotReadyError: transformers is not installed.
    """
    transformers = optional_packages.need("transformers", "paper")
    config = transformers.ClapTextConfig(layer_norm_eps=1e-5, projection_dim=DIM, **shape)  # RoBERTa's, not the default
    network: nn.Module = transformers.ClapTextModelWithProjection(config)
    return network


def _run_text(network: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    embedded: Tensor = network(input_ids=ids, attention_mask=mask).text_embeds
    return embedded


def text_name_in_file(name: str) -> str | None:
    """Return the name of a tensor of the text network in LAION's files."""
    if name.endswith(tuple(CONSTANTS)):
        return None
    if name.startswith("text_projection."):
        return name.replace("linear1", "0").replace("linear2", "2")
    return name.replace("text_model.", "text_branch.", 1)


def tokenizer(settings: Settings) -> Prepare:
    """Return a function that maps texts to tokens and their mask, int64 (n, t), t at most 77.

    Raises:
        ModelMissingError: the vocabulary is not on this machine.
        WeightsError: the vocabulary does not have RoBERTa's size.
    """
    path = resolve(paper_files.ROBERTA_TOKENIZER, settings)
    words = read_tokenizer(path)
    if words.get_vocab_size() != VOCABULARY:
        raise WeightsError(f"{path} has {words.get_vocab_size()} words, RoBERTa's has {VOCABULARY}")
    return tokens(words, TOKENS, PADDING)


def tokens(words: Tokenizer, most: int, padding: int) -> Prepare:
    """Return a function that maps texts to tokens and their mask, int64 (n, t), t at most `most`; sets up `words`."""
    words.enable_truncation(most)
    words.enable_padding(pad_id=padding)

    def prepare(texts: Sequence[Content]) -> tuple[Tensor, Tensor]:
        found = words.encode_batch([str(text) for text in texts])
        return torch.tensor([each.ids for each in found]), torch.tensor([each.attention_mask for each in found])

    return prepare


def rounded(samples: Tensor) -> Tensor:
    """Return samples quantised to 16 bits; fractions are truncated, not rounded."""
    return (samples.clamp(-1, 1) * LOUDEST).to(torch.int16).float() / LOUDEST


def ten_seconds(samples: Tensor) -> Tensor:
    """Return the middle ten seconds of a sound; a shorter one is repeated while it fits, then padded with silence."""
    spare = len(samples) - LENGTH
    if spare > 0:
        return samples[spare // 2 :][:LENGTH]
    return htsat.silence_after(samples.repeat(LENGTH // max(len(samples), 1)), LENGTH)


def fused(samples: Tensor, filters: Tensor) -> tuple[Tensor, bool]:
    """Return the four spectrograms (4, 1001, 64) that the fusion model reads, and whether the sound is long.

    For a long sound, they are the whole sound shrunk and a crop of each third; for any other, four equal copies.
    """
    if len(samples) <= LENGTH:
        return htsat.decibels(ten_seconds(samples), HOP, filters).expand(4, -1, -1), False
    frames = htsat.decibels(samples, HOP, filters)
    if len(frames) == FRAMES:
        return frames.expand(4, -1, -1), False
    starts = torch.arange(len(frames) - FRAMES + 1).tensor_split(3)
    crops = [
        frames[start : start + FRAMES] for start in (int(part[len(part) // 2]) if len(part) else 0 for part in starts)
    ]
    shrunk = functional.interpolate(frames[None, None], (FRAMES, htsat.BANDS), mode="bilinear", align_corners=False)
    return torch.stack([shrunk[0, 0], *crops]), True


def sounds(fusion: bool, settings: Settings) -> Prepare:  # noqa: ARG001
    """Return a function that maps sounds to spectrograms (n, 4 or 1, 1001, 64) and to whether each is long (n, 1).

    The two models were trained on bands of different scales: HTK's with fusion, Slaney's without.
    """
    bands = partial(waveforms.filters, RATE, htsat.WINDOW, htsat.BANDS, htsat.LOW, htsat.HIGH)
    filters = bands("htk", None) if fusion else bands("slaney", "slaney")

    def heard(wave: Content) -> tuple[Tensor, bool]:
        assert isinstance(wave, Waveform)
        samples = rounded(waveforms.resampled(wave, RATE))
        if fusion:
            return fused(samples, filters)
        return htsat.decibels(ten_seconds(samples), HOP, filters)[None], False

    def prepare(waves: Sequence[Content]) -> tuple[Tensor, Tensor]:
        frames, longer = zip(*map(heard, waves), strict=True)
        return torch.stack(frames), torch.tensor(longer)[:, None]

    return prepare


def _audio(name: str, weights: WeightSpec, fusion: bool, shape: Mapping[str, Any]) -> Loader:
    build = partial(htsat.network, DIM, fusion, **shape)
    rename = partial(htsat.name_in_file, "audio_branch.", "audio_projection.")
    return Loader(name, DIM, weights, build, rename, partial(sounds, fusion), htsat.run, htsat.BATCH)


def _text(name: str, weights: WeightSpec) -> Loader:
    return Loader(name, DIM, weights, text_network, text_name_in_file, tokenizer, _run_text, TEXTS, CONSTANTS)


CLAP_G_AUDIO = _audio("clap_g_audio", paper_files.CLAP_G, True, {})
CLAP_G_TEXT = _text("clap_g_text", paper_files.CLAP_G)
CLAP_M_AUDIO = _audio("clap_m_audio", paper_files.CLAP_M, False, BASE)
CLAP_M_TEXT = _text("clap_m_text", paper_files.CLAP_M)
