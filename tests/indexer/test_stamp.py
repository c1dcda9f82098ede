"""A run over an index that was not written since the last one, and over files that did not change, opens nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omnisearch.binding import model_version
from omnisearch.config import Settings
from omnisearch.errors import FingerprintError
from omnisearch.media.pool import DecoderPool
from omnisearch.stores import edge_link
from omnisearch.stores.catalog import DIRECTORY, open_current
from omnisearch.stores.edge_worker import LOCK_FILE
from omnisearch.stores.embeddings import EMBEDDINGS_DIRECTORY, SpaceEmbeddingStore
from omnisearch.types import Modality
from omnisearch_indexer import open_index, schema
from omnisearch_indexer.labels import Labels
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.session import index_files
from omnisearch_indexer.stamp import STAMP_FILE
from tests.indexer.conftest import NO_TEXT, write_image
from tests.indexer.test_session import counts
from tests.stores.test_edge_worker import wait_for_end
from tests.test_faces import HEAVY


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """An indexed folder with a file of each outcome."""
    write_image(tmp_path / "files" / "a.png")
    (tmp_path / "files" / "broken.txt").write_bytes(NO_TEXT)
    (tmp_path / "files" / "archive.zip").write_bytes(b"PK\x03\x04" + bytes(200))
    os.mkfifo(tmp_path / "files" / "pipe")
    index_files([tmp_path / "files"], settings)
    return tmp_path / "files"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The openings of whole indexes, each with whether it was checked before."""
    seen: list[bool] = []
    original = open_index._open_parts

    def spy(*arguments: object) -> object:
        seen.append(bool(arguments[-1]))
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(open_index, "_open_parts", spy)
    return seen


