"""Our CLAP is LAION's own package, from samples and texts to unit rows, where that package is installed.

`pip install 'omnisearch[laion,paper]'` in an environment of its own: it wants numpy below 2. No weights and no network:
the networks are small, and every number is random.
"""

import importlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor, nn
from torch.nn import functional

from omnisearch.config import Settings, load_settings
from omnisearch.spaces.families import clap
from omnisearch.spaces.nn import htsat, torchvision_shim
from omnisearch.spaces.pipeline import Loader
from omnisearch.spaces.weights import paper_files
from omnisearch.types import Content, Waveform
from tests.spaces.test_clap import SMALL, WORDS, shaken, small, sound

if importlib.util.find_spec("laion_clap") is None:
    pytest.skip("laion_clap is not installed", allow_module_level=True)
transformers = pytest.importorskip("transformers")
torchvision_shim.install()

pytestmark = pytest.mark.filterwarnings("ignore")

TOLERANCE = 1e-5
LENGTHS = (0.4, 3.0, 9.99, 10.0, 10.005, 10.02, 17.0, 31.0)  # seconds
TEXTS = ["a dog barks", "", "Don't  SHOUT, naïve café — 東京 🐶", "rain on a tin roof, " * 40, "it's\n\tx_y"]


def vocabulary() -> Any:
    """Return RoBERTa's tokenizer with as many words as the published one has, most of them never met."""
    merges = [("a", "i"), ("r", "ai"), ("Ġ", "t"), ("Ġ", "d"), ("o", "g"), ("Ġd", "og"), ("i", "n"), ("Ġt", "in")]
    words = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet()), *map("".join, merges)]
    words += [f"<{i}>" for i in range(clap.VOCABULARY - 1 - len(words))] + ["<mask>"]
    return transformers.RobertaTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=merges)


