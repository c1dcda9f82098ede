"""The compose file and the image: what can be said of them without a container engine."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"


@pytest.fixture(scope="module")
def services() -> Any:
    return YAML(typ="safe").load(COMPOSE.read_text())["services"]


def check(path: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_compose_file_is_one(tmp_path: Path) -> None:
    checked = check(COMPOSE)
    assert checked.returncode == 0, checked.stdout
    (tmp_path / "bad.yml").write_text(COMPOSE.read_text().replace("restart:", "restarts:"))
    assert check(tmp_path / "bad.yml").returncode != 0


def test_the_server_is_pinned_to_the_version_of_its_client(services: dict[str, Any]) -> None:
    tag = re.fullmatch(r"qdrant/qdrant:v(\d+)\.(\d+)\.(\d+)", services["qdrant"]["image"])
    assert tag is not None
    assert [tag[1], tag[2]] == version("qdrant-client").split(".")[:2]


def test_only_this_machine_reaches_the_service_and_nothing_the_server(services: dict[str, Any]) -> None:
    assert services["omnisearch"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "ports" not in services["qdrant"]
    networks = YAML(typ="safe").load(COMPOSE.read_text())["networks"]
    assert [networks[name]["internal"] for name in services["qdrant"]["networks"]] == [True]


def test_the_service_answers_to_names_of_this_machine_unless_told(services: dict[str, Any]) -> None:
    assert services["omnisearch"]["environment"]["OMNISEARCH_ALLOW_HOST"] == "${ALLOW_HOST:-localhost}"


def test_the_corpus_cannot_be_written_and_the_user_is_not_root(services: dict[str, Any]) -> None:
    [corpus] = [volume for volume in services["omnisearch"]["volumes"] if "/corpus" in volume]
    assert corpus.endswith(":ro")
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", text, re.M) == ["omnisearch"]
    bases = re.findall(r"^FROM (\S+)", text, re.M)
    assert all(re.fullmatch(r"python:3\.11-slim-\w+", base) for base in bases)


def test_the_image_is_made_of_files_that_exist_and_are_sent() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.M)
    sources = {source for line in copied for source in line.split()[:-1]}
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sources == sent
    assert all((ROOT / source).exists() for source in sources)
