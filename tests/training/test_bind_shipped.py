"""Bind a shipped model by sentences alone: toy spaces with a modality gap, whose media were never seen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from omnisearch.binding import installed, model_facts
from omnisearch.binding.model import OmniBind
from omnisearch.binding.sample_calibration import SampleCalibration
from omnisearch.config import Settings, load_settings
from omnisearch.errors import ModelMissingError, UsageError
from omnisearch.spaces.base import SpaceSpec
from omnisearch.spaces.registry import SPACES
from omnisearch.types import Clip, Content, Floats, Modality, PointCloud, Role, Waveform
from omnisearch_training import bind_shipped, provenance
from omnisearch_training.cli import app
from omnisearch_training.datasets import DECLARATIONS, Record
from omnisearch_training.datasets.split import Split
from omnisearch_training.stages import features

TEXT, IMAGE, AUDIO, VIDEO, POINTS = (
    Modality.TEXT,
    Modality.IMAGE,
    Modality.AUDIO,
    Modality.VIDEO,
    Modality.POINT_CLOUD,
)
MEANING = 12  # numbers that say what a content means
NOTHING = np.zeros((0, 1, 1, 3), np.uint8)


def meaning(number: int) -> Floats:
    return np.random.default_rng(number).normal(size=MEANING).astype(np.float32)


def content(modality: Modality, number: int) -> Content:
    rows = meaning(number)
    sound = Waveform(rows, 48_000)
    return {
        TEXT: f"thing {number}",
        IMAGE: np.clip(rows * 40 + 128, 0, 255).astype(np.uint8)[None, :, None].repeat(3, 2),
        AUDIO: sound,
        VIDEO: Clip(np.zeros((1, 1, MEANING, 3), np.uint8), sound),
        POINTS: PointCloud(rows.reshape(-1, 3), None, NOTHING),
    }[modality]


def read(each: Content) -> Floats:
    match each:
        case str():
            return meaning(int(each.split()[-1]))
        case Waveform():
            return each.samples
        case Clip() if each.sound:
            return each.sound.samples
        case PointCloud():
            return each.points.reshape(-1)
        case np.ndarray():
            return (each[0, :, 0].astype(np.float32) - 128) / 40
    raise AssertionError(each)


class Tower:
    """Meanings as they are."""

    name, width, fingerprint = "meaning", MEANING, "meaning"

    def features(self, contents: Sequence[Content]) -> Floats:
        return np.array([read(each) for each in contents], np.float32).reshape(len(contents), MEANING)


class Toy:
    """A space that maps meanings by a matrix of its own, and shifts each modality by a gap of its own.

    The toy of the anchor sees texts and images only: its other modalities are absent.
    """

    def __init__(self, spec: SpaceSpec) -> None:
        self.spec, self.fingerprint = spec, spec.name
        draw = np.random.default_rng(len(spec.name))
        self._map = draw.normal(size=(MEANING, spec.dim))
        # The gaps lie among the meanings, so that what has not been centred means something else.
        self._gaps = {modality: 3 * draw.normal(size=MEANING) @ self._map for modality in spec.towers}

    def tower(self, modality: Modality) -> Tower:
        return Tower()

    def project(self, modality: Modality, rows: Floats) -> Floats:
        if self.spec.name == "embedding_gemma" and modality not in (TEXT, IMAGE):
            return np.zeros((len(rows), self.spec.dim), np.float32)
        gap = 0 if self.spec.name == "embedding_gemma" else self._gaps[modality]
        shifted = rows / np.linalg.norm(rows, axis=1, keepdims=True) * MEANING**0.5 @ self._map + gap
        return (shifted / np.linalg.norm(shifted, axis=1, keepdims=True)).astype(np.float32)


def load_toy(name: str, settings: Settings) -> Toy:
    return Toy(SPACES[name])


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> OmniBind:
    folder = tmp_path_factory.mktemp("bound")
    records = [Record(f"s/{n}", f"s/{n}", Split.TRAIN, (f"thing {n}",), {}, "none") for n in range(1000, 1300)]
    settings = load_settings(weights_dir=folder / "weights")
    shown = {part: [content(part, n) for n in range(2000, 2300)] for part in (AUDIO, VIDEO, POINTS)}
    out = installed.models_dir(settings) / "studio"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bind_shipped, "fetch", lambda declaration, root: records)
        patch.setattr(bind_shipped, "load_space", load_toy)
        patch.setattr(bind_shipped, "check_weights", lambda spaces, settings: None)
        patch.setattr(provenance, "provenance", lambda *given: {})
        patch.setattr(features, "load_tower", lambda name, settings: Tower())
        patch.setattr(features, "prompted", lambda tower, texts, role: texts)
        bind_shipped.bind_shipped("studio", settings, folder / "data", out, shown.__getitem__)
        patch.setattr("omnisearch.binding.model.find_or_make", lambda *given: SampleCalibration({}, {}, {}, {}))
        return OmniBind.load("studio", settings, load_toy)


@pytest.mark.parametrize("part", [AUDIO, VIDEO, POINTS])
def test_media_find_texts_though_only_texts_were_read(bound: OmniBind, part: Modality) -> None:
    model, unseen = bound, range(30)
    asked = model.encode(TEXT, [content(TEXT, n) for n in unseen], Role.QUERY)
    found = model.encode(part, [content(part, n) for n in unseen], Role.DOCUMENT)
    assert ((asked @ found.T).argmax(1) == np.arange(30)).mean() > 0.9, "chance is a thirtieth"


def test_sounds_find_videos(bound: OmniBind) -> None:
    model, unseen = bound, range(30)
    sounds, videos = (model.encode(m, [content(m, n) for n in unseen], Role.DOCUMENT) for m in (AUDIO, VIDEO))
    assert ((sounds @ videos.T).argmax(1) == np.arange(30)).mean() > 0.9


@pytest.mark.parametrize("part", [TEXT, IMAGE])
def test_native_routes_stay_native(bound: OmniBind, part: Modality) -> None:
    some = [content(part, n) for n in range(5)]
    gemma = load_toy("embedding_gemma", load_settings())
    expected = gemma.project(part, Tower().features(some))
    np.testing.assert_allclose(bound.encode(part, some, Role.DOCUMENT), expected, atol=1e-6)


def test_every_binding_is_of_a_shipped_model_and_its_datasets() -> None:
    for name in bind_shipped.bindings():
        config, model = bind_shipped.read_binding(name), installed.find_config(name, load_settings())
        assert {config.anchor, *config.spaces} == set(model.projectors)
        assert set(config.datasets) <= set(DECLARATIONS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["studios"], "neither a shipped model that is bound by texts (studio) nor a recipe; did you mean 'studio'?"),
        (["studio", "--base", "x"], "leave out --base"),
        ([__file__, "--out", "x"], "a recipe needs --base"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], said: str) -> None:
    error = CliRunner().invoke(app, ["bind", *arguments]).exception
    assert isinstance(error, UsageError)
    assert said in str(error)


def test_missing_weights_are_named_with_the_command_that_pulls_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISEARCH_WEIGHTS_DIR", str(tmp_path))
    error = CliRunner().invoke(app, ["bind", "studio"]).exception
    assert isinstance(error, ModelMissingError)
    assert "run `omnisearch models pull embedding_gemma pe_av_small uni3d_b`" in str(error)
    assert "pe-av-small.safetensors" in str(error)


def test_an_unbound_model_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(weights_dir=tmp_path)
    with pytest.raises(ModelMissingError, match=r"not trained: .*models/studio.*`omnisearch train bind studio`"):
        OmniBind.load("studio", settings)
    monkeypatch.setattr(model_facts, "weight_files", lambda *given: ())
    assert model_facts.model_facts("studio", settings).command == "omnisearch train bind studio"