@pytest.fixture(scope="module")
def laion() -> Iterator[Any]:
    """Return the package, which on its own would ask the hub for vocabularies and for RoBERTa while it is imported."""
    words = vocabulary()
    config = transformers.RobertaConfig(
        vocab_size=clap.VOCABULARY, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5, **WORDS
    )
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BertTokenizer", "RobertaTokenizer", "BartTokenizer"):
            patch.setattr(getattr(transformers, name), "from_pretrained", lambda *args, **kwargs: words)
        patch.setattr(transformers.RobertaModel, "from_pretrained", lambda *args: transformers.RobertaModel(config))
        package = importlib.import_module("laion_clap")
        front_end = importlib.import_module("laion_clap.training.data")
        # It crops at random where we take the middle of where it may,
        patch.setattr(front_end.np.random, "choice", lambda places: places[len(places) // 2])
        patch.setattr(front_end.np.random, "randint", lambda low, high: (high - 1) // 2)
        # and it was trained when torchvision shrank spectrograms without smoothing them first.
        resize = partial(front_end.torchvision.transforms.Resize, antialias=False)
        patch.setattr(front_end.torchvision.transforms, "Resize", resize)
        yield package


@dataclass(frozen=True)
class Pair:
    """LAION's model, and the settings under which ours finds its tensors saved as LAION's training saves them."""

    theirs: Any
    settings: Settings


def pair(laion: Any, folder: Path, file: str, amodel: str, fusion: bool) -> Pair:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = importlib.import_module("clap_module.htsat").HTSAT_Swin_Transformer

    def create(config: Any, fused: bool, kind: str) -> Any:
        sizes = {"embed_dim": SMALL["patch_embeds_hidden_size"], "depths": SMALL["depths"]}
        return network(**sizes, config=config, enable_fusion=fused, fusion_type=kind)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("clap_module.model.create_htsat_model", create)
        patch.setitem(importlib.import_module("clap_module.factory")._MODEL_CONFIGS[amodel], "embed_dim", 256)
        theirs = laion.CLAP_Module(enable_fusion=fusion, amodel=amodel, device="cpu")
    theirs.model.text_projection[0] = nn.Linear(WORDS["hidden_size"], clap.DIM)
    for part in ("bn0", "patch_embed", "layers", "norm"):  # and not the kernels of its Fourier transform
        shaken(getattr(theirs.model.audio_branch, part))
    for part in ("audio_projection", "text_branch", "text_projection"):
        shaken(getattr(theirs.model, part))
    state = {f"module.{name}": tensor for name, tensor in theirs.model.state_dict().items()}
    torch.save({"epoch": 1, "name": amodel, "state_dict": state}, folder / file)
    theirs.tokenize._tokenizer.save(str(folder / paper_files.ROBERTA_TOKENIZER.name))
    return Pair(theirs, load_settings(weights_dir=folder, device="cpu"))


@pytest.fixture(scope="module")
def general(laion: Any, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(laion, tmp_path_factory.mktemp("general"), paper_files.CLAP_G.name, "HTSAT-tiny", True)


@pytest.fixture(scope="module")
def music(laion: Any, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair(laion, tmp_path_factory.mktemp("music"), paper_files.CLAP_M.name, "HTSAT-base", False)


def report(what: str, ours: Any, theirs: Any) -> None:
    difference, size = np.abs(ours - theirs).max(), np.abs(theirs).max()
    print(f"{what}: largest difference {difference:.1e} of {size:.2f}")  # noqa: T201
    assert difference < TOLERANCE


def unit(rows: Any) -> Any:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def check_sounds(what: str, loader: Loader, pair: Pair) -> None:
    waves: list[Content] = [sound(seconds) for seconds in LENGTHS]
    theirs = pair.theirs.get_audio_embedding_from_data([wave.samples for wave in waves])  # type: ignore[union-attr]
    assert np.abs(theirs[1:] - theirs[:-1]).max(1).min() > 10 * TOLERANCE, "every sound is told from the next"
    build = partial(htsat.network, clap.DIM, pair.theirs.enable_fusion, **SMALL)
    report(what, unit(small(loader, build=build).load(pair.settings, "random").features(waves)), theirs)


def check_texts(what: str, loader: Loader, pair: Pair) -> None:
    theirs = pair.theirs.get_text_embedding(TEXTS)
    assert np.abs(theirs[1:] - theirs[:-1]).max(1).min() > 100 * TOLERANCE
    tower = small(loader, build=partial(clap.text_network, **WORDS)).load(pair.settings, "random")
    report(what, unit(tower.features(TEXTS)), theirs)


def test_general_sounds(general: Pair) -> None:
    check_sounds("clap_g_audio", clap.CLAP_G_AUDIO, general)


def test_general_texts(general: Pair) -> None:
    check_texts("clap_g_text", clap.CLAP_G_TEXT, general)


def test_music(music: Pair) -> None:
    check_sounds("clap_m_audio", clap.CLAP_M_AUDIO, music)


def test_texts_of_music(music: Pair) -> None:
    check_texts("clap_m_text", clap.CLAP_M_TEXT, music)


def test_tokens_are_laions(general: Pair) -> None:
    ids, mask = clap.tokenizer(general.settings)(TEXTS)
    theirs = general.theirs.tokenizer(TEXTS)
    assert theirs["input_ids"].shape == (len(TEXTS), clap.TOKENS)
    assert ids.shape[1] == clap.TOKENS, "one of the texts is cut"
    assert torch.equal(ids, theirs["input_ids"])
    assert torch.equal(mask, theirs["attention_mask"])


def test_samples_are_rounded_as_laion_rounds_them(laion: Any) -> None:
    samples = np.concatenate([np.linspace(-1.2, 1.2, 100_001), np.arange(-32_769, 32_769) / 32_767]).astype(np.float32)
    theirs = laion.hook.int16_to_float32(laion.hook.float32_to_int16(samples))
    assert np.array_equal(clap.rounded(torch.from_numpy(samples)).numpy(), theirs)


def test_spectrograms_and_what_counts_as_long(laion: Any, general: Pair) -> None:
    waves: list[Content] = [sound(seconds) for seconds in LENGTHS]
    frames, longer = clap.sounds(True, general.settings)(waves)
    for wave, ours, is_long in zip(waves, frames, longer, strict=True):
        assert isinstance(wave, Waveform)
        samples = torch.from_numpy(laion.hook.int16_to_float32(laion.hook.float32_to_int16(wave.samples)))
        cfg = general.theirs.model_cfg["audio_cfg"]
        theirs = laion.hook.get_audio_features({}, samples, clap.LENGTH, "fusion", "repeatpad", cfg)
        assert torch.equal(is_long, theirs["longer"])
        close(ours, theirs["mel_fusion"])


def close(ours: Tensor, theirs: Tensor) -> None:
    """Compare decibels: what lies 120 below the loudest is rounding, of which each transform has its own."""
    assert ours.shape == theirs.shape
    floor = float(theirs.max()) - 120
    assert float((ours.clamp(min=floor) - theirs.clamp(min=floor)).abs().max()) < 1e-2
    ours, theirs = (functional.relu(each - floor).flatten().double() for each in (ours, theirs))
    assert float((ours - theirs).norm() / theirs.norm()) < TOLERANCE
