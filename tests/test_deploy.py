"""Deployment: the image, the compose file, the units and the proxy of docs/deploy.md fit the program."""

import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from omnisearch import __version__
from omnisearch.api.app import create_app
from omnisearch.config import Settings, declared
from tests.api.conftest import ScriptedEngine, ToyRenderer, serving
from tests.api.test_end_to_end import FILES
from tests.indexer.damage import wait_for_worker
from tests.test_docs import FENCE, ROOT, problems

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if name != "qdrant"}
BLOCKS = FENCE.findall((ROOT / "docs" / "deploy.md").read_text(encoding="utf-8"))
MAX_EXPOSURE = 25  # of 100, by the count of systemd; a unit without any hardening has 96
PAUSE = 60.0
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "dist", ".node")


def stages() -> dict[str, list[list[str]]]:
    """The instructions of each stage of the Dockerfile, without comments and with their lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", "")
    found: dict[str, list[list[str]]] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found[name] = [["FROM", base]]
        else:
            found[name].append([word, rest.strip()])
    return found


STAGES = stages()


def chain(name: str) -> list[list[str]]:
    """The instructions that make a stage, those of the stages that it is based on first."""
    base = STAGES[name][0][1]
    return (chain(base) if base in STAGES else []) + STAGES[name]


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_an_image_runs_without_rights_and_tools(target: str) -> None:
    made = chain(target)
    assert made[0] == ["FROM", "python:3.11-slim-bookworm"]
    ran = " ".join(rest for word, rest in made if word == "RUN")
    assert not re.search(r"\bapt|\bpip\b|gcc|build-essential|curl", ran)
    (user,) = (rest for word, rest in made if word == "USER")
    assert int(user) > 0
    assert f"--uid {user}" in ran
    assert [rest for word, rest in STAGES[target] if word == "COPY"] == [
        f"--from=build-{target} /opt/omnisearch /opt/omnisearch"
    ]
    assert "HEALTHCHECK" in {word for word, _ in made}


def test_the_build_without_a_target_is_the_smaller_image() -> None:
    assert list(STAGES)[-1] == "cpu"


def test_the_default_command_lets_nobody_in_without_a_key() -> None:
    (command,) = (rest for word, rest in chain("cpu") if word == "CMD")
    assert "insecure" not in command
    assert problems(" ".join(re.findall(r'"(.*?)"', command))) == []


@pytest.mark.parametrize("target", ["cpu", "cuda"])
def test_the_build_sees_all_that_it_needs_and_no_more(target: str) -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    packages = {"omnisearch", "indexer", "training", "web"}
    assert kept == {"pyproject.toml", "hatch_build.py", "constraints.txt", "README.md"} | packages
    copied = [rest for word, rest in chain(f"build-{target}") if word == "COPY"]
    assert copied == ["constraints.txt ./", ". ./", "--from=page /source/web/dist web/dist"]
    assert [rest for word, rest in STAGES["page"] if word == "COPY"] == ["web ./"]


def test_the_dockerfile_has_no_findings() -> None:
    if shutil.which("hadolint") is None:
        pytest.skip("hadolint is not installed")
    done = subprocess.run(["hadolint", str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_health_check_tells_a_living_server_from_none(tmp_path: Path) -> None:
    (check,) = (rest for word, rest in chain("cpu") if word == "HEALTHCHECK")
    code = re.findall(r'"(.*?)"', check.partition("CMD")[2])[-1]
    app = create_app(Settings(data_dir=tmp_path), lambda _: ScriptedEngine(()), lambda _: ToyRenderer())
    with serving(app) as port:
        living = code.replace(":8000", f":{port}")
        assert living != code
        assert subprocess.run([sys.executable, "-c", living], timeout=PAUSE, check=False).returncode == 0
    gone = subprocess.run([sys.executable, "-c", living], timeout=PAUSE, check=False, stderr=subprocess.DEVNULL)
    assert gone.returncode != 0


@pytest.mark.slow
@pytest.mark.network
def test_the_steps_of_the_build_make_an_environment_that_runs(tmp_path: Path) -> None:
    place, source = tmp_path / "omnisearch", tmp_path / "source"
    source.mkdir()
    for line in (ROOT / ".dockerignore").read_text().split():
        if line.startswith("!"):
            kept = ROOT / line[1:]
            copy = partial(shutil.copytree, ignore=LEFT_OUT) if kept.is_dir() else shutil.copy
            copy(kept, source / line[1:])
    environment = {**os.environ, "PIP_PYTHON": str(place), "PYTHONPATH": ""}
    steps = [(source / "web", rest) for word, rest in STAGES["page"] if word == "RUN"]
    steps += [(source, rest) for word, rest in chain("build-cuda") if word == "RUN"]
    for folder, step in steps:
        step = step.replace("/opt/omnisearch", str(place))
        subprocess.run(["bash", "-ec", step], cwd=folder, env=environment, check=True)
    done = subprocess.run([place / "bin" / "omnisearch", "--version"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert __version__ in done.stdout
    assert not (place / "bin" / "pip").exists()


def test_the_compose_file_fits_the_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, ROOT / "docker-compose.yml"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_ports_open_to_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert published == ["127.0.0.1:8000:8000"]
    assert COMPOSE["networks"]["inner"]["internal"]
    assert SERVICES["qdrant"]["networks"] == ["inner"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_may_write_their_volumes_alone(name: str) -> None:
    service = OURS[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    corpus = next(volume for volume in service["volumes"] if ":/corpus" in volume)
    assert corpus.endswith(":ro")


@pytest.mark.parametrize("name", OURS)
def test_commands_and_settings_of_the_compose_file_exist(name: str) -> None:
    assert problems(shlex.join(OURS[name]["command"])) == []
    known = {f"OMNISEARCH_{field.upper()}" for field in declared(Settings)}
    assert set(OURS[name]["environment"]) <= known


def test_secrets_are_files_that_are_mounted_where_they_are_read() -> None:
    for name, service in SERVICES.items():
        mounted = {f"/run/secrets/{secret}" for secret in service["secrets"]}
        text = " ".join([*map(str, service["environment"].values()), *service.get("entrypoint", ())])
        assert set(re.findall(r"/run/secrets/\w+", text)) == mounted, name
        plain = [key for key in service["environment"] if re.search("KEY|SECRET|PASSWORD", key)]
        assert all(key.endswith("_FILE") for key in plain), name
    assert all(secret["file"] for secret in COMPOSE["secrets"].values())
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"/secrets/", "/.env"} <= set(ignored)


def test_versions_of_the_compose_file_are_those_of_the_code() -> None:
    assert {service["image"] for service in OURS.values()} == {
        f"omnisearch:{__version__}",
        f"omnisearch:{__version__}-cuda",
    }
    assert {service["build"]["target"] for service in OURS.values()} <= set(STAGES)
    client = re.search(r"^qdrant-client==(\d+\.\d+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert client is not None
    assert SERVICES["qdrant"]["image"].startswith(f"qdrant/qdrant:v{client[1]}.")


def units() -> dict[str, str]:
    """The two units of docs/deploy.md. The second is described as the first with other lines."""
    serve, changes = (text for language, text in BLOCKS if language == "ini")
    worker = serve
    for key, value in re.findall(r"^(\w+)=(.*)$", changes, re.MULTILINE):
        worker, count = re.subn(rf"^{key}=.*$", f"{key}={value}", worker, flags=re.MULTILINE)
        if not count:
            worker = worker.replace("[Service]\n", f"[Service]\n{key}={value}\n")
    return {"serve": serve, "worker": worker}


@pytest.mark.parametrize("name", ["serve", "worker"])
def test_the_units_are_valid_and_hardened(name: str, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    unit = units()[name]
    (command,) = re.findall(r"^ExecStart=/opt/omnisearch/bin/omnisearch (.*)$", unit, re.MULTILINE)
    assert problems(command) == []
    known = {f"OMNISEARCH_{field.upper()}" for field in declared(Settings)}
    assert set(re.findall(r"OMNISEARCH_\w+", unit)) <= known
    file = tmp_path / f"omnisearch-{name}.service"
    file.write_text(re.sub(r"^ExecStart=.*$", "ExecStart=/usr/bin/true", unit, flags=re.MULTILINE))
    for check in (["verify", file], ["security", "--offline=yes", f"--threshold={MAX_EXPOSURE}", "--no-pager", file]):
        done = subprocess.run(["systemd-analyze", *check], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_the_configuration_of_nginx_is_valid(tmp_path: Path) -> None:
    if shutil.which("nginx") is None or shutil.which("openssl") is None:
        pytest.skip("nginx and openssl are not installed")
    server = "\n".join(text for language, text in BLOCKS if language == "nginx")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=search.example.org"]
    subprocess.run([*make, "-keyout", key, "-out", certificate], capture_output=True, check=True)
    server = re.sub(r"/etc/ssl/certs\S+;", f"{certificate};", server)
    server = re.sub(r"/etc/ssl/private\S+;", f"{key};", server)
    logs = f"error_log {tmp_path}/log; pid {tmp_path}/pid;"
    (tmp_path / "nginx.conf").write_text(f"{logs}\nevents {{}}\nhttp {{ access_log off;\n{server}\n}}")
    done = subprocess.run(["nginx", "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_backup_without_vectors_is_restored_by_repair(tmp_path: Path, hashed_model: Path) -> None:
    media, data, copy = tmp_path / "media", tmp_path / "data", tmp_path / "copy"
    media.mkdir()
    for name, content in FILES.items():
        (media / name).write_bytes(content)

    def run(*arguments: str | Path) -> str:
        command = [sys.executable, "-m", "omnisearch", *arguments, "--model", hashed_model]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout

    run("index", media, "--data-dir", data)
    found = run("search", "dog", "--format", "jsonl", "--data-dir", data)
    shutil.copytree(data, copy, ignore=shutil.ignore_patterns("vectors", "previews", "uploads", "manifest.sqlite*"))
    with closing(sqlite3.connect(data / "manifest.sqlite")) as manifest:
        manifest.execute("VACUUM INTO ?", (str(copy / "manifest.sqlite"),))
    wait_for_worker(Settings(data_dir=data))  # it writes while it ends
    shutil.rmtree(data)
    run("repair", "--data-dir", copy)
    assert run("search", "dog", "--format", "jsonl", "--data-dir", copy) == found
    assert found.count("\n") == len(FILES)
