"""Models by name, described, planned and checked over HTTP."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from omnisearch.api import model_answers
from omnisearch.cli.models import app
from omnisearch.config import load_settings
from omnisearch.errors import WeightsError
from omnisearch.spaces.registry import FILES, SPACES
from omnisearch.spaces.weights import file_state
from omnisearch.spaces.weights.spec import WeightSpec
from tests.api.conftest import ScriptedEngine, open_client


@pytest.fixture
def asked(engine: ScriptedEngine) -> Iterator[TestClient]:
    with open_client(load_settings(), engine_factory=lambda _: engine) as client:
        yield client


def test_a_model_that_is_not_here_says_what_it_is_and_how_to_get_it(asked: TestClient) -> None:
    found = asked.get("/v1/models/omnibind-base").json()
    assert not found["ready"]
    assert "omnisearch models pull" in found["way_out"]
    assert found["commercial"] is False
    clap = next(space for space in found["spaces"] if "audio" in space["modalities"])
    assert (clap["dimensions"], clap["licence"]) == (SPACES[clap["name"]].dim, SPACES[clap["name"]].licence)
    assert {file["name"] for file in found["files"]} >= {"omnibind-base.pt"}
    assert all(
        file["problem"] for file in found["files"] if file["name"] not in FILES or not FILES[file["name"]].packaged
    )


@pytest.mark.parametrize("name", ["speech-en", "ocr-greek"])
def test_a_model_that_reads_is_described_like_others(asked: TestClient, tmp_path: Path, name: str) -> None:
    found = asked.get(f"/v1/models/{name}").json()
    assert (found["dimensions"], found["modalities"], found["spaces"]) == (0, [], [])
    assert found["to_download"] == found["size"] == sum(file["size"] for file in found["files"])
    assert (found["ready"], found["command"]) == (False, f"omnisearch models pull {name}")


def test_the_served_model_is_found_by_its_own_name(hashed_model: Path, engine: ScriptedEngine) -> None:
    settings = load_settings(model=str(hashed_model))
    with open_client(settings, engine_factory=lambda _: engine) as client:
        found = client.get("/v1/models/toy").json()
        assert (found["ready"], found["way_out"], found["files"], found["size"]) == (True, None, [], 0)
        assert client.post("/v1/models/toy/check").json() == {"id": "toy", "sound": True, "files": []}


@pytest.mark.parametrize("name", ["nonsense", "..", "%2e%2e", "a%2Fb", "-x", "x" * 101])
def test_no_folder_is_looked_up_for_a_client(asked: TestClient, name: str) -> None:
    for path in ("", "/plan"):
        answer = asked.get(f"/v1/models/{name}{path}")
        assert answer.status_code in (404, 422)
        assert answer.json()["code"] in ("not_found", "invalid_request")


def test_a_folder_in_the_working_directory_is_no_model(
    asked: TestClient, hashed_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hashed_model.parent)
    assert asked.get("/v1/models/toy").status_code == 404


def test_the_plan_is_that_of_the_command(asked: TestClient) -> None:
    found = asked.get("/v1/models/omnibind-base/plan").json()
    shown = CliRunner().invoke(app, ["plan", "omnibind-base", "--format", "json"])
    rows = json.loads(shown.stdout)
    assert [(step["tower"], step["size"], step["held"]) for step in found["steps"]] == [
        (row["tower"], row["bytes"], row["held_bytes"]) for row in rows
    ]
    assert found["fits"]


def test_a_damaged_file_is_named_by_a_check(asked: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is damaged inside: its size is right, so only a check finds it."""
    names = [file["name"] for file in asked.get("/v1/models/mini").json()["files"]]
    damaged = next(name for name in names if not FILES[name].packaged)
    checked: list[str] = []

    def verify(spec: WeightSpec, path: Path) -> None:
        checked.append(spec.name)
        if spec.name == damaged:
            raise WeightsError("not what its hash says")

    monkeypatch.setattr(file_state, "resolve", lambda spec, settings: tmp_path)
    monkeypatch.setattr(model_answers, "verify", verify)
    assert asked.get("/v1/models/mini").json()["ready"]
    assert checked == []
    answer = asked.post("/v1/models/mini/check").json()
    assert not answer["sound"]
    assert [file["name"] for file in answer["files"] if file["problem"]] == [damaged]
    assert checked == names


def test_a_pull_is_queued_as_a_job(client: TestClient) -> None:
    answer = client.post("/v1/models/mini/pull")
    assert answer.status_code == 202
    job = client.get(answer.headers["Location"]).json()
    assert (job["kind"], job["params"], job["state"]) == ("pull", {"model": "mini"}, "queued")
    assert client.post("/v1/models/minni/pull").status_code == 404
