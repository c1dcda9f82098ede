"""`everyday`: EmbeddingGemma 2 by configuration alone, without training, for every modality."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from omnisearch.binding import calibrate_with_samples, checkpoint, installed
from omnisearch.binding.model import OmniBind
from omnisearch.binding.plan import plan
from omnisearch.binding.sample_calibration import SampleCalibration
from omnisearch.cli.models import app
from omnisearch.config import Settings, TowerSettings, load_settings
from omnisearch.errors import CheckpointError, ModelMissingError, SettingsError
from omnisearch.spaces.families import embedding_gemma as gemma
from omnisearch.spaces.nn import torchvision_shim
from omnisearch.spaces.placement import place
from omnisearch.spaces.towers import TOWERS, load_tower, tower_fingerprint, unit
from omnisearch.spaces.weights import pull as pulling
from omnisearch.types import Clip, Floats, Modality, PointCloud, Role, Waveform
from tests.spaces import small_gemma

torchvision_shim.install()
pytest.importorskip("transformers")

TEXT, IMAGE, AUDIO, VIDEO, CLOUD = Modality
PROMPTS = {Role.QUERY: "task: search result | query: ", Role.DOCUMENT: "title: none | text: "}
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 40, 60, 3)).astype(np.uint8)
SOUND = Waveform(np.random.default_rng(1).normal(0, 0.1, 9_000).astype(np.float32), gemma.RATE)


class Reference:
    """The whole model through transformers: its own processor and states, their mean, unit rows (n, 768)."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._model = folder, small_gemma.write_model(folder)

    def rows(self, image: Any = None, **given: Any) -> Floats:
        inputs = small_gemma.processor(self._folder, image=image)(**given, return_tensors="pt")
        return unit(small_gemma.mean(self._model, **inputs))

    def images(self, pictures: Any, image: Any = None) -> Floats:
        return np.concatenate([self.rows(image, images=[Image.fromarray(picture)]) for picture in pictures])

    def sound(self, samples: Any) -> Floats:
        return self.rows(audio=[samples], sampling_rate=gemma.RATE)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    folder = tmp_path_factory.mktemp("gemma")
    small_gemma.write_tokenizer(folder)
    return Reference(folder)


