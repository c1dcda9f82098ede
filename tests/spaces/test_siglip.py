"""SigLIP's towers are transformers', and so are its pictures and its words."""

from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from omnisearch.config import Settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.families import siglip
from omnisearch.spaces.nn import pixels, torchvision_shim
from omnisearch.spaces.weights import paper_files
from omnisearch.types import Content

# Slow for its imports: transformers' wait for the first test.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed"),
]

SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
IMAGE = SHAPE | {"patch_size": 96}
TEXTS = ["A dog, barking!", "  two\tCATS & a café ", "red blue " * 60, "", "▁odd </s> <unk>"]


@pytest.fixture(scope="module", autouse=True)
def transformers() -> Any:
    torchvision_shim.install()
    return import_module("transformers")


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small vocabulary with the special words where SigLIP's has them."""
    sentencepiece = pytest.importorskip("sentencepiece")
    path = tmp_path_factory.mktemp("words") / "toy"
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a dog barking two cats and a café red blue odd s unk " * 3] * 20),
        model_prefix=str(path),
        vocab_size=40,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        hard_vocab_limit=False,
        minloglevel=3,
    )
    return path.with_suffix(".model")


def images() -> list[Content]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3)).astype(np.uint8) for size in ((384, 384), (50, 301), (400, 77))]


def test_the_towers_are_transformers(transformers: Any, settings: Settings) -> None:
    text_config = SHAPE | {"projection_size": 32, "bos_token_id": None, "eos_token_id": 1, "pad_token_id": 1}
    config = transformers.SiglipConfig(text_config=text_config, vision_config=IMAGE | {"image_size": 384})
    reference = transformers.SiglipModel(config).eval()
    state = reference.state_dict()
    assert {"vision_model.head.probe", "text_model.head.weight", "logit_bias"} <= set(state), "the hub's names"
    from safetensors.torch import save_file

    save_file(state, settings.weights_dir / paper_files.SIGLIP_L.name)
    processor = transformers.SiglipImageProcessorPil(size={"height": 384, "width": 384})
    batch = processor([Image.fromarray(np.asarray(i)) for i in images()], return_tensors="pt").pixel_values
    found = pixels.batch(images(), pixels.squash, 384, pixels.HALF, pixels.HALF)
    torch.testing.assert_close(found, batch, atol=1e-6, rtol=0)
    ids = torch.randint(2, 32_000, (3, 64))

    def prepare(settings: Settings) -> Any:
        return lambda contents: (ids[: len(contents)],)

    weights = replace(paper_files.SIGLIP_L, size=None)  # the published file is larger
    image = replace(siglip.SIGLIP_L_IMAGE, weights=weights, width=32, build=partial(siglip.image_network, **IMAGE))
    text = replace(siglip.SIGLIP_L_TEXT, weights=weights, width=32, build=partial(siglip.text_network, **SHAPE))
    text = replace(text, prepare=prepare)
    with torch.inference_mode():
        seen = reference.get_image_features(pixel_values=batch).pooler_output.numpy()
        read = reference.get_text_features(input_ids=ids).pooler_output.numpy()
    np.testing.assert_allclose(image.load(settings, "x").features(images()), seen, atol=1e-5)
    np.testing.assert_allclose(text.load(settings, "x").features(["a", "b", "c"]), read, atol=1e-5)


def test_a_tower_needs_no_other(settings: Settings, transformers: Any) -> None:
    from safetensors.torch import save_file

    vision = transformers.SiglipVisionModel(transformers.SiglipVisionConfig(image_size=384, **IMAGE)).eval()
    state = {f"vision_model.{name.removeprefix('vision_model.')}": t for name, t in vision.state_dict().items()}
    save_file(state, settings.weights_dir / paper_files.SIGLIP_L.name)
    weights = replace(paper_files.SIGLIP_L, size=None)
    build = partial(siglip.image_network, **IMAGE)
    tower = replace(siglip.SIGLIP_L_IMAGE, weights=weights, width=32, build=build).load(settings, "x")
    assert tower.features(images()).shape == (3, 32)
    build = partial(siglip.text_network, **SHAPE)
    text = replace(siglip.SIGLIP_L_TEXT, weights=weights, build=build, prepare=lambda settings: pytest.fail)
    with pytest.raises(WeightsError, match=r"text_model\.\S+ is missing"):
        text.load(settings, "x")


def test_the_activation_is_the_approximation_by_tanh() -> None:
    approximated = 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * 1.044715))  # at 1, where exact GELU is 1.5e-4 higher
    for network in (siglip.image_network(**IMAGE), siglip.text_network(**SHAPE)):
        found = network.get_submodule("encoder.layers.0.mlp").activation_fn(torch.tensor(1.0))
        assert float(found) == pytest.approx(approximated, abs=1e-6)


@pytest.mark.filterwarnings("ignore")  # what transformers' tokenizer says of texts that hold its special words
def test_words_are_transformers_filled_up_to_64(
    transformers: Any, words: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = transformers.SiglipTokenizer(str(words))
    (settings.weights_dir / paper_files.SIGLIP_L_TOKENIZER.name).write_bytes(words.read_bytes())
    monkeypatch.setattr(siglip, "VOCABULARY", reference.vocab_size)
    (found,) = siglip.tokenizer(paper_files.SIGLIP_L_TOKENIZER, settings)(list(TEXTS))
    assert found.shape == (len(TEXTS), 64)
    options = {"padding": "max_length", "max_length": 64, "truncation": True}
    plain = [text for text in TEXTS if "<" not in text]  # where a text spells a special word, transformers reads it
    expected = torch.tensor(reference(plain, **options).input_ids)
    torch.testing.assert_close(found[: len(plain)], expected)
    assert (found[:, -1] == siglip.END).all()
    assert (found[TEXTS.index("")] == siglip.END).all()
    assert (found[2] != siglip.END).sum() == 63, "cut, and ended"


def test_a_shrunken_vocabulary_is_refused(words: Path, settings: Settings) -> None:
    (settings.weights_dir / paper_files.SIGLIP_L_TOKENIZER.name).write_bytes(words.read_bytes())
    with pytest.raises(WeightsError, match=r"siglip-large-spiece\.model has \d+ words, SigLIP's has 32000"):
        siglip.tokenizer(paper_files.SIGLIP_L_TOKENIZER, settings)
