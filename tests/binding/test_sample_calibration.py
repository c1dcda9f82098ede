"""Sample calibration: made once from the samples, stored beside the weights, and as good as a stored one."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from omnisearch.binding import calibrate_with_samples, sample_calibration
from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.errors import WeightsError
from omnisearch.samples.material import Sample, count_samples, make_samples
from omnisearch.samples.things import THINGS
from omnisearch.spaces.families.hashed import COLORS, TextWords
from omnisearch.types import Content, Modality, PointCloud, Role, Waveform
from tests.conftest import Ended, write_hashed_model

TEXT, IMAGE, AUDIO, CLOUD = Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.POINT_CLOUD
PARTS = (TEXT, IMAGE, AUDIO, CLOUD)


def simple(modality: Modality, thing: int) -> Content:
    color = list(COLORS.values())[thing % 7]
    if modality is IMAGE:
        return np.full((8, 8, 3), color, np.uint8)
    if modality is AUDIO:
        return Waveform(np.sin(np.arange(800) * (0.02 + 0.01 * (thing % 60))).astype(np.float32), 8000)
    points = np.random.default_rng(thing).uniform(-0.5, 0.5, (50, 3)).astype(np.float32)
    return PointCloud(points, np.full((50, 3), np.array(color) / 255, np.float32), np.zeros((1, 4, 4, 3), np.uint8))


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model without weights that is calibrated with samples that cost nothing; returns its folder."""

    def samples(modality: Modality, things: Sequence[str]) -> Iterator[Sample]:
        if modality is TEXT:
            yield from make_samples(modality, things)
        for i, thing in enumerate(things if modality is not TEXT else ()):
            yield Sample(thing, "drawing", simple(modality, i))

    monkeypatch.setattr(calibrate_with_samples, "make_samples", samples)
    folder = write_hashed_model(tmp_path / "toy")
    config = json.loads((folder / "model.json").read_text()) | {"calibration": "samples", "centred": PARTS}
    (folder / "model.json").write_text(json.dumps(config))
    (folder / "model.safetensors").unlink()
    return folder


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that a calibration is computed."""
    calls: list[int] = []
    compute = calibrate_with_samples.calibrate_with_samples

    def counted(*args: object) -> sample_calibration.SampleCalibration:
        calls.append(1)
        return compute(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(calibrate_with_samples, "calibrate_with_samples", counted)
    return calls


class Count:
    total = done = 0

    def start(self, total: int, files: int = 0) -> None:
        self.total = total

    def advance(self, count: int, files: int = 0) -> None:
        self.done += count


def stored(settings: Settings) -> list[Path]:
    return sorted((settings.weights_dir / "calibration").glob("*.safetensors"))


def test_the_first_load_makes_what_a_trained_model_has_and_the_second_reads_it(model: Path, made: list[int]) -> None:
    settings, meter = load_settings(), Count()
    first = OmniBind.load(str(model), settings, meter=meter)
    assert meter.done > 0
    second = OmniBind.load(str(model), settings)
    assert len(made) == 1
    assert first.fingerprint == second.fingerprint
    for one in (first, second):
        assert set(one.background) == {*PARTS, Modality.VIDEO}
        assert {IMAGE, AUDIO, CLOUD, TEXT} <= set(one.config.relevance)
    assert second.config == first.config
    rows = [each.encode(IMAGE, [simple(IMAGE, i) for i in range(7)], Role.DOCUMENT) for each in (first, second)]
    np.testing.assert_array_equal(*rows)
    np.testing.assert_allclose(second.background[IMAGE], first.background[IMAGE], atol=1e-3)


def test_embeddings_are_centred_by_the_mean_of_the_samples(model: Path) -> None:
    loaded = OmniBind.load(str(model), load_settings())
    bare = loaded.varied({}, ())
    contents = [simple(IMAGE, i) for i in range(len(THINGS))]
    centred, before = (each.encode(IMAGE, contents, Role.DOCUMENT).mean(axis=0) for each in (loaded, bare))
    assert np.linalg.norm(centred) < 0.1 < 0.3 < np.linalg.norm(before)


def test_the_fingerprint_depends_on_the_version_of_the_samples_but_not_on_stored_numbers(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load_settings()
    before = OmniBind.load(str(model), settings).fingerprint
    stored(settings)[0].unlink()
    assert OmniBind.load(str(model), settings).fingerprint == before
    monkeypatch.setattr("omnisearch.binding.model.VERSION", 999)
    assert OmniBind.load(str(model), settings).fingerprint != before
    assert len(stored(settings)) == 2


def test_a_modality_without_weights_here_is_calibrated_once_it_has_them(
    model: Path, made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, resolved = load_settings(), set(PARTS) - {IMAGE}

    monkeypatch.setattr(OmniBind, "_is_pulled", lambda self, part, settings: part in resolved)
    blind = OmniBind.load(str(model), settings)
    assert set(blind.background) == {TEXT, AUDIO, CLOUD}
    resolved.add(IMAGE)
    seeing = OmniBind.load(str(model), settings)
    assert set(seeing.background) >= set(PARTS)
    assert (len(made), seeing.fingerprint) == (2, blind.fingerprint)
    texts = ["a red thing"]
    np.testing.assert_array_equal(*(each.encode(TEXT, texts, Role.QUERY) for each in (blind, seeing)))


@pytest.mark.parametrize("damage", [b"", b"no tensors", None])
def test_a_damaged_file_is_made_again(model: Path, made: list[int], damage: bytes | None) -> None:
    settings = load_settings()
    OmniBind.load(str(model), settings)
    (path,) = stored(settings)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] if damage is None else damage)
    OmniBind.load(str(model), settings)
    assert len(made) == 2
    assert path.read_bytes() == whole


@pytest.mark.parametrize("damage", ["nan", "width", "part", "unknown", "numbers"])
def test_a_file_that_does_not_fit_is_made_again(model: Path, made: list[int], damage: str) -> None:
    settings = load_settings()
    OmniBind.load(str(model), settings)
    (path,) = stored(settings)
    whole = path.read_bytes()
    rows = load_file(path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    if damage == "nan":
        rows["mean.image"][0] = torch.nan
    elif damage == "width":
        rows["background.image"] = rows["background.image"][:, :-1].contiguous()
    elif damage == "part":
        del rows["mean.image"]
    elif damage == "unknown":
        rows["mean.smell"] = rows["mean.image"].clone()
    else:
        rows["mean.image"] = rows["mean.image"].bfloat16()
    save_file(rows, path, metadata)
    OmniBind.load(str(model), settings)
    assert len(made) == 2
    assert path.read_bytes() == whole


def test_of_two_that_need_it_at_once_one_makes_it(model: Path, made: list[int]) -> None:
    settings = load_settings()
    threads = [threading.Thread(target=OmniBind.load, args=(str(model), settings)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


@pytest.mark.parametrize("obstacle", ["file", "disk"])
def test_a_folder_that_cannot_be_written_is_named_and_the_model_works(
    model: Path, made: list[int], obstacle: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load_settings()
    if obstacle == "file":  # root may write to any folder
        settings.weights_dir.mkdir(parents=True)
        (settings.weights_dir / "calibration").write_text("in the way")
    else:
        full = OSError(28, "No space left on device")
        monkeypatch.setattr(sample_calibration.tensors, "write", lambda *args: (_ for _ in ()).throw(full))
    with caplog.at_level(logging.WARNING):
        loaded = OmniBind.load(str(model), settings)
    assert loaded.config.relevance
    assert len(made) == 1
    assert str(settings.weights_dir / "calibration") in caplog.text
    assert "set weights_dir to another folder" in caplog.text


def test_numbers_that_are_not_finite_are_refused_by_space_and_modality(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TextWords, "features", lambda self, contents: np.full((len(contents), 256), np.nan, np.float32))
    with pytest.raises(WeightsError, match=r"space hashed gives numbers that are not finite for text: set precision"):
        OmniBind.load(str(model), load_settings())
    assert stored(load_settings()) == []


def test_a_model_with_stored_calibration_makes_none(hashed_model: Path, made: list[int]) -> None:
    assert OmniBind.load(str(hashed_model), load_settings()).background == {}
    assert made == []


@pytest.mark.parametrize("modality", [TEXT, IMAGE, AUDIO, Modality.VIDEO])
def test_the_material_is_as_many_as_it_says_and_the_same_every_time(modality: Modality) -> None:
    things = ("heart", "rain")  # of which there are no models to render
    one, two = (list(make_samples(modality, things)) for _ in range(2))
    assert len(one) == len(two) == count_samples(modality, things)
    for a, b in zip(one, two, strict=True):
        assert (a.thing, a.depiction) == (b.thing, b.depiction)
        for part in ("samples", "frames"):
            np.testing.assert_array_equal(*(getattr(each.content, part, ()) for each in (a, b)))
        if isinstance(a.content, np.ndarray | str):
            np.testing.assert_array_equal(a.content, b.content)


@pytest.mark.slow
def test_objects_are_as_many_as_they_say() -> None:
    for thing in THINGS:
        found = list(make_samples(CLOUD, (thing,)))
        assert len(found) == count_samples(CLOUD, (thing,))
        assert all(np.isfinite(each.content.points).all() for each in found if isinstance(each.content, PointCloud))


def test_the_first_index_calibrates_before_it_reads_files(
    model: Path, made: list[int], tmp_path: Path, run_here: Callable[..., Ended]
) -> None:
    (tmp_path / "a.txt").write_text("red")
    done = run_here("index", tmp_path / "a.txt", "--model", model)
    assert done.returncode == 0, done.stderr
    assert len(made) == 1
    done = run_here("search", "red", "--model", model, "--format", "json")
    assert len(made) == 1
    assert json.loads(done.stdout)[0]["relevance"] > 0