@pytest.fixture
def settings(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Where the files of the scaled-down model lie, which our towers read."""
    small_gemma.patch(monkeypatch)
    # Without means, because transformers subtracts none.
    means = {part: np.zeros(768, np.float32) for part in (TEXT, IMAGE, AUDIO, CLOUD)}
    monkeypatch.setattr("omnisearch.binding.model.find_or_make", lambda *given: SampleCalibration(means, {}, {}, {}))
    return load_settings(weights_dir=reference._folder, device="cpu", model="everyday")


def same(found: Floats, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, atol=1e-5)


def mean_direction(rows: Floats) -> Floats:
    return unit(rows.sum(axis=0, keepdims=True))


@pytest.mark.parametrize("role", Role)
def test_texts_in_a_role_are_transformers_with_the_prompt(role: Role, reference: Reference, settings: Settings) -> None:
    texts = ["dog", "cat dog"]
    expected = reference.rows(text=[PROMPTS[role] + text for text in texts])
    same(OmniBind.load("everyday", settings).encode(TEXT, texts, role), expected)


def test_a_picture_is_transformers(reference: Reference, settings: Settings) -> None:
    found = OmniBind.load("everyday", settings).encode(IMAGE, [*PICTURES], Role.DOCUMENT)
    same(found, reference.images(PICTURES))


@pytest.mark.parametrize("tokens", [70, 140])
def test_the_budget_of_tokens_is_the_processors(tokens: int, reference: Reference, settings: Settings) -> None:
    from transformers import Gemma4ImageProcessorPil

    default = OmniBind.load("everyday", settings)
    fewer = settings.model_copy(update={"towers": {"embedding_gemma_image": TowerSettings(tokens=tokens)}})
    model = OmniBind.load("everyday", fewer)
    assert model.fingerprint != default.fingerprint
    expected = reference.images(PICTURES[:1], Gemma4ImageProcessorPil(max_soft_tokens=tokens))
    same(model.encode(IMAGE, [PICTURES[0]], Role.DOCUMENT), expected)
    assert not np.allclose(default.encode(IMAGE, [PICTURES[0]], Role.DOCUMENT), expected, atol=1e-3)


@pytest.mark.parametrize(("tower", "said"), [("embedding_gemma_image", "takes 70, 140"), ("minilm", "has no budget")])
def test_another_budget_is_refused(tower: str, said: str) -> None:
    settings = load_settings(towers={tower: TowerSettings(tokens=300)})
    with pytest.raises(SettingsError, match=rf"^setting towers\.{tower}\.tokens = 300: this tower {said}"):
        place(TOWERS[tower], settings)


def test_views_are_of_another_fingerprint_where_the_budget_is(settings: Settings) -> None:
    fewer = settings.model_copy(update={"towers": {"embedding_gemma_image": TowerSettings(tokens=70)}})
    assert tower_fingerprint("embedding_gemma_views", fewer) != tower_fingerprint("embedding_gemma_views", settings)
    assert tower_fingerprint("embedding_gemma_text", fewer) == tower_fingerprint("embedding_gemma_text", settings)


@pytest.mark.parametrize(("seconds", "windows"), [(0.5, 1), pytest.param(70, 3, marks=pytest.mark.slow)])
def test_a_long_sound_is_the_mean_direction_of_equal_windows(
    seconds: float, windows: int, reference: Reference, settings: Settings
) -> None:
    samples = np.random.default_rng(2).normal(0, 0.1, int(seconds * gemma.RATE)).astype(np.float32)
    expected = mean_direction(np.concatenate([reference.sound(part) for part in np.array_split(samples, windows)]))
    found = OmniBind.load("everyday", settings).encode(AUDIO, [Waveform(samples, gemma.RATE), SOUND], Role.DOCUMENT)
    same(found, np.concatenate([expected, reference.sound(SOUND.samples)]))


@pytest.mark.slow
def test_an_object_is_the_mean_direction_of_its_views(reference: Reference, settings: Settings) -> None:
    cloud = PointCloud(np.zeros((4, 3), np.float32), None, PICTURES)
    found = OmniBind.load("everyday", settings).encode(CLOUD, [cloud], Role.DOCUMENT)
    same(found, mean_direction(reference.images(PICTURES)))


@pytest.mark.slow
def test_a_video_is_its_frames_and_its_sound_track(reference: Reference, settings: Settings) -> None:
    seen, heard = mean_direction(reference.images(PICTURES)), reference.sound(SOUND.samples)
    clips = [Clip(PICTURES, SOUND), Clip(PICTURES)]
    found = OmniBind.load("everyday", settings).encode(VIDEO, clips, Role.DOCUMENT)
    same(found, np.concatenate([unit(0.7 * seen + 0.3 * heard), seen]))


def test_its_text_network_is_in_memory_once(settings: Settings) -> None:
    text, image = (load_tower(f"embedding_gemma_{part}", settings) for part in ("text", "image"))
    assert image.network.language_model is text.network.language_model  # type: ignore[attr-defined]
    steps = plan(installed.find_config("everyday", settings), settings)
    assert sum({step.tower: step.parameters for step in steps}.values()) == 744_371_488
    views = [step.tower.removeprefix("embedding_gemma_") for step in steps if step.modality is CLOUD]
    assert views == ["text", "image", "views"]


def test_it_has_nothing_to_train(settings: Settings) -> None:
    model = OmniBind.load("everyday", settings)
    assert model.modalities == tuple(Modality)
    assert not (installed.find("everyday", load_settings()) / "model.safetensors").exists()


def test_a_model_with_tensors_does_not_load_without_them(tmp_path: Path) -> None:
    config = installed.find_config("everyday", load_settings())
    centred = config.model_copy(update={"calibration": "stored"})
    (tmp_path / "model.json").write_text(centred.model_dump_json())
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        checkpoint.read(tmp_path)


def test_without_weights_it_says_what_to_pull(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="omnisearch models pull embedding-gemma-2"):
        OmniBind.load("everyday", load_settings(weights_dir=tmp_path))


def test_one_pull_fetches_two_pinned_files(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(pulling, "pull_all", lambda specs, settings, begin: asked.extend(specs))
    done = CliRunner().invoke(app, ["pull", "everyday", "--license", "commercial"])
    assert done.exit_code == 0, done.output
    assert [spec.name for spec in asked] == ["embedding-gemma-2.safetensors", "embedding-gemma-2-tokenizer.json"]
    assert all(len(spec.sources[0].revision) == 40 for spec in asked)


@pytest.mark.slow
def test_its_calibration_is_made_from_the_samples(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    things = ("bell", "car", "clock", "dog", "drum", "train")  # those with a sound and a model
    small_gemma.patch(monkeypatch)
    compute = calibrate_with_samples.calibrate_with_samples
    monkeypatch.setattr(calibrate_with_samples, "calibrate_with_samples", partial(compute, things=things))
    settings = load_settings(weights_dir=reference._folder, device="cpu")
    model = OmniBind.load("everyday", settings)
    assert set(model.background) == set(Modality)
    assert set(model.config.relevance) == set(Modality)
    for part in (TEXT, IMAGE, AUDIO, CLOUD):
        assert np.linalg.norm(model.background[part].mean(axis=0)) < 0.5
    found = model.encode(TEXT, ["dog"], Role.QUERY)
    half = OmniBind.load("everyday", settings.model_copy(update={"dim": 128}))
    assert half.background[TEXT].shape[1] == 128
    same(half.encode(TEXT, ["dog"], Role.QUERY), unit(found[:, :128]))
