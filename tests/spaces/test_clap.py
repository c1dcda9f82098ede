"""LAION-CLAP and WavCaps: sounds are heard as their authors' front ends hear them, and nothing is left to chance."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn

from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.families import clap, wavcaps
from omnisearch.spaces.nn import htsat, torchvision_shim, waveforms
from omnisearch.spaces.pipeline import Loader
from omnisearch.spaces.weights import paper_files, weight_files
from omnisearch.types import Content, Waveform

# What is compared with transformers is slow for its imports, and for librosa's: the formulas are tested without them.

SMALL = {"patch_embeds_hidden_size": 32, "hidden_size": 256, "depths": (2, 1, 1, 1)}
WORDS = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
SHORT, LONG = (7.3,), 17.0


@pytest.fixture(scope="module")
def transformers() -> Any:
    torchvision_shim.install()
    return pytest.importorskip("transformers")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(weights_dir=tmp_path, device="cpu")


def sound(seconds: float, rate: int = clap.RATE) -> Waveform:
    random = np.random.default_rng(int(seconds * 10))
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * (200 + 300 * random.random() * time) * time)
    return Waveform((tone + 0.1 * random.normal(size=len(time))).astype(np.float32), rate)


def heard(fusion: bool, *seconds: float) -> tuple[Tensor, Tensor]:
    frames, longer = clap.sounds(fusion, load_settings())([sound(each) for each in seconds])
    return frames, longer


def small(loader: Loader, **changes: Any) -> Loader:
    """Return a loader of a smaller network, whose file has another size than the published one."""
    return replace(loader, weights=replace(loader.weights, size=None), **changes)


def shaken(network: nn.Module) -> nn.Module:
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if "running_var" in name:
                tensor.uniform_(100, 400)
            elif tensor.is_floating_point() and not name.endswith("attn_mask"):
                near = 1.0 if tensor.ndim == 1 and "weight" in name else 0.0
                tensor.copy_(torch.randn_like(tensor) * 0.05 + near)
    return network.eval()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # librosa 0.11 reads through modules that Python deprecates
@pytest.mark.parametrize(
    ("rate", "hop", "scale", "norm"),
    [(48_000, 480, "htk", None), (48_000, 480, "slaney", "slaney"), (32_000, 320, "slaney", "slaney")],
)
def test_decibels_are_librosas(rate: int, hop: int, scale: Any, norm: Any) -> None:
    librosa = pytest.importorskip("librosa")
    samples = sound(2.0, rate).samples
    filters = waveforms.filters(rate, htsat.WINDOW, htsat.BANDS, htsat.LOW, htsat.HIGH, scale, norm)
    found = htsat.decibels(torch.from_numpy(samples), hop, filters)
    options = {"sr": rate, "n_fft": 1024, "hop_length": hop, "n_mels": 64, "fmin": 50, "fmax": 14_000}
    slaney = {"htk": scale == "htk", "norm": "slaney" if scale == "slaney" else None}
    power = librosa.feature.melspectrogram(y=samples, pad_mode="reflect", **options, **slaney)
    expected = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=None).T
    assert found.shape == expected.shape == (201, 64)
    np.testing.assert_allclose(10 ** (found.numpy() / 10), 10 ** (expected / 10), rtol=1e-4)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-4)


def test_silence_is_as_quiet_as_it_gets() -> None:
    filters = waveforms.filters(clap.RATE, htsat.WINDOW, htsat.BANDS, htsat.LOW, htsat.HIGH, "htk", None)
    assert (htsat.decibels(torch.zeros(4800), 480, filters) == -100).all()
    nothing = Waveform(np.zeros(0, np.float32), clap.RATE)
    for prepare in (clap.sounds(True, load_settings()), clap.sounds(False, load_settings())):
        assert (prepare([nothing])[0] == -100).all()
    assert (wavcaps.sounds(load_settings())([nothing])[0] == -100).all()


@pytest.mark.slow
@pytest.mark.parametrize(("fusion", "truncation"), [(True, "fusion"), (False, "rand_trunc")])
def test_short_sounds_are_transformers_with_the_authors_lowest_frequency(
    transformers: Any, fusion: bool, truncation: str
) -> None:
    """And not as its extractor comes: its bands start at 0 Hz, and it calls one of several short sounds long."""
    extractor = transformers.ClapFeatureExtractor(
        frequency_min=50, frequency_max=14_000, truncation=truncation, padding="repeatpad", top_db=None
    )
    frames, longer = heard(fusion, *SHORT)
    rounded = [clap.rounded(torch.from_numpy(sound(each).samples)).numpy() for each in SHORT]
    theirs = extractor(rounded, sampling_rate=clap.RATE, return_tensors="pt")
    torch.testing.assert_close(frames, theirs["input_features"].float(), atol=2e-3, rtol=1e-4)
    assert theirs["is_longer"].any() == fusion, "transformers' trap"
    assert not longer.any()
    plain = transformers.ClapFeatureExtractor(truncation=truncation, padding="repeatpad")
    assert np.abs(plain.mel_filters - extractor.mel_filters).max() > 0.1 * np.abs(extractor.mel_filters).max()


def test_the_two_models_hear_bands_of_different_scales() -> None:
    fused, plain = heard(True, 3.0)[0][0, 0], heard(False, 3.0)[0][0, 0]
    assert fused.shape == plain.shape == (1001, 64)
    assert (fused - plain).abs().mean() > 5


def test_samples_keep_16_bits_and_lose_the_fraction() -> None:
    samples = torch.tensor([0.0, 1.9, -1.9, 32_767.0, 40_000.0, -40_000.0]) / 32_767
    assert (clap.rounded(samples) * 32_767).round().tolist() == [0, 1, -1, 32_767, 32_767, -32_767]


def test_a_short_sound_is_repeated_whole_and_then_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clap, "LENGTH", 10)
    assert clap.ten_seconds(torch.tensor([1.0, 2.0, 3.0])).tolist() == [1, 2, 3, 1, 2, 3, 1, 2, 3, 0]
    assert clap.ten_seconds(torch.arange(10.0)).tolist() == list(range(10))
    assert clap.ten_seconds(torch.arange(14.0)).tolist() == list(range(2, 12))


def test_a_long_sound_is_heard_whole_and_in_a_crop_of_each_third() -> None:
    filters = waveforms.filters(clap.RATE, htsat.WINDOW, htsat.BANDS, htsat.LOW, htsat.HIGH, "htk", None)
    samples = torch.from_numpy(sound(LONG).samples)
    four, longer = clap.fused(samples, filters)
    frames = htsat.decibels(samples, clap.HOP, filters)
    assert longer
    assert four.shape == (4, 1001, 64)
    starts = [next(i for i in range(len(frames)) if torch.equal(frames[i], crop[0])) for crop in four[1:]]
    places = len(frames) - 1000  # where a crop may start
    assert [3 * start // places for start in starts] == [0, 1, 2]
    assert all(torch.equal(frames[start : start + 1001], crop) for start, crop in zip(starts, four[1:], strict=True))
    # The whole, shrunk: a row lies between the two frames around the middle of what it stands for.
    row, scale = 500, len(frames) / 1001
    place = (row + 0.5) * scale - 0.5
    low = int(place)
    expected = frames[low] + (place - low) * (frames[low + 1] - frames[low])
    torch.testing.assert_close(four[0, row], expected, atol=1e-3, rtol=1e-4)


def test_only_what_is_longer_than_a_frame_over_ten_seconds_is_long() -> None:
    assert heard(True, 3.0, 10.0, 10.005, 10.02, 17.0)[1].flatten().tolist() == [False, False, False, True, True]
    frames = heard(True, 10.005)[0][0]
    assert all(torch.equal(part, frames[0]) for part in frames)


@pytest.mark.parametrize("fusion", [True, False])
def test_long_sounds_are_heard_alike_every_time(fusion: bool) -> None:
    first, second = heard(fusion, LONG), heard(fusion, LONG)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_wavcaps_hears_the_first_ten_seconds_and_silence_after_a_sound() -> None:
    prepare = wavcaps.sounds(load_settings())
    long, short = sound(14.0, wavcaps.RATE), sound(3.0, wavcaps.RATE)
    cut = Waveform(long.samples[: wavcaps.LENGTH], wavcaps.RATE)
    filled = Waveform(np.pad(short.samples, (0, wavcaps.LENGTH - len(short.samples))), wavcaps.RATE)
    frames, longer = prepare([long, cut, short, filled])
    assert frames.shape == (4, 1, 1001, 64)
    assert torch.equal(frames[0], frames[1])
    assert torch.equal(frames[2], frames[3])
    assert (frames[2, 0, 310:] == -100).all()
    assert not longer.any()


def authors_file(network: nn.Module, encoder: str, projection: str) -> dict[str, Tensor]:
    """Return the tensors of transformers' network as the authors' files have them, written down independently."""
    state, found = network.state_dict(), {}
    for name, tensor in state.items():
        if ".attention.self.key." in name or ".attention.self.value." in name:
            continue
        new = name.replace("audio_model.audio_encoder.", encoder).replace("audio_projection.", projection)
        new = new.replace("linear1", "0").replace("linear2", "2").replace("batch_norm", "bn0")
        new = new.replace("layernorm_before", "norm1").replace("layernorm_after", "norm2")
        new = new.replace("attention.output.dense", "attn.proj").replace("intermediate.dense", "mlp.fc1")
        new = new.replace("output.dense", "mlp.fc2").replace("attention.self.relative", "attn.relative")
        if ".attention.self.query." in name:
            parts = [state[name.replace("query", part)] for part in ("query", "key", "value")]
            new, tensor = new.replace("attention.self.query", "attn.qkv"), torch.cat(parts)
        found[new] = tensor
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("transformers")
@pytest.mark.parametrize(
    ("loader", "fusion", "encoder", "projection"),
    [
        (clap.CLAP_G_AUDIO, True, "audio_branch.", "audio_projection."),
        (clap.CLAP_M_AUDIO, False, "audio_branch.", "audio_projection."),
        (wavcaps.WAVCAPS_PT_AUDIO, False, "audio_encoder.audio_enc.", "audio_proj."),
    ],
)
def test_sounds_are_filled_by_the_authors_names_and_embedded_each_by_itself(
    loader: Loader, fusion: bool, encoder: str, projection: str, settings: Settings
) -> None:
    build = partial(htsat.network, loader.width, fusion, **SMALL)
    reference = shaken(build())
    state = authors_file(reference, encoder, projection)
    names = ("bn0.running_mean", "layers.0.blocks.1.attn.qkv.bias", "layers.3.blocks.0.attn.proj.weight", "norm.bias")
    names += ("layers.0.blocks.0.attn.relative_position_bias_table", "layers.2.blocks.0.mlp.fc1.weight")
    names += ("layers.1.blocks.0.norm2.weight", "layers.0.downsample.reduction.weight", "patch_embed.proj.weight")
    names += ("patch_embed.fusion_model.local_att.0.weight", "patch_embed.mel_conv2d.bias") if fusion else ()
    assert {encoder + name for name in names} | {f"{projection}0.weight", f"{projection}2.bias"} <= set(state)
    unused = {f"{encoder}tscam_conv.weight": torch.zeros(1), f"{encoder}layers.0.blocks.1.attn_mask": torch.zeros(1)}
    parallel = {f"module.{name}": tensor for name, tensor in (state | unused).items()}
    torch.save({"state_dict": parallel, "epoch": 1}, settings.weights_dir / loader.weights.name)
    tower = small(loader, build=build).load(settings, "random")
    waves: list[Content] = [sound(each) for each in (3.0, LONG, 7.3)]
    frames, longer = loader.prepare(settings)(waves)
    with torch.inference_mode():
        expected = reference(input_features=frames, is_longer=longer).audio_embeds.numpy()
    together = tower.features(waves)
    np.testing.assert_allclose(together, expected, atol=1e-5 * np.abs(expected).max())
    alone = tower.features(waves[:1])
    np.testing.assert_allclose(alone, together[:1], atol=1e-5 * np.abs(expected).max())


def make_words(path: Path, count: int) -> None:
    special = {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}
    tokenizer = Tokenizer(models.WordLevel(special | {f"w{i}": i for i in range(4, count)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(path))


TEXTS: list[Content] = ["w4 W5", " ".join(f"w{i}" for i in range(4, 204)), "", "nothing w9"]


@pytest.mark.parametrize(
    ("module", "file", "count", "most"),
    [(clap, paper_files.ROBERTA_TOKENIZER, 50_265, 77), (wavcaps, weight_files.MINILM_TOKENIZER, 30_522, 30)],
)
def test_words_are_cut_and_masked_and_a_shrunken_vocabulary_is_refused(
    module: Any, file: Any, count: int, most: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnisearch.spaces.weights.spec.verify", lambda *args: None)
    make_words(settings.weights_dir / file.name, 5)
    monkeypatch.setattr(module, "resolve", lambda spec, settings: settings.weights_dir / spec.name)
    with pytest.raises(WeightsError, match=f"{file.name} has 5 words, .*'s has {count}"):
        module.tokenizer(settings)
    make_words(settings.weights_dir / file.name, count)
    ids, mask = module.tokenizer(settings)(TEXTS)
    assert ids.shape == mask.shape == (4, most)
    assert ids[0, :4].tolist() == [0, 4, 5, 2]
    assert mask.sum(1).tolist() == [4, most, 2, 4]
    assert ids[1, -1] == 2, "a text that is cut keeps its end"


@pytest.mark.slow
def test_wavcaps_texts_keep_the_punctuation_that_its_authors_would_strip(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wavcaps, "resolve", lambda spec, settings: settings.weights_dir / spec.name)
    make_words(settings.weights_dir / weight_files.MINILM_TOKENIZER.name, wavcaps.VOCABULARY)
    ids, _ = wavcaps.tokenizer(settings)(["w4, w5!", "w4 w5"])
    unknown = 3
    assert ids[0].tolist() == [0, 4, unknown, 5, unknown, 2]
    assert ids[1, :4].tolist() == [0, 4, 5, 2]


def test_the_model_with_fusion_is_the_one_without_audioset() -> None:
    """The paper's page names it 630k_clap_fullset_fusion; its code, and LAION's hub, 630k-fusion-best."""
    (source,) = paper_files.CLAP_G.sources
    assert str(source).endswith("lukewys/laion_clap@main:630k-fusion-best.pt")


@pytest.mark.slow
def test_laions_texts_are_robertas_with_its_own_epsilon(transformers: Any, settings: Settings) -> None:
    config = transformers.RobertaConfig(
        vocab_size=clap.VOCABULARY, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5, **WORDS
    )
    roberta = shaken(transformers.RobertaModel(config))
    projection = shaken(nn.Sequential(nn.Linear(48, 512), nn.ReLU(), nn.Linear(512, 512)))
    state = {f"text_branch.{name}": tensor for name, tensor in roberta.state_dict().items()}
    state |= {f"text_projection.{name}": tensor for name, tensor in projection.state_dict().items()}
    torch.save({"state_dict": state}, settings.weights_dir / paper_files.CLAP_G.name)
    ids = torch.randint(5, clap.VOCABULARY, (4, 20))
    mask = (torch.arange(20) < torch.tensor([20, 3, 11, 1])[:, None]).long()
    ids = torch.where(mask.bool(), ids, clap.PADDING)

    def prepare(settings: Settings) -> Any:
        return lambda texts: (ids[: len(texts)], mask[: len(texts)])

    network = clap.text_network(**WORDS)
    assert {each.eps for each in network.modules() if isinstance(each, nn.LayerNorm)} == {1e-5}
    build = partial(clap.text_network, **WORDS)
    tower = small(clap.CLAP_G_TEXT, build=build, prepare=prepare).load(settings, "random")
    with torch.inference_mode():
        expected = projection(roberta(ids, mask).pooler_output).numpy()
    np.testing.assert_allclose(tower.features(["a"] * 4), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.slow
def test_wavcaps_texts_are_berts_first_token(transformers: Any, settings: Settings) -> None:
    config = transformers.BertConfig(**WORDS | {"intermediate_size": 192})
    bert = shaken(transformers.BertModel(config, add_pooling_layer=False))
    projection = shaken(nn.Sequential(nn.Linear(48, 1024), nn.ReLU(), nn.Linear(1024, 1024)))
    state = {f"text_encoder.text_encoder.{name}": tensor for name, tensor in bert.state_dict().items()}
    state |= {f"text_proj.{name}": tensor for name, tensor in projection.state_dict().items()}
    torch.save({"model": {**state, "temp": torch.tensor(0.07)}}, settings.weights_dir / paper_files.WAVCAPS_CLO.name)
    ids = torch.randint(5, wavcaps.VOCABULARY, (3, 12))
    mask = (torch.arange(12) < torch.tensor([12, 3, 7])[:, None]).long()

    def prepare(settings: Settings) -> Any:
        return lambda texts: (ids[: len(texts)], mask[: len(texts)])

    build = partial(wavcaps.Text, width=48, layers=2, heads=4)
    tower = small(wavcaps.WAVCAPS_CLO_TEXT, build=build, prepare=prepare).load(settings, "random")
    with torch.inference_mode():
        expected = projection(bert(ids, mask).last_hidden_state[:, 0]).numpy()
    np.testing.assert_allclose(tower.features(["a"] * 3), expected, atol=1e-5 * np.abs(expected).max())
