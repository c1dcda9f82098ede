"""EmbeddingGemma 2's towers: texts, images and sounds read by one text network, run by transformers.

Source: Google DeepMind, "EmbeddingGemma 2" (2026). An image or a sound becomes the tokens of its own encoder between
two marks; an embedding is the mean of the last states. The prompts of texts are declared beside the towers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import Tensor, nn

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces import optional_packages
from omnisearch.spaces.families import clap
from omnisearch.spaces.nn import htsat, waveforms
from omnisearch.spaces.pipeline import Loader, Pipeline, Prepare
from omnisearch.spaces.placement import budget
from omnisearch.spaces.towers import TOWERS, load_tower, unit
from omnisearch.spaces.weights import modern_files
from omnisearch.spaces.weights.spec import resolve
from omnisearch.spaces.weights.vocabulary import read_tokenizer
from omnisearch.types import Content, Floats, Waveform

DIM = 768
RATE = 16_000
LONGEST = 30  # seconds that the network reads; longer sounds are read in windows
SHORTEST = RATE // 10  # samples; shorter sounds are padded with silence, because they have no whole frame
TOKENS, PADDING = 8_192, 0  # the context length in training, and the padding token
TEXTS = 32  # in a batch; images and sounds are run one by one, because their token counts differ
# Special tokens: before an image or a sound, for each of its tokens, and after it.
IMAGE = {"<|image>": 255_999, "<|image|>": 258_880, "<image|>": 258_882}
SOUND = {"<|audio>": 256_000, "<|audio|>": 258_881, "<audio|>": 258_883}


def network(part: str | None = None, **shape: Any) -> nn.Module:
    """Return the model with the encoder `part` (vision or audio) or none; only the tensors of its file are missing.

    Raises:
        NotReadyError: transformers is not installed.
    """
    transformers = optional_packages.need("transformers", "paper")
    own = {f"{part}_config": {"model_type": f"gemma4_{part}"} | shape.pop(f"{part}_config", {})} if part else {}
    built: nn.Module = transformers.EmbeddingGemma2Model(transformers.EmbeddingGemma2Config(**own, **shape))
    _make_what_no_file_holds(built)
    return built


def encoder(part: str, **shape: Any) -> nn.Module:
    """Return the model with the encoder `part` alone; the text network of the tower of texts is to be added."""
    built: Any = network(part, **shape)
    built.language_model = None
    return cast(nn.Module, built)


def _make_what_no_file_holds(built: Any) -> None:
    """Create rotary positions and similar buffers off the meta device; they stay float32 in every precision."""
    held: dict[str, Any] = built.state_dict(keep_vars=True)
    for name, buffer in list(built.named_buffers()):
        if name not in held:
            owner, _, own_name = name.rpartition(".")
            setattr(built.get_submodule(owner), own_name, torch.empty_like(buffer, device="cpu"))
    for tensor in held.values():
        tensor._is_hf_initialized = True  # the file will fill it: transformers must not
    with torch.device("cpu"):
        built.initialize_weights()


def words(special: dict[str, int], settings: Settings) -> Tokenizer:
    """Return the tokenizer.

    Raises:
        ModelMissingError: the vocabulary is not on this machine.
        WeightsError: its special tokens are not those of EmbeddingGemma 2.
    """
    path = resolve(modern_files.EMBEDDING_GEMMA_TOKENIZER, settings)
    tokenizer = read_tokenizer(path)
    found = {word: tokenizer.token_to_id(word) for word in special}
    if found != special:
        raise WeightsError(f"{path} has the marks {found}, EmbeddingGemma 2's has {special}")
    return tokenizer


def _marked(tokenizer: Tokenizer, special: dict[str, int], count: int) -> Tensor:
    """Return the ids of `count` tokens of an image or a sound between its marks, int64 (1, t)."""
    before, token, after = special
    return torch.tensor([tokenizer.encode(before + token * count + after).ids])


def _texts(settings: Settings) -> Prepare:
    return clap.tokens(words({**IMAGE, **SOUND}, settings), TOKENS, PADDING)


def _images(settings: Settings) -> Prepare:
    tokenizer = words(IMAGE, settings)
    transformers = optional_packages.need("transformers", "paper")
    processor = transformers.Gemma4ImageProcessorPil(max_soft_tokens=budget(TOWERS["embedding_gemma_image"], settings))

    def prepare(images: Sequence[Content]) -> tuple[Tensor, ...]:
        (image,) = images
        seen = processor(Image.fromarray(np.asarray(image)), return_tensors="pt")
        ids = _marked(tokenizer, IMAGE, int(seen["num_soft_tokens_per_image"][0]))
        return ids, seen["pixel_values"], seen["image_position_ids"]

    return prepare


def _sounds(settings: Settings) -> Prepare:
    tokenizer = words(SOUND, settings)
    transformers = optional_packages.need("transformers", "paper")
    extractor, count = transformers.Gemma4AudioFeatureExtractor(), transformers.EmbeddingGemma2Processor.compute_sscp

    def prepare(waves: Sequence[Content]) -> tuple[Tensor, ...]:
        (wave,) = waves
        assert isinstance(wave, Waveform)
        samples = waveforms.resampled(wave, RATE)
        samples = htsat.silence_after(samples, max(len(samples), SHORTEST))
        heard = extractor([samples.numpy()], return_tensors="np")
        frames, mask = heard["input_features"], heard["input_features_mask"]
        return _marked(tokenizer, SOUND, count(mask[0])), torch.from_numpy(frames), torch.from_numpy(mask)

    return prepare


def _read(built: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    states = built(input_ids=ids, attention_mask=mask).last_hidden_state.float()
    total: Tensor = (states * mask[..., None]).sum(1)
    return total / mask.sum(1, keepdim=True)


def _look(built: nn.Module, ids: Tensor, pixels: Tensor, places: Tensor) -> Tensor:
    rows: Tensor = (
        built(input_ids=ids, pixel_values=pixels, image_position_ids=places).last_hidden_state.float().mean(1)
    )
    return rows


def _listen(built: nn.Module, ids: Tensor, frames: Tensor, mask: Tensor) -> Tensor:
    rows: Tensor = (
        built(input_ids=ids, input_features=frames, input_features_mask=mask).last_hidden_state.float().mean(1)
    )
    return rows


def _loader(
    modality: str,
    build: Callable[[], nn.Module],
    prepare: Callable[[Settings], Prepare],
    run: Callable[..., Tensor],
    batch: int,
) -> Loader:
    weights = modern_files.EMBEDDING_GEMMA
    return Loader(f"embedding_gemma_{modality}", DIM, weights, build, "{}".format, prepare, run, batch)


@dataclass(frozen=True)
class EncoderLoader:
    """Builds the tower of an encoder over the text network of the tower of texts, which is in memory once."""

    encoder: Loader

    def load(self, settings: Settings, fingerprint: str) -> Pipeline:
        """Read the encoder from this machine, and the tower of texts unless it is loaded; see `Loader.load`."""
        texts = load_tower("embedding_gemma_text", settings)
        assert isinstance(texts, Pipeline)
        tower = self.encoder.load(settings, fingerprint)
        tower.network.language_model = texts.network.language_model
        return tower


class WindowedSounds:
    """Embeds sounds longer than `LONGEST` as the mean direction of equal windows, so that all of the sound counts."""

    def __init__(self, tower: Pipeline) -> None:
        self.name, self.width, self.fingerprint = tower.name, tower.width, tower.fingerprint
        self._tower = tower

    def features(self, contents: Sequence[Content]) -> Floats:
        """Return float32 (n, width); row i depends on content i alone."""
        cut = [windows(content) for content in contents]
        rows = iter(self._tower.features([window for parts in cut for window in parts]))
        result = np.zeros((len(contents), self.width), np.float32)
        for row, parts in enumerate(cut):
            heard = np.stack([next(rows) for _ in parts])
            result[row] = heard[0] if len(parts) == 1 else unit(heard).mean(axis=0)
        return result


def windows(wave: Content) -> list[Waveform]:
    """Cut a sound into the fewest windows of equal length that the network reads."""
    assert isinstance(wave, Waveform)
    count = max(1, math.ceil(len(wave.samples) / (LONGEST * wave.rate)))
    return [Waveform(part, wave.rate) for part in np.array_split(wave.samples, count)]


@dataclass(frozen=True)
class WindowedLoader:
    """Builds the tower of sounds over the one that reads a window."""

    window: EncoderLoader

    def load(self, settings: Settings, fingerprint: str) -> WindowedSounds:
        """Read this tower from this machine; see `Loader.load`."""
        return WindowedSounds(self.window.load(settings, fingerprint))


EMBEDDING_GEMMA_TEXT = _loader("text", network, _texts, _read, TEXTS)
EMBEDDING_GEMMA_IMAGE = EncoderLoader(_loader("image", partial(encoder, "vision"), _images, _look, 1))
EMBEDDING_GEMMA_AUDIO = WindowedLoader(EncoderLoader(_loader("audio", partial(encoder, "audio"), _sounds, _listen, 1)))