def test_an_unchanged_run_reports_what_a_whole_one_does(
    folder: Path, settings: Settings, opened: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    checks: list[object] = []
    original = schema._check
    monkeypatch.setattr(schema, "_check", lambda *arguments: (checks.append(arguments[-1]), original(*arguments)))
    short = [index_files([folder], settings).fields() for _ in range(2)]
    assert (opened, checks) == ([], [True, True])
    (settings.index_dir / STAMP_FILE).unlink()
    whole = index_files([folder], settings).fields()
    assert (opened, checks) == ([False], [True, True, False])
    assert [{**report, "seconds": 0} for report in short] == [{**whole, "seconds": 0}] * 2
    with closing(Manifest(settings.index_dir / MANIFEST_FILE)) as manifest:
        assert manifest.roots()[str(folder)]


def test_decoders_start_before_the_scan_only_in_a_first_run(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    monkeypatch.setattr(DecoderPool, "start", lambda _, count: started.append(count))
    write_image(tmp_path / "files" / "a.png")
    for name in ("", "", "b.png"):
        if name:
            write_image(tmp_path / "files" / name, seed=1)
        index_files([tmp_path / "files"], settings)
        (settings.index_dir / STAMP_FILE).unlink()
    assert started == [settings.workers, 0, 1]


def write_manifest(settings: Settings) -> None:
    with closing(Manifest(settings.index_dir / MANIFEST_FILE, create=True)) as manifest:
        manifest.mark_indexed(manifest.roots())


def damage_manifest(settings: Settings) -> None:
    path = settings.index_dir / MANIFEST_FILE
    status = path.stat()
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def write_point(settings: Settings) -> None:
    with closing(open_current(settings)) as store:
        store.upsert(list(store.scroll(with_vectors=True)))


def delete_point(settings: Settings) -> None:
    with closing(open_current(settings)) as store:
        store.delete([point.payload.item_id for point in store.scroll()])


def describe_point(settings: Settings) -> None:
    with closing(open_current(settings)) as store:
        store.describe({point.payload.item_id: replace(point.payload.facts, tags=("x",)) for point in store.scroll()})


def write_embedding(settings: Settings) -> None:
    with closing(SpaceEmbeddingStore(settings.index_dir / EMBEDDINGS_DIRECTORY)) as raw:
        raw.put("another@1", Modality.TEXT, ["key"], np.ones((1, 3), np.float32))
        raw.flush()


WRITES = (write_manifest, damage_manifest, write_point, delete_point, describe_point, write_embedding)


@pytest.mark.parametrize("write", WRITES)
def test_an_index_that_was_written_is_checked(
    folder: Path, settings: Settings, opened: list[bool], write: Callable[[Settings], None]
) -> None:
    write(settings)
    index_files([folder], settings)
    assert opened == [False]
    index_files([folder], settings)
    assert opened == [False]


def test_a_search_writes_nothing(folder: Path, settings: Settings, opened: list[bool]) -> None:
    with closing(open_current(settings)) as store:
        assert store.count() == 1
    index_files([folder], settings)
    assert opened == []


def test_the_end_of_the_engine_writes_nothing(
    tmp_path: Path, settings: Settings, opened: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a disk the times of mapped files change when the engine closes them; on a tmpfs they do not."""
    monkeypatch.setattr(edge_link, "LINGER_SECONDS", 0.2)
    file = write_image(tmp_path / "files" / "a.png")
    index_files([file.parent], settings)
    worker = json.loads((settings.index_dir / DIRECTORY / LOCK_FILE).read_text())["pid"]
    wait_for_end(worker)
    opened.clear()
    index_files([file.parent], settings)
    assert opened == []


def test_a_change_opens_the_index_without_checking_it(folder: Path, settings: Settings, opened: list[bool]) -> None:
    write_image(folder / "b.png", seed=1)
    assert counts(index_files([folder], settings))["new"] == 1
    (folder / "b.png").unlink()
    assert index_files([folder], settings).removed == 1
    index_files([folder], settings, labels=Labels(tags=frozenset({"x"})))
    assert opened == [True, True, True]
    index_files([folder], settings)
    assert opened == [True, True, True]


def test_a_model_that_was_written_and_is_the_same_is_not_checked(
    folder: Path, settings: Settings, opened: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    original = model_version.model_version
    monkeypatch.setattr(model_version, "model_version", lambda *given: (asked.append(given[0]), original(*given))[1])
    index_files([folder], settings)
    assert asked == []
    (Path(settings.model) / "model.json").touch()
    for _ in range(2):
        index_files([folder], settings)
    assert (asked, opened) == ([settings.model], [])


def test_other_settings_are_checked(folder: Path, settings: Settings, tmp_path: Path) -> None:
    model = Path(settings.model) / "model.json"
    text = model.read_text()
    try:
        model.write_text(text.replace("0.7", "0.6").replace("0.3", "0.4"))
        with pytest.raises(FingerprintError):
            index_files([folder], settings)
    finally:
        model.write_text(text)
    with pytest.raises(FingerprintError):
        index_files([folder], settings.model_copy(update={"store": "http://elsewhere"}))


# Modules whose import takes longer than a run without changes over some thousand files.
SPARED = {"numpy", "pydantic", "pydantic_core", "typer", "rich", "pathspec", "importlib.metadata", "omnisearch.types"}


def test_an_unchanged_run_imports_nothing_heavy(folder: Path, settings: Settings) -> None:
    code = (
        "import sys, atexit; from omnisearch.cli.main import main; "
        "atexit.register(lambda: print(*sys.modules)); sys.exit(main())"
    )
    arguments = ["index", str(folder), "--data-dir", str(settings.data_dir), "--model", settings.model]
    environment = {**os.environ, "OMNISEARCH_SEGMENT_SECONDS": str(settings.segment_seconds)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert "2 failed" in done.stderr, done.stderr
    imported = set(done.stdout.split())
    assert "omnisearch_indexer.scan" in imported
    assert not (HEAVY | SPARED) & imported


@pytest.mark.parametrize("logs", [{"/": "zz"}, {"/": "0"}, {"/": "00" * 21}, {"/": 7}, [], None, 7])
def test_a_stamp_with_damaged_logs_is_none(folder: Path, settings: Settings, opened: list[bool], logs: object) -> None:
    index_files([folder], settings)
    stamp = json.loads((settings.index_dir / STAMP_FILE).read_bytes())
    (settings.index_dir / STAMP_FILE).write_text(json.dumps({**stamp, "logs": logs}))
    opened.clear()
    assert counts(index_files([folder], settings))["unchanged"] == 1
    assert opened == [False]
