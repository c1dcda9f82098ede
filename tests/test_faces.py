"""The command line as a whole: light to start, every command found, errors become exit codes."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import omnisearch
import omnisearch_indexer
from omnisearch import errors
from omnisearch.cli.main import main
from omnisearch.errors import (
    BusyError,
    CheckpointError,
    ClusterError,
    CollectionNotFoundError,
    ConflictError,
    DamageError,
    DiskFullError,
    FetchError,
    FingerprintError,
    LicenceError,
    MediaError,
    ModelMissingError,
    NoIndexError,
    NoTextError,
    NotFoundError,
    NotReadyError,
    OmnisearchError,
    QueryError,
    Reason,
    ReplicaError,
    RootError,
    ServerError,
    SettingsError,
    StoppedError,
    StoreError,
    UsageError,
    VectorError,
    WeightsError,
)
from tests.conftest import Ended

HEAVY = {"torch", "transformers", "timm", "librosa", "trimesh", "fastapi", "qdrant_client", "qdrant_edge", "PIL", "av"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "omnisearch", *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["search", "--help"], ["index", "--help"], ["--version"], ["models", "ls"]]
)
def test_what_runs_nothing_imports_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "omnisearch", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "typer" in imported
    assert not imported & HEAVY


def test_importing_the_package_and_comparing_versions_of_a_model_import_nothing_heavy() -> None:
    code = (
        "import omnisearch.search, omnisearch_indexer.status, sys; from omnisearch.config import load_settings; "
        "assert omnisearch_indexer.status.model_version('mini', load_settings()); "
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


PUBLIC = """
    Answer AsyncClient Client Engine Expression Finding Hit ItemRef Match MediaError Modality OmniBind OmnisearchError
    Page Query Quota Reason Region Segment Settings Stretch Term UploadRef parse
    parse_conditions __version__
"""


def test_the_public_names_are_these_and_can_be_had() -> None:
    assert omnisearch.__all__ == sorted(PUBLIC.split())
    for name in omnisearch.__all__:
        assert getattr(omnisearch, name) is not None
    for package in (omnisearch, omnisearch_indexer):
        with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
            _ = package.nonsense
    assert omnisearch_indexer.__all__ == ["Labels", "Report", "index", "parse_place"]


# What programs test for. A class may be renamed; its code stays.
CODES = {
    OmnisearchError: "omnisearch",
    UsageError: "usage",
    SettingsError: "settings",
    LicenceError: "licence",
    QueryError: "query",
    FetchError: "fetch",
    RootError: "outside_roots",
    ConflictError: "conflict",
    NotReadyError: "not_ready",
    NoIndexError: "no_index",
    ModelMissingError: "model_missing",
    FingerprintError: "fingerprint",
    BusyError: "busy",
    ClusterError: "cluster",
    StoppedError: "stopped",
    MediaError: "media",
    WeightsError: "weights",
    CheckpointError: "checkpoint",
    StoreError: "store",
    DamageError: "damage",
    DiskFullError: "disk_full",
    VectorError: "vector",
    NotFoundError: "not_found",
    CollectionNotFoundError: "collection_not_found",
    NoTextError: "no_text",
    ReplicaError: "replica",
    ServerError: "server",
}


def test_the_codes_of_the_errors_are_these() -> None:
    assert {kind: kind.code for kind in CODES} == CODES
    assert {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)} == set(
        CODES
    )


def test_every_command_of_the_contract_is_there() -> None:
    shown = run("--help").stdout
    for command in ("index", "search", "serve", "models", "status", "errors", "train"):
        assert f" {command} " in shown


@pytest.mark.parametrize(
    ("error", "code"),
    [(OmnisearchError("x"), 1), (UsageError("x"), 2), (NotReadyError("x"), 4), (MediaError(Reason.EMPTY), 1)],
)
def test_errors_become_exit_codes(
    error: OmnisearchError, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing() -> object:
        raise error

    for place, made in (("commands.build", lambda _: failing), ("main._run_plainly", lambda *_: failing())):
        monkeypatch.setattr(f"omnisearch.cli.{place}", made)
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == code
        assert str(error) in capsys.readouterr().err


def test_a_failure_of_the_system_has_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing() -> object:
        raise PermissionError(errno.EACCES, "Permission denied", "/root/report.json")

    monkeypatch.setattr("omnisearch.cli.commands.build", lambda _: failing)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == "error: [Errno 13] Permission denied: '/root/report.json'\n"


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("omnisearch.cli.commands.build", lambda _: interrupted)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 130


def test_usage_errors_are_2(run_here: Callable[..., Ended]) -> None:
    assert run("nonsense").returncode == 2
    done = run_here("search", "dog", "--in", "smells")
    assert done.returncode == 2
    assert "smells is not one of text, image, audio, video, point_cloud" in " ".join(done.stderr.split())


def test_searching_before_indexing_says_what_to_do(hashed_model: Path, run_here: Callable[..., Ended]) -> None:
    done = run_here("search", "dog", "--model", str(hashed_model))
    assert done.returncode == 4
    assert "omnisearch index" in done.stderr
    assert done.stdout == ""


def test_a_long_text_is_a_text(hashed_model: Path, run_here: Callable[..., Ended]) -> None:
    done = run_here("search", "a dog " * 100, "--model", str(hashed_model))
    assert (done.returncode, done.stderr.count("\n")) == (4, 1), done.stderr


@pytest.mark.parametrize("fmt", ["jsonl", pytest.param("table", marks=pytest.mark.slow)])
def test_a_reader_that_goes_away_is_no_failure(fmt: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "omnisearch", "models", "ls", "--format", fmt]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_data_dir_that_cannot_be_written_is_named(
    hashed_model: Path, tmp_path: Path, run_here: Callable[..., Ended]
) -> None:
    (tmp_path / "file").write_text("x")
    done = run_here("index", str(tmp_path), "--data-dir", str(tmp_path / "file"), "--model", str(hashed_model))
    assert done.returncode == 2
    assert f"cannot write in {tmp_path}/file: File exists" in done.stderr
