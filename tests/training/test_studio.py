"""studio from nothing: tiny random networks of its three spaces, bound by sentences, then asked with every modality."""

from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from torch import nn

from omnisearch.binding import installed
from omnisearch.binding.model import OmniBind
from omnisearch.binding.sample_calibration import SampleCalibration
from omnisearch.config import Settings, load_settings
from omnisearch.spaces.base import encode
from omnisearch.spaces.families import openclip, pe_av, pe_av_small, uni3d
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.nn import uni3d as uni3d_net
from omnisearch.spaces.weights import modern_files
from omnisearch.types import Clip, Content, Modality, PointCloud, Role, Waveform
from omnisearch_training import bind_shipped
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import Split
from tests.spaces import small_gemma, small_pe_av

torchvision_shim.install()
# Slow for its imports, too: they wait for the first test.
pytestmark = [
    pytest.mark.slow,
    *(
        pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed")
        for name in ("transformers", "open_clip")
    ),
]

DIM = 1024  # of PE-AV and of Uni3D
WORDS = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "dog": 4, "cat": 5}
PE_AV_TEXT = {"hidden_size": DIM, "num_hidden_layers": 1, "vocab_size": 64, "pad_token_id": 0}
EVA_TEXT = {"text_cfg": {"layers": 1, "width": 64, "heads": 4}}


def small_points() -> nn.Module:
    shape = {"depth": 1, "embed_dim": 64, "num_heads": 4, "img_size": 28}
    return uni3d_net.PointEncoder(uni3d_net.trunk("eva02_base_patch14_448", **shape), 64, dim=DIM, near=8)


def random(network: nn.Module, prefix: str) -> dict[str, torch.Tensor]:
    """Random tensors, positive where they are variances."""
    return {f"{prefix}{name}": 0.1 * torch.randn(t.shape).abs() + 0.01 for name, t in network.state_dict().items()}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Where the files of the scaled-down networks lie, which the towers read."""
    torch.manual_seed(0)
    small_gemma.write_tokenizer(tmp_path)
    small_gemma.write_model(tmp_path)
    small_gemma.patch(monkeypatch)
    small_pe_av.save(small_pe_av.make(**PE_AV_TEXT), tmp_path)
    monkeypatch.setattr(pe_av, "SPECIAL", {word: WORDS[word] for word in ("[CLS]", "[SEP]", "[PAD]")})
    words = Tokenizer(WordLevel(WORDS, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    ends = [("[CLS]", WORDS["[CLS]"]), ("[SEP]", WORDS["[SEP]"])]
    words.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    words.save(str(tmp_path / modern_files.PE_AV_TOKENIZER.name))
    build = partial(pe_av_small.Text, DIM, **small_pe_av.TEXT | PE_AV_TEXT)
    monkeypatch.setattr(pe_av_small, "PE_AV_SMALL_TEXT", replace(pe_av_small.PE_AV_SMALL_TEXT, build=build))

    def media(sizes: pe_av_small.Sizes) -> nn.Module:
        return pe_av_small.Media(DIM, sizes, small_pe_av.CODEC, small_pe_av.VISION)

    monkeypatch.setattr(pe_av_small, "PE_AV_SMALL_MEDIA", replace(pe_av_small.PE_AV_SMALL_MEDIA, build=media))
    for name, value in (("build_base", small_points), ("POINTS", 300), ("CENTRES", 16)):
        monkeypatch.setattr(uni3d, name, value)
    torch.save({"module": random(small_points(), "point_encoder.")}, tmp_path / modern_files.UNI3D_B.name)
    eva: Any = openclip.EVA_E14P_TEXT
    small_eva = partial(openclip.text_part, openclip.EVA_E, **EVA_TEXT)
    file = replace(eva.weights, size=None, name="eva-text.pt")
    monkeypatch.setattr(openclip, "EVA_E14P_TEXT", replace(eva, build=small_eva, weights=file))
    torch.save(random(small_eva(), "text."), tmp_path / file.name)
    return load_settings(weights_dir=tmp_path, device="cpu", license="commercial")


def contents() -> dict[Modality, list[Content]]:
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (4, 40, 60, 3)).astype(np.uint8)
    waves = [Waveform(draw.normal(0, 0.1, n).astype(np.float32), 48_000) for n in (9_000, 20_000)]
    clouds = [PointCloud(draw.normal(size=(n, 3)).astype(np.float32), None, images[:2]) for n in (50, 400)]
    return {
        Modality.TEXT: ["a dog", "cat cat"],
        Modality.IMAGE: [*images],
        Modality.AUDIO: [*waves],
        Modality.VIDEO: [Clip(images[:3], waves[0]), Clip(images[2:])],
        Modality.POINT_CLOUD: [*clouds],
    }


def test_tiny_random_networks_are_bound_and_answer_for_every_modality(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["dog " * (n % 7 + 1) + "cat " * (n // 7) for n in range(60)]
    records = [Record(f"s/{n}", f"s/{n}", Split.TRAIN, (line.strip(),), {}, "none") for n, line in enumerate(lines)]
    monkeypatch.setattr(bind_shipped, "fetch", lambda declaration, root: records)
    monkeypatch.setattr(bind_shipped, "check_weights", lambda spaces, settings: None)  # EVA's file has another name
    given = contents()
    out = installed.models_dir(settings) / "studio"
    bind_shipped.bind_shipped("studio", settings, tmp_path / "data", out, given.__getitem__)
    # Calibration with the samples that ship takes minutes: `tests/binding/test_sample_calibration.py` tests it.
    monkeypatch.setattr("omnisearch.binding.model.find_or_make", lambda *given: SampleCalibration({}, {}, {}, {}))
    model = OmniBind.load("studio", settings)
    assert model.modalities == tuple(given)
    found = {modality: model.encode(modality, some, Role.DOCUMENT) for modality, some in given.items()}
    for modality, rows in found.items():
        assert rows.shape == (len(given[modality]), 768)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    native = encode(model.spaces["embedding_gemma"], Modality.IMAGE, given[Modality.IMAGE])
    np.testing.assert_allclose(found[Modality.IMAGE], native, atol=1e-6)
    parts = model.factors(Modality.VIDEO, model.encode_spaces(Modality.VIDEO, given[Modality.VIDEO], Role.DOCUMENT))
    assert {name for name, rows in parts.items() if rows[0] > 0} == {
        "image:embedding_gemma",
        "audio:embedding_gemma",
        "audio:pe_av_small",
        "video:pe_av_small",
    }
