"""PE-AV's towers are transformers', filled by the names of its file; sounds are prepared as its extractor does."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.declared import modern
from omnisearch.spaces.families import pe_av
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.weights import modern_files
from omnisearch.types import Content, Floats, Waveform

torchvision_shim.install()
transformers = pytest.importorskip("transformers")

PARAMETERS = {spec.name: spec.parameters for spec in modern.TOWERS}
DIM = 32  # in PE-AV every head ends in the width of the text network
CODEC = {"encoder_hidden_size": 4, "hidden_size": 16, "codebook_dim": 8}
AUDIO = {"hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 3, "head_dim": 16}
TEXT = {"hidden_size": DIM, "intermediate_size": 48, "num_hidden_layers": 4, "num_attention_heads": 2}
LENGTHS = (48_000, 48_000 + 1, 1_919, 5, 3 * 1_920)


def sounds() -> list[Waveform]:
    random = np.random.default_rng(0)
    return [Waveform(random.normal(0, 0.1, n).astype(np.float32), 48_000) for n in LENGTHS]


def make_reference() -> Any:
    config = transformers.PeAudioConfig(
        text_config=dict(TEXT, model_type="modernbert"), audio_config=dict(AUDIO, dac_config=CODEC)
    )
    reference = transformers.PeAudioModel(config)
    with torch.no_grad():
        for name, parameter in reference.named_parameters():
            near = 1.0 if "norm" in name or name.endswith("alpha") else 0.0
            parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.ndim > 1 else 0.1) + near)
    return reference.eval()


def save(reference: Any, settings: Settings) -> None:
    """As transformers writes the whole model: it has one text network, and the sound model below a name of its own."""
    state = {
        name if name.startswith("text_model.") else f"audio_model.{name}": tensor
        for name, tensor in reference.state_dict().items()
    }
    save_file(state, settings.weights_dir / modern_files.PE_AV.name)


def audio_tower(settings: Settings) -> Any:
    build = partial(pe_av.Audio, DIM, CODEC, **AUDIO)
    return replace(pe_av.PE_AV_AUDIO, width=DIM, build=build).load(settings, "random")


def text_tower(settings: Settings, ids: Tensor, mask: Tensor) -> Any:
    def prepare(settings: Settings) -> Any:
        return lambda contents: (ids[: len(contents)], mask[: len(contents)])

    loader = replace(pe_av.PE_AV_TEXT, width=DIM, build=partial(pe_av.Text, DIM, **TEXT), prepare=prepare)
    return loader.load(settings, "random")


def tokens() -> tuple[Tensor, Tensor]:
    lengths = torch.tensor([200, 5, 77])  # the first is longer than the window of the layers that look near
    mask = (torch.arange(200) < lengths[:, None]).long()
    return torch.where(mask == 1, torch.randint(0, 50_000, (3, 200)), pe_av.SPECIAL["[PAD]"]), mask


def test_the_sizes_are_those_that_the_authors_publish() -> None:
    """Their models of sound frames are one audio and one text tower each: 560 million in all for base, 1.4 G large."""
    base = {"hidden_size": 1024, "intermediate_size": 2752, "num_hidden_layers": 16, "num_attention_heads": 8}
    with torch.device("meta"):
        sizes = [sum(p.numel() for p in n.parameters()) for n in (pe_av.Audio(), pe_av.Text(), pe_av.Audio(**base))]
    assert sizes[:2] == [PARAMETERS["pe_av_audio"], PARAMETERS["pe_av_text"]]
    assert round((sizes[2] + sizes[1]) / 1e6, -1) == 560
    assert 1.4e9 <= sizes[0] + sizes[1] < 1.5e9


@pytest.mark.slow
def test_the_files_names_are_those_of_the_whole_model() -> None:
    few = {"num_hidden_layers": 2}
    with torch.device("meta"):
        config = transformers.PeAudioVideoConfig(
            text_config=dict(few, model_type="modernbert"),
            audio_video_config={"audio_config": few, "video_config": few, **few},
        )
        whole = transformers.PeAudioVideoModel(config).state_dict()
        towers = [(pe_av.Audio(**few), "audio_model.{}".format), (pe_av.Text(**few), pe_av.text_name_in_file)]
    for tower, name_in_file in towers:
        for name, tensor in tower.state_dict().items():
            assert whole[name_in_file(name)].shape == tensor.shape


def test_sounds_are_transformers(settings: Settings) -> None:
    reference = make_reference()
    save(reference, settings)
    extractor = transformers.PeAudioFeatureExtractor()
    expected = []
    for wave in sounds():
        inputs = extractor(wave.samples, sampling_rate=48_000, return_tensors="pt")
        (prepared,) = pe_av.PE_AV_AUDIO.prepare(settings)([wave])
        torch.testing.assert_close(prepared, inputs["input_values"], atol=0, rtol=0)
        with torch.inference_mode():
            expected.append(reference.get_audio_embeds(inputs["input_values"], inputs["padding_mask"])[0].numpy())
    found = audio_tower(settings).features(sounds())
    assert np.abs(found[0] - found[1]).max() > 1e-3 * np.abs(found).max(), "what is compared depends on the sound"
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_a_row_depends_on_its_sound_alone_and_not_on_its_rate(settings: Settings) -> None:
    save(make_reference(), settings)
    tower = audio_tower(settings)
    together = tower.features(sounds())
    np.testing.assert_array_equal(together, np.concatenate([tower.features([wave]) for wave in sounds()]))
    time = np.arange(16_000) / 16_000
    low, high = (np.sin(2 * np.pi * 300 * np.arange(n) / n).astype(np.float32) for n in (len(time), 48_000))
    slow, fast = tower.features([Waveform(low, 16_000), Waveform(high, 48_000)])
    np.testing.assert_allclose(slow, fast, atol=0.05 * np.abs(fast).max())


@pytest.mark.parametrize(
    ("samples", "expected"), [(0, 1_920), (1, 1_920), (1_920, 1_920), (1_921, 3_840), (20_000_000, 19_200_000)]
)
def test_a_sound_is_whole_frames(samples: int, expected: int) -> None:
    found = pe_av.frames(np.zeros(samples, np.float32))
    assert found.shape == (expected,)
    assert found.dtype == np.float32


def test_the_end_of_a_sound_is_mirrored() -> None:
    ramp: Floats = np.arange(1_918, dtype=np.float32)
    np.testing.assert_array_equal(pe_av.frames(ramp)[-4:], [1_916, 1_917, 1_916, 1_915])


def test_texts_are_transformers_before_the_last_norm(settings: Settings) -> None:
    reference, (ids, mask) = make_reference(), tokens()
    save(reference, settings)
    seen: list[Tensor] = []
    last: nn.Module = reference.text_model.layers[-1]
    last.register_forward_hook(lambda module, args, output: seen.append(output))
    with torch.inference_mode():
        normed = reference.text_model(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0]
        expected = reference.text_audio_head(seen[0][:, 0]).numpy()
        with_norm = reference.text_audio_head(normed).numpy()
    found = text_tower(settings, ids, mask).features(["a", "b", "c"])
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())
    assert np.abs(found - with_norm).max() > 1e-2 * np.abs(found).max(), "the norm that is left out would be seen"


def test_texts_end_as_transformers_do_where_the_last_norm_does_nothing(settings: Settings) -> None:
    reference, (ids, mask) = make_reference(), tokens()
    with torch.no_grad():
        reference.text_model.final_norm.weight.fill_(1)  # its own scaling is undone by the head's norm
    save(reference, settings)
    audio = torch.zeros(3, 1, pe_av.HOP)
    with torch.inference_mode():
        expected = reference(input_ids=ids, attention_mask=mask, input_values=audio).text_audio_embeds.numpy()
    found = text_tower(settings, ids, mask).features(["a", "b", "c"])
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def write_words(settings: Settings, special: Sequence[tuple[str, int]]) -> None:
    words = Tokenizer(WordLevel({"dog": 0, "[UNK]": 1} | dict(special), unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    words.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(w, i) for w, i in special if w != "[PAD]"]
    )
    words.save(str(settings.weights_dir / modern_files.PE_AV_TOKENIZER.name))


def test_words_are_cut_at_512_and_padded(settings: Settings) -> None:
    write_words(settings, list(pe_av.SPECIAL.items()))
    texts: list[Content] = ["dog", "dog " * 600]
    ids, mask = pe_av.tokenizer(settings)(texts)
    assert ids.shape == mask.shape == (2, 512)
    assert ids[:, 0].tolist() == [50_281, 50_281]
    assert int(ids[1, -1]) == 50_282, "cut, and ended"
    assert ids[0, :4].tolist() == [50_281, 0, 50_282, 50_283]
    assert mask.sum(1).tolist() == [3, 512]


def test_another_vocabulary_is_refused(settings: Settings) -> None:
    write_words(settings, [("[CLS]", 2), ("[SEP]", 3), ("[PAD]", 4)])
    with pytest.raises(WeightsError, match=r"pe-av-tokenizer\.json has the special words .*ModernBERT's has"):
        pe_av.tokenizer(settings)


def test_a_smaller_model_is_refused(settings: Settings) -> None:
    save(make_reference(), settings)
    build = partial(pe_av.Audio, DIM, CODEC, **AUDIO | {"num_hidden_layers": 1})
    with pytest.raises(WeightsError, match=r"audio_model\.audio_encoder\.layers has 2 layers, not 1"):
        replace(pe_av.PE_AV_AUDIO, width=DIM, build=build).load(settings, "random")


def test_the_head_is_a_norm_and_a_matrix() -> None:
    torch.manual_seed(0)
    head, rows = pe_av.Head(8, 3), torch.randn(5, 8)
    expected = functional.layer_norm(rows, (8,), eps=1e-6) @ head.proj.weight.T
    torch.testing.assert_close(head(rows), expected)
