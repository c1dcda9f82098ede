"""Released files: recognised by their shapes, refused by name, written as folders of ours."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from omnisearch.binding import checkpoint, official_checkpoint
from omnisearch.binding.model import OmniBind
from omnisearch.binding.official import BASE, FULL, LARGE, OFFICIAL, Official
from omnisearch.binding.official_checkpoint import import_file, layout, recognise
from omnisearch.binding.sample_calibration import SampleCalibration
from omnisearch.cli.models import app
from omnisearch.config import load_settings
from omnisearch.errors import CheckpointError, UsageError
from omnisearch.spaces.base import SpaceSpec
from omnisearch.spaces.weights.tensors import read_pickle
from omnisearch.types import Clip, Content, Floats, Modality, Role
from tests.binding.released import MODELS, PARTS, Formulas, hollow, random, rows, shapes

FILE = Path("projs.pt")


class Prepared:
    """A space of any of the models; content i of any modality is row i of what was prepared for it."""

    fingerprint = name = "prepared"
    width = 1

    def __init__(self, name: str, prepared: dict[str, torch.Tensor]) -> None:
        towers = dict.fromkeys(PARTS, "prepared")
        self.spec = SpaceSpec(name, prepared[name].shape[1], towers, frozenset(), "none", {})
        self._rows = prepared[name].numpy()

    def tower(self, modality: Modality) -> "Prepared":
        return self

    def features(self, contents: Sequence[Content]) -> Floats:
        return np.arange(len(contents), dtype=np.float32)[:, None]

    def project(self, modality: Modality, features: Floats) -> Floats:
        return self._rows[features[:, 0].astype(int)]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Official]:
    """The published models with few hidden units, as the only ones there are."""
    models = {model.name: replace(model, dim=16, hidden=8) for model in MODELS}
    monkeypatch.setattr(official_checkpoint, "OFFICIAL", models)
    return models


def save(tmp_path: Path, state: object) -> Path:
    torch.save(state, tmp_path / FILE)
    return tmp_path / FILE


@pytest.mark.parametrize(
    ("official", "tensors", "parameters"), [(BASE, 652, 224.0e6), (LARGE, 1338, 468.7e6), (FULL, 1338, 468.7e6)]
)
def test_the_layout_is_the_released_one(official: Official, tensors: int, parameters: float) -> None:
    found = {name: tuple(shape) for name, shape in layout(official).items()}
    assert found == shapes(official)
    assert len(found) == tensors
    trained = sum(math.prod(shape) for name, shape in found.items() if name.endswith(("weight", "bias")))
    assert trained == pytest.approx(parameters, abs=0.1e6)


@pytest.mark.parametrize("official", MODELS, ids=lambda model: model.name)
def test_a_file_is_recognised_by_its_shapes(official: Official, tmp_path: Path) -> None:
    path = save(tmp_path, hollow(official))
    assert recognise(read_pickle(path), path) is official


@pytest.mark.parametrize("official", MODELS, ids=lambda model: model.name)
def test_every_missing_and_every_misshapen_tensor_is_named(official: Official) -> None:
    state = hollow(official)
    lost = [name for name in state if name.startswith(("projs.8.", "T_enc_router.router.4."))]
    for name in lost:
        del state[name]
    state["ib_projs.3.Head2.mlps.0.weight"] = torch.zeros(2048, 512)
    with pytest.raises(CheckpointError, match=f"projs.pt is nearest to {official.name}") as caught:
        recognise(state, FILE)
    assert len(lost) == 14 + 5
    for name in lost:
        assert f"{name} is missing" in str(caught.value)
    assert "ib_projs.3.Head2.mlps.0.weight is (2048, 512) instead of (2048, 1024)" in str(caught.value)


def test_large_and_full_differ_in_the_router_of_images_alone() -> None:
    state = hollow(LARGE)
    state["V_enc_router.router.6.weight"] = torch.zeros(7, 100)
    with pytest.raises(CheckpointError, match=r"V_enc_router\.router\.6\.weight is \(7, 100\)"):
        recognise(state, FILE)


def test_another_network_s_file_is_refused() -> None:
    with pytest.raises(CheckpointError, match="none of its 1 tensors is one of omnibind-base, omnibind-large"):
        recognise({"Head2.mlps.0.weight": torch.zeros(2048, 1152)}, FILE)


@pytest.mark.parametrize("name", OFFICIAL)
def test_an_imported_file_is_a_model(small: dict[str, Official], name: str, tmp_path: Path) -> None:
    official, n = small[name], 4
    state, x = random(official), rows(official, n)
    made = import_file(save(tmp_path, {**state, "temperature": torch.ones(1)}), tmp_path / "out")
    assert made.config == checkpoint.read(tmp_path / "out").config == official.config
    assert made.extra == ("temperature",)
    model = OmniBind.load(str(tmp_path / "out"), load_settings(), lambda space, _: Prepared(space, x))
    for part in PARTS:
        found = model.encode(part, [""] * n, Role.QUERY)
        np.testing.assert_allclose(found, Formulas(official, state).embed(part, x), atol=1e-5)


@pytest.fixture(autouse=True)
def _no_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepared spaces embed nothing but what they hold."""
    monkeypatch.setattr("omnisearch.binding.model.find_or_make", lambda *given: SampleCalibration({}, {}, {}, {}))


