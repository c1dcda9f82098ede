"""PE-AV small's towers are transformers', for sounds, for videos and for both together."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.families import pe_av, pe_av_small
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.registry import SPACES
from omnisearch.spaces.towers import TOWERS
from omnisearch.spaces.weights import modern_files
from omnisearch.types import Clip, Waveform
from tests.spaces import small_pe_av
from tests.spaces.small_pe_av import CODEC, DIM, TEXT, VISION

torchvision_shim.install()
transformers = pytest.importorskip("transformers")

RANDOM = np.random.default_rng(0)
SOUND = Waveform(RANDOM.normal(0, 0.1, 7 * 1_920).astype(np.float32), 48_000)
FRAMES = RANDOM.integers(0, 256, (3, 40, 60, 3)).astype(np.uint8)
LONG = Clip(RANDOM.integers(0, 256, (11, 336, 336, 3)).astype(np.uint8), SOUND)  # more frames than tokens of sound


@pytest.fixture(scope="module")
def reference() -> Any:
    return small_pe_av.make()


def media(settings: Settings) -> Any:
    def build(sizes: pe_av_small.Sizes) -> Any:
        return pe_av_small.Media(DIM, sizes, CODEC, VISION)

    loader = pe_av_small.PE_AV_SMALL_MEDIA
    return replace(loader, loader=replace(loader.loader, width=DIM), build=build).load(settings, "random")


def heard(wave: Waveform) -> torch.Tensor:
    values: torch.Tensor = transformers.PeAudioFeatureExtractor()(
        wave.samples, sampling_rate=48_000, return_tensors="pt"
    )["input_values"]
    return values


def test_sounds_and_videos_and_both_are_transformers(reference: Any, settings: Settings) -> None:
    small_pe_av.save(reference, settings.weights_dir)
    assert LONG.sound is not None
    frames = torch.from_numpy(LONG.frames).permute(0, 3, 1, 2)[None] / 127.5 - 1
    with torch.inference_mode():
        expected = [
            reference.audio_model.audio_head(reference.audio_model.audio_encoder(heard(SOUND)).pooler_output)[0],
            reference.video_model.video_head(reference.video_model.video_encoder(frames).pooler_output)[0],
            reference.get_audio_video_embeds(heard(LONG.sound), frames).audio_video_embeds[0],
        ]
    found = media(settings).features([SOUND, Clip(LONG.frames), LONG])
    for rows, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(rows, wanted.numpy(), atol=1e-5 * float(wanted.abs().max()))
    apart = np.abs(found[1] - found[2]).max() / np.abs(found).max()
    assert apart > 1e-2, "what is compared depends on the sound of a video"


def test_frames_are_prepared_as_pe_core_prepares_images(settings: Settings) -> None:
    from omnisearch.spaces.families import pe_core

    samples, frames = pe_av_small.PE_AV_SMALL_MEDIA.loader.prepare(settings)([Clip(FRAMES)])
    assert samples.shape == (1, 1, 0)
    (expected,) = pe_core.PE_CORE_IMAGE.prepare(settings)(list(FRAMES))
    torch.testing.assert_close(frames[0], expected, atol=0, rtol=0)
    samples, frames = pe_av_small.PE_AV_SMALL_MEDIA.loader.prepare(settings)([SOUND])
    assert (samples.shape, frames.shape[:2]) == ((1, 1, 7 * 1_920), (1, 0))


def test_a_text_is_the_mean_direction_of_its_three_heads(reference: Any, settings: Settings) -> None:
    small_pe_av.save(reference, settings.weights_dir)
    ids, mask = torch.randint(0, 50_000, (3, 20)), torch.ones(3, 20, dtype=torch.long)
    states: list[torch.Tensor] = []
    hook = reference.text_model.layers[-1].register_forward_hook(lambda module, args, output: states.append(output))
    with torch.inference_mode():
        reference.text_model(input_ids=ids, attention_mask=mask)
        hook.remove()
        first = states[0][:, 0]  # before the last norm: see `pe_av.Text`
        heads = (
            reference.audio_model.text_audio_head,
            reference.video_model.text_video_head,
            reference.text_audio_video_head,
        )
        expected = sum(functional.normalize(head(first), dim=-1) for head in heads).numpy() / 3
    loader = replace(
        pe_av_small.PE_AV_SMALL_TEXT,
        width=DIM,
        build=partial(pe_av_small.Text, DIM, **TEXT),
        prepare=lambda settings: lambda texts: (ids, mask),
    )
    found = loader.load(settings, "random").features(["a", "b", "c"])
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_the_sizes_are_those_of_the_file(reference: Any, settings: Settings) -> None:
    small_pe_av.save(reference, settings.weights_dir)
    found = pe_av_small.sizes(settings.weights_dir / modern_files.PE_AV_SMALL.name)
    assert {name: size["num_hidden_layers"] for name, size in found.items()} == {
        "audio_config": 2,
        "video_config": 1,
        "": 3,
    }
    assert found[""]["hidden_size"] == 256
    save_file({"other": torch.zeros(1)}, settings.weights_dir / "other.safetensors")
    with pytest.raises(WeightsError, match=r"is not a file of PE-AV: it has no tensor 'audio_model\.audio_encoder"):
        pe_av_small.sizes(settings.weights_dir / "other.safetensors")


def test_the_declared_sizes_make_the_published_total() -> None:
    """0.85 thousand million in all; the text tower holds three heads of its own."""
    total = TOWERS["pe_av_small_media"].parameters + TOWERS["pe_av_small_text"].parameters
    assert round(total / 1e9, 2) == 0.85
    with torch.device("meta"):
        text = sum(p.numel() for p in pe_av_small.Text().parameters())
    assert text == TOWERS["pe_av_small_text"].parameters
    assert SPACES["pe_av_small"].dim == pe_av.DIM


@pytest.mark.parametrize(
    ("shape", "said"), [((), "a single number"), ((pe_av_small.HEAD_WIDTH - 1, 8), "heads of less than")]
)
def test_a_file_with_tensors_of_impossible_shapes_is_named(tmp_path: Path, shape: tuple[int, ...], said: str) -> None:
    names = ("norm.weight", "layers.0.mlp.gate_proj.weight", "layers.0.self_attn.q_proj.weight")
    path = tmp_path / "other.safetensors"
    save_file({f"{part}.{name}": torch.zeros(shape) for part in pe_av_small.ENCODERS.values() for name in names}, path)
    with pytest.raises(WeightsError, match=rf"other\.safetensors is not a file of PE-AV.*{said}"):
        pe_av_small.sizes(path)
