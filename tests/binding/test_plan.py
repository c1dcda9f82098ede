"""The plan of a model: what each modality loads, told without weights, as loading then does it."""

import json
from collections import OrderedDict

import pytest
from typer.testing import CliRunner

from omnisearch.binding.installed import find_config
from omnisearch.binding.plan import plan
from omnisearch.cli.models import app
from omnisearch.config import load_settings
from omnisearch.errors import LicenceError, ModelMissingError, SettingsError
from omnisearch.spaces import towers
from omnisearch.spaces.towers import TOWERS, load_tower
from omnisearch.types import Modality
from tests.spaces.test_placement import Loader

TEXT, IMAGE, AUDIO, POINTS = Modality.TEXT, Modality.IMAGE, Modality.AUDIO, Modality.POINT_CLOUD
CUDA = load_settings(device="cuda")
# Billions of parameters that each part of the paper's models needs, from the sizes their authors publish of each
# network: what a tower is must not be counted twice, however many spaces read it.
BILLIONS = {
    "omnibind-base": {TEXT: 1.38, IMAGE: 4.98, AUDIO: 0.17, POINTS: 1.01},
    "omnibind-large": {TEXT: 2.77, IMAGE: 6.36, AUDIO: 0.27, POINTS: 3.04},
    "omnibind-full": {TEXT: 3.47, IMAGE: 23.99, AUDIO: 0.27, POINTS: 3.04},
}


class Everything:
    """A module in which every name is the same loader."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Loader:
        return self._loader


@pytest.mark.parametrize("model", BILLIONS)
def test_the_papers_models_load_each_tower_once(model: str) -> None:
    steps = plan(find_config(model, CUDA), CUDA)
    for modality, billions in BILLIONS[model].items():
        own = [step for step in steps if step.modality is modality]
        assert len({step.tower for step in own}) == len(own)
        assert sum(step.parameters for step in own) / 1e9 == pytest.approx(billions, abs=0.006)
        assert own[-1].held == sum(step.size for step in own), "without a budget nothing goes"


def test_the_towers_of_eva02_are_evaluated_once_for_all_that_read_them() -> None:
    steps = plan(find_config("omnibind-large", CUDA), CUDA)
    (images,) = [step for step in steps if step.tower == "eva_e14p_image"]
    assert set(images.spaces) == {"eva_e14p", "uni3d_lvis", "uni3d_mnet", "uni3d_scan"}


def test_what_the_router_reads_comes_first() -> None:
    steps = plan(find_config("omnibind-full", CUDA), CUDA)
    texts = [step.tower for step in steps if step.modality is TEXT]
    assert texts[:3] == ["wavcaps_pt_text", "siglip_so400m_text", "eva_e14p_text"]


@pytest.mark.parametrize("budget", ["2GB", "5GB", "9GB", "12GB", "24GB"])
@pytest.mark.parametrize("modality", [TEXT, IMAGE, POINTS])
def test_the_plan_is_what_loading_does(budget: str, modality: Modality, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings(device="cuda", max_memory=budget)
    steps = [step for step in plan(find_config("omnibind-large", CUDA), settings) if step.modality is modality]
    loader = Loader(list(TOWERS.values()))
    monkeypatch.setattr(towers, "import_module", lambda _: Everything(loader))
    monkeypatch.setattr(towers, "_loaded", OrderedDict())
    for step in steps:
        before = loader.held()
        if not step.fits:
            with pytest.raises(SettingsError, match=step.tower):
                load_tower(step.tower, settings)
            break
        load_tower(step.tower, settings)
        assert before - loader.held() == set(step.dropped)
        assert sum(s.size for s in steps if s.tower in loader.held()) == step.held <= settings.max_memory  # type: ignore[operator]


def test_a_width_that_the_model_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    everyday = find_config("everyday", CUDA)
    assert plan(everyday, load_settings(dim=256)) == plan(everyday, load_settings())
    monkeypatch.setenv("OMNISEARCH_DIM", "300")
    refused = CliRunner().invoke(app, ["plan", "everyday"])
    assert isinstance(refused.exception, SettingsError)
    assert str(refused.exception) == (
        "setting dim = 300: the vectors of everyday can have 768, 512, 256, 128 dimensions"
    )


def test_a_tower_placed_elsewhere_leaves_room() -> None:
    settings = load_settings(device="cuda", max_memory="24GB", towers={"eva_18b_image": {"device": "cpu"}})
    big = next(step for step in plan(find_config("omnibind-full", CUDA), settings) if step.tower == "eva_18b_image")
    assert (big.device, big.precision, big.fits) == ("cpu", "fp32", False)
    assert next(
        step for step in plan(find_config("omnibind-full", CUDA), CUDA) if step.tower == "eva_18b_image"
    ).size == pytest.approx(35.26e9, rel=1e-3)


def test_the_command_gives_rows_and_says_what_they_add_up_to() -> None:
    arguments = ["plan", "omnibind-base", "--device", "cuda", "--max-memory", "24GB", "--format", "jsonl"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    audio = next(row for row in rows if row["modality"] == "audio")
    assert (audio["tower"], audio["runs"]) == ("wavcaps_pt_audio", "cuda fp32")
    assert "text: 5 towers on cuda" in done.stderr
    assert "stays loaded" in done.stderr
    done = CliRunner().invoke(app, ["plan", "omnibind-base", "--device", "cuda", "--max-memory", "5GB"])
    assert "eva_e14p_image alone takes more than max_memory" in done.stderr


def test_a_commercial_setting_refuses_the_papers_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNISEARCH_LICENSE", "commercial")
    done = CliRunner().invoke(app, ["plan", "omnibind-base", "--device", "cuda"])
    assert isinstance(done.exception, LicenceError)
    assert "wavcaps_pt" in str(done.exception)


def test_an_unknown_model_lists_what_there_is() -> None:
    with pytest.raises(ModelMissingError, match=r"no model 'omnibind-tiny'.*omnibind-base, omnibind-large"):
        find_config("omnibind-tiny", CUDA)