def test_a_video_is_its_frames(small: dict[str, Official], tmp_path: Path) -> None:
    official = small["omnibind-base"]
    x = rows(official, 3)
    import_file(save(tmp_path, random(official)), tmp_path / "out")
    model = OmniBind.load(str(tmp_path / "out"), load_settings(), lambda space, _: Prepared(space, x))
    mean = {space: torch.nn.functional.normalize(each.mean(dim=0, keepdim=True), dim=1) for space, each in x.items()}
    wanted = Formulas(official, random(official)).embed(Modality.IMAGE, mean)
    found = model.encode(Modality.VIDEO, [Clip(np.zeros((3, 2, 2, 3), np.uint8))], Role.QUERY)
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_a_folder_that_holds_a_model_is_kept(small: dict[str, Official], tmp_path: Path) -> None:
    path = save(tmp_path, random(small["omnibind-base"]))
    import_file(path, tmp_path / "out")
    before = checkpoint.read(tmp_path / "out").digest
    with pytest.raises(UsageError, match="already holds a model"):
        import_file(path, tmp_path / "out")
    assert checkpoint.read(tmp_path / "out").digest == before


def test_the_command_says_which_model_it_made_and_what_it_left_out(small: dict[str, Official], tmp_path: Path) -> None:
    path = save(tmp_path, {**random(small["omnibind-full"]), "temperature": torch.ones(1)})
    done = CliRunner().invoke(app, ["import", str(path), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0
    assert done.stdout == ""
    said = " ".join(done.stderr.split())
    assert "omnibind-full is in" in said
    assert "non-commercial" in said
    assert "temperature is not part of a published model" in said


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("official", MODELS, ids=lambda model: model.name)
def test_the_published_sizes_import_and_embed(official: Official, tmp_path: Path) -> None:
    """Takes twice the size of the file on disk and as much memory: 2 GB for Base, 4 GB for the others."""
    state = random(official)
    size = {BASE: 897.4e6, LARGE: 1877.9e6, FULL: 1877.9e6}[official]
    path = save(tmp_path, state)
    assert path.stat().st_size == pytest.approx(size, abs=0.1e6)
    x = rows(official, 3)
    del state
    import_file(path, tmp_path / "out")
    path.unlink()
    model = OmniBind.load(str(tmp_path / "out"), load_settings(), lambda space, _: Prepared(space, x))
    for part in PARTS:
        found = model.encode(part, [""] * 3, Role.QUERY)
        assert found.shape == (3, 1536)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
