"""The ImageBind towers: images, texts and sounds in one metric, with a network per modality.

Source: Girdhar et al., "ImageBind: One Embedding Space To Bind Them All" (CVPR 2023).
"""

from collections.abc import Callable
from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import Settings
from omnisearch.spaces.families import openclip
from omnisearch.spaces.nn import kaldi, pixels, waveforms
from omnisearch.spaces.nn.imagebind import BANDS, DIM, FRAMES, SIDE, TOKENS, Audio, Encoder, Text, Vision
from omnisearch.spaces.pipeline import Loader, Prepare
from omnisearch.spaces.weights import paper_files
from omnisearch.types import Content, Waveform

BATCH = 16
CLIPS, CLIP_SECONDS = 3, 2
LOUDNESS, SPREAD = -4.268, 9.138  # AudioSet's mean and deviation of log mel energies


def images(settings: Settings) -> Prepare:  # noqa: ARG001
    """Return a function that maps images to their centre crops: float32 (n, 3, 224, 224)."""
    mean, deviation = pixels.CLIP_MEAN, pixels.CLIP_DEVIATION
    return lambda contents: (pixels.batch(contents, pixels.crop, SIDE, mean, deviation),)


def texts(settings: Settings) -> Prepare:  # noqa: ARG001
    """Return a function that maps texts to int64 (n, 77); a cut text keeps its end token, whose state is read."""
    return openclip.tokenizer(TOKENS)


def sounds(settings: Settings) -> Prepare:  # noqa: ARG001
    """Return a function that maps sounds to spectrograms of three clips: float32 (n, 3, 1, 128, 204)."""
    return lambda contents: (torch.stack([_clips(wave) for wave in contents]),)


def _clips(wave: Content) -> Tensor:
    """Return the first, the middle and the last two seconds of a sound; a shorter sound is returned whole."""
    assert isinstance(wave, Waveform)
    samples = waveforms.resampled(wave, kaldi.RATE)
    # Divide seconds exactly, not samples, to match the authors' clips to the sample.
    free = Fraction(max(len(samples) / kaldi.RATE - CLIP_SECONDS, 0))
    starts = [int(free * clip / (CLIPS - 1) * kaldi.RATE) for clip in range(CLIPS)]
    clips = [samples[start : start + CLIP_SECONDS * kaldi.RATE] for start in starts]
    return torch.stack([spectrogram(clip) for clip in clips])


def spectrogram(samples: Tensor) -> Tensor:
    """Return the normalised log mel energies of at most two seconds at 16 kHz: (1, 128, 204).

    Missing frames at the end have an energy of one, as in the authors' code, and are not silence.
    """
    frames = kaldi.features(samples, BANDS)[:FRAMES]
    frames = functional.pad(frames, (0, 0, 0, FRAMES - len(frames)))
    return (frames.T[None] - LOUDNESS) / SPREAD


def run(network: nn.Module, inputs: Tensor) -> Tensor:
    """Return one row per image or text: (n, 1024)."""
    rows: Tensor = network(inputs)
    return rows


def listen(network: nn.Module, clips: Tensor) -> Tensor:
    """Return the mean of the unit rows of a sound's clips: (n, k, 1, 128, 204) -> (n, 1024)."""
    rows = functional.normalize(network(clips.flatten(0, 1)), dim=-1)
    return rows.view(*clips.shape[:2], -1).mean(1)


def _loader(
    name: str, network: type[Encoder], prepare: Callable[[Settings], Prepare], rows: Callable[..., Tensor]
) -> Loader:
    return Loader(name, DIM, paper_files.IMAGEBIND, network, network.name_in_file, prepare, rows, BATCH)


IMAGEBIND_IMAGE = _loader("imagebind_image", Vision, images, run)
IMAGEBIND_TEXT = _loader("imagebind_text", Text, texts, run)
IMAGEBIND_AUDIO = _loader("imagebind_audio", Audio, sounds, listen)
