"""`omnisearch models`: what it prints, what it pulls and imports, how it ends."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from omnisearch.api.model_answers import model_out
from omnisearch.binding import checkpoint, official_checkpoint
from omnisearch.binding.folder_names import SHIPPED
from omnisearch.binding.installed import files_of_model, find, find_config
from omnisearch.binding.model import OmniBind
from omnisearch.binding.official import BASE
from omnisearch.binding.official_checkpoint import layout
from omnisearch.cli.models import app
from omnisearch.config import Settings, load_settings
from omnisearch.errors import LicenceError, ModelMissingError, UsageError, WeightsError
from omnisearch.spaces import registry
from omnisearch.spaces.registry import FILES, SPACES
from omnisearch.spaces.weights import pull as pulling
from omnisearch.spaces.weights.ocr_models import OCR_MODELS
from omnisearch.spaces.weights.spec import LocalFile, WeightSpec
from omnisearch.spaces.weights.speech_models import SPEECH_MODELS
from tests.conftest import write_hashed_model

runner = CliRunner()
READING = {**SPEECH_MODELS, **OCR_MODELS}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMNISEARCH_WEIGHTS_DIR", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(pulling, "pull_all", lambda specs, settings, begin: names.extend(spec.name for spec in specs))
    return names


def _listed(*arguments: str) -> dict[str, dict[str, Any]]:
    done = runner.invoke(app, [*arguments, "--format", "json"])
    assert done.exit_code == 0, done.output
    return {row["name"]: row for row in json.loads(done.stdout)}


def test_ls_shows_every_model_with_what_it_needs_and_how_to_get_it(weights: Path) -> None:
    rows = _listed("ls")
    shipped = {path.parent.name for path in SHIPPED.glob("*/model.json")}
    assert set(rows) == shipped | {"omnibind-base", "omnibind-large", "omnibind-full"}
    mini, base = rows["mini"], rows["omnibind-base"]
    fetched = [spec for spec in files_of_model(find_config("mini", load_settings())) if spec.size]
    assert mini["to_download"] == sum(spec.size or 0 for spec in fetched) < mini["size"], "its heads are here"
    assert (mini["ready"], mini["command"]) == (False, "omnisearch models pull mini")
    assert (base["commercial"], mini["commercial"]) == (False, True)
    assert (base["size"], base["to_download"]) == (None, None), "some of its files have no published size"
    everyday = rows["everyday"]
    assert everyday["size"] is None
    assert abs(everyday["estimate"] - 1.5e9) < 0.05e9, "740 million parameters in bf16, as its publisher says"
    assert base["command"] == "omnisearch models pull omnibind-base"
    assert set(base["modalities"]) == {"text", "image", "audio", "video", "point_cloud"}


def test_ls_of_a_model_is_what_the_api_says_of_it(weights: Path) -> None:
    rows = _listed("ls")
    for name in ("mini", "omnibind-base"):
        said = model_out(name, load_settings()).model_dump(mode="json")
        shared = said.keys() & rows[name].keys()
        assert {key: said[key] for key in shared - {"spaces"}} == {key: rows[name][key] for key in shared - {"spaces"}}
        assert [space["name"] for space in said["spaces"]] == rows[name]["spaces"]
        assert shared >= {"dimensions", "modalities", "licence", "commercial", "size", "to_download", "command"}


def test_ls_marks_the_configured_model_and_shows_one_that_is_ready(
    weights: Path, hashed_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISEARCH_MODEL", str(hashed_model))
    rows = _listed("ls")
    assert [name for name, row in rows.items() if row.get("configured")] == ["toy"]
    assert (rows["toy"]["ready"], rows["toy"]["path"]) == (True, str(hashed_model))
    table = runner.invoke(app, ["ls", "--format", "table"])
    shown = table.stdout
    assert next(line.split()[-2:] for line in shown.splitlines() if "omnibind-base " in line) == ["not", "pulled"]
    assert "`omnisearch models pull NAME`" in table.stderr
    assert "toy *" in shown
    assert "mini *" not in shown
    everyday = next(line.split() for line in shown.splitlines() if line.startswith("everyday"))
    assert everyday[1:5] == ["1", "all", "about", "1.5GB"]
    assert runner.invoke(app, ["ls", "--format", "paths"]).stdout == f"{hashed_model}\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("speech-en", "omnisearch models pull speech-en"),
        ("none", "speech is not transcribed"),
        ("speech-bas", "did you mean 'speech-base'"),
    ],
)
def test_ls_says_what_transcribes_speech(weights: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    monkeypatch.setenv("OMNISEARCH_SPEECH_MODEL", name)
    assert said in " ".join(runner.invoke(app, ["ls"]).stderr.split())


def test_ls_shows_a_model_that_cannot_be_read_with_the_reason(weights: Path) -> None:
    folder = weights / "models" / "broken"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text("{}")
    row = _listed("ls")["broken"]
    assert not row["ready"]
    assert str(folder / "model.json") in row["way_out"]
    assert "broken" in runner.invoke(app, ["ls", "--format", "table"]).stdout


def test_a_damaged_file_leaves_a_model_unready(weights: Path) -> None:
    weights.mkdir()
    (weights / "aisfx.pth").write_bytes(b"short")
    mini = _listed("ls")["mini"]
    assert (mini["ready"], mini["command"]) == (False, None)
    assert "remove it" in mini["way_out"]


def test_files_shows_every_file_and_that_none_is_here(weights: Path) -> None:
    done = runner.invoke(app, ["files", "--format", "jsonl"])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    released = ["omnibind-base.pt", "omnibind-large.pt", "omnibind-full.pt"]
    assert [row["name"] for row in rows] == [*FILES, *released, *(spec.name for spec in chain(*READING.values()))]
    assert all(row["present"] == "no" for row in rows if not row["sources"][0].startswith("packaged"))
    assert next(row for row in rows if row["name"] == "aisfx.pth")["used_by"] == "sound"


def test_files_tells_a_damaged_file_from_a_missing_one(weights: Path) -> None:
    weights.mkdir()
    (weights / "aisfx.pth").write_bytes(b"short")
    assert _listed("files")["aisfx.pth"]["present"] == "damaged"


def test_pull_takes_files_and_spaces_by_name(weights: Path, pulled: list[str]) -> None:
    assert runner.invoke(app, ["pull", "imagenet-names.json", "sound"]).exit_code == 0
    assert pulled == [
        "imagenet-names.json",
        "minilm.safetensors",
        "minilm-tokenizer.json",
        "aisfx.pth",
        "sound-head.safetensors",
    ]


def test_pull_without_names_takes_what_the_model_needs(
    weights: Path, pulled: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {
        "name": "bound",
        "licence": "none",
        "dim": 384,
        "projectors": {"sound": {"kind": "identity"}},
        "branches": {"audio": [{"parts": {"sound": 1}}]},
        "routers": {"audio": {"kind": "fixed", "factors": [1]}},
    }
    (tmp_path / "bound").mkdir()
    (tmp_path / "bound" / "model.json").write_text(json.dumps(config))
    monkeypatch.setenv("OMNISEARCH_MODEL", str(tmp_path / "bound"))
    assert runner.invoke(app, ["pull"]).exit_code == 0
    assert pulled == ["aisfx.pth", "sound-head.safetensors"], "the model reads no texts"
    pulled.clear()
    assert runner.invoke(app, ["pull", "--all"]).exit_code == 0
    assert pulled[: len(FILES)] == list(FILES)
    released = ["omnibind-base.pt", "omnibind-large.pt", "omnibind-full.pt"]
    assert pulled[len(FILES) :] == [*released, *(spec.name for spec in chain(*READING.values()))]


def test_a_speech_model_is_pulled_by_its_name(weights: Path, pulled: list[str]) -> None:
    assert runner.invoke(app, ["pull", "speech-en", "--no-check"]).exit_code == 0
    assert pulled == [f"speech-en/{file}" for file in ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")]


def test_a_model_of_a_script_is_pulled_by_its_name_and_then_ready(weights: Path, pulled: list[str]) -> None:
    assert runner.invoke(app, ["pull", "ocr-greek", "--no-check"]).exit_code == 0
    assert pulled == ["ocr-greek/Greek.traineddata"]
    said = " ".join(runner.invoke(app, ["ls"]).stderr.split())
    assert "omnisearch models pull ocr-cyrillic ocr-arabic ocr-greek" in said
    path = weights / "ocr-greek" / "Greek.traineddata"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(OCR_MODELS["ocr-greek"][0].size)
    said = runner.invoke(app, ["ls"]).stderr  # on one line
    assert "read by the default model, ocr-greek; `omnisearch models pull ocr-cyrillic ocr-arabic` adds" in said


def test_an_unknown_name_gets_the_nearest(weights: Path, pulled: list[str]) -> None:
    done = runner.invoke(app, ["pull", "aisfx.pt"])
    assert isinstance(done.exception, UsageError)
    assert "did you mean 'aisfx.pth'?" in str(done.exception)
    assert pulled == []


def test_verify_fails_on_a_missing_file_and_on_a_changed_one(weights: Path) -> None:
    done = runner.invoke(app, ["verify", "imagenet-names.json"])
    assert isinstance(done.exception, ModelMissingError)
    spec: WeightSpec = FILES["imagenet-names.json"]
    assert spec.size is not None
    weights.mkdir()
    (weights / spec.name).write_bytes(b"x" * spec.size)
    done = runner.invoke(app, ["verify", spec.name])
    assert isinstance(done.exception, WeightsError)


def test_a_published_model_is_pulled_with_its_spaces_and_imported(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(BASE, hidden=8)
    monkeypatch.setattr(official_checkpoint, "OFFICIAL", {small.name: small})
    asked: list[str] = []

    def pull_all(specs: Sequence[WeightSpec], settings: Settings, begin: object) -> None:
        asked.extend(spec.name for spec in specs)
        settings.weights_dir.mkdir(parents=True)
        state = {name: torch.rand(shape) + 0.5 for name, shape in layout(small).items()}
        torch.save(state, settings.weights_dir / "omnibind-base.pt")

    monkeypatch.setattr(pulling, "pull_all", pull_all)
    settings = load_settings()
    with pytest.raises(ModelMissingError, match="omnisearch models pull omnibind-base"):
        find("omnibind-base", settings)
    done = runner.invoke(app, ["pull", "omnibind-base"])
    assert done.exit_code == 0, done.output
    assert asked[0] == "omnibind-base.pt"
    for space in small.config.projectors:
        assert {name for names in SPACES[space].weights.values() for name in names} <= set(asked)
    assert len(asked) == len(set(asked))
    assert find("omnibind-base", settings) == weights / "models" / "omnibind-base"
    assert checkpoint.read(find("omnibind-base", settings)).config.name == "omnibind-base"


def test_a_commercial_setting_refuses_to_pull_the_papers_models(weights: Path, pulled: list[str]) -> None:
    done = runner.invoke(app, ["pull", "omnibind-large", "--license", "commercial"])
    assert isinstance(done.exception, LicenceError)
    assert "imagebind (CC-BY-NC-SA-4.0)" in str(done.exception)
    assert pulled == []
    assert runner.invoke(app, ["pull", "mini", "--license", "commercial"]).exit_code == 0
    assert "minilm.safetensors" in pulled


def test_models_verify_checks_the_lock(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "source.bin").write_bytes(b"abc")
    spec = WeightSpec("toy.bin", None, None, "MIT", (LocalFile(tmp_path / "source.bin"),))
    monkeypatch.setattr(registry, "FILES", {spec.name: spec})
    weights.mkdir()
    (weights / spec.name).write_bytes(b"abc")
    done = runner.invoke(app, ["verify", spec.name])
    assert done.exit_code == 0
    assert "its hash is not published" in done.output
    pulling.pull(spec, load_settings())
    assert "is not published" not in runner.invoke(app, ["verify", spec.name]).output
    (weights / spec.name).write_bytes(b"abd")
    assert isinstance(runner.invoke(app, ["verify", spec.name]).exception, WeightsError)


def test_files_shows_licences_and_what_they_allow(weights: Path) -> None:
    rows = _listed("files").values()
    allowed = {row["name"]: row["commercial"] for row in rows}
    assert allowed["imagebind-huge.pth"] == "no"
    assert allowed["minilm.safetensors"] == "yes"
    assert allowed["omnibind-base.pt"] == "no", "its own licence allows it, those of its spaces do not"
    assert all(row["size"] for row in rows if row["present"] == "yes"), "heads, which ship with omnisearch"


@pytest.mark.parametrize("command", [["pull", "omnisearch-modern"], ["plan", "omnisearch-modern"]])
def test_a_model_that_no_longer_ships_names_the_one_to_use(weights: Path, command: list[str]) -> None:
    error = runner.invoke(app, command).exception
    assert isinstance(error, UsageError | ModelMissingError)
    assert "use everyday (`omnisearch models pull everyday`, then `--model everyday`)" in str(error)
    assert "\n" not in str(error)


def test_settings_that_name_a_model_that_no_longer_ships_are_answered_in_one_line(weights: Path) -> None:
    with pytest.raises(ModelMissingError, match="no longer ships: use everyday") as raised:
        OmniBind.load("omnisearch-modern", load_settings())
    assert "\n" not in str(raised.value)


def test_a_folder_of_a_model_that_no_longer_ships_is_still_one(weights: Path) -> None:
    folder = write_hashed_model(weights / "models" / "omnisearch-modern", "omnisearch-modern")
    assert find("omnisearch-modern", load_settings()) == folder
