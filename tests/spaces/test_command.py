"""`omnisearch models`: what it prints, what it pulls, how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from omnisearch.errors import ModelMissingError, UsageError, WeightsError
from omnisearch.spaces import pull as pulling
from omnisearch.spaces.command import app
from omnisearch.spaces.registry import FILES
from omnisearch.spaces.weights import WeightSpec

runner = CliRunner()


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OMNISEARCH_WEIGHTS_DIR", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(pulling, "pull_all", lambda specs, settings: names.extend(spec.name for spec in specs))
    return names


def test_ls_shows_every_file_and_that_none_is_here(weights: Path) -> None:
    done = runner.invoke(app, ["ls", "--format", "jsonl"])
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["name"] for row in rows] == list(FILES)
    assert all(row["present"] == "no" for row in rows if FILES[row["name"]].packaged is None)
    assert next(row for row in rows if row["name"] == "aisfx.pth")["used_by"] == "sound"


def test_ls_tells_a_damaged_file_from_a_missing_one(weights: Path) -> None:
    weights.mkdir()
    (weights / "aisfx.pth").write_bytes(b"short")
    rows = json.loads(runner.invoke(app, ["ls", "--format", "json"]).stdout)
    assert next(row for row in rows if row["name"] == "aisfx.pth")["present"] == "damaged"


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
    (tmp_path / "bound").mkdir()
    (tmp_path / "bound" / "model.json").write_text(json.dumps({"projectors": {"sound": {}}}))
    monkeypatch.setenv("OMNISEARCH_MODEL", str(tmp_path / "bound"))
    assert runner.invoke(app, ["pull"]).exit_code == 0
    assert pulled == ["minilm.safetensors", "minilm-tokenizer.json", "aisfx.pth", "sound-head.safetensors"]
    pulled.clear()
    assert runner.invoke(app, ["pull", "--all"]).exit_code == 0
    assert pulled == list(FILES)


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
