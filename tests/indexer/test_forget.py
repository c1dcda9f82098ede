"""Forgetting a root, a folder or a file."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.errors import NoIndexError, UsageError
from omnisearch.stores.absent_folders import read_absent_folders
from omnisearch_indexer import forget
from omnisearch_indexer.forget import Forgotten, forget_paths
from omnisearch_indexer.labels import Labels
from omnisearch_indexer.manifest import MANIFEST_FILE, Manifest
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_status
from tests.indexer.conftest import keys_of, paths_of, points_of, write_good, write_image
from tests.indexer.test_session import _same, counts


def test_everything_of_a_path_that_is_gone_leaves_the_index(tmp_path: Path, settings: Settings) -> None:
    write_good(tmp_path / "stays")
    write_good(tmp_path / "goes")
    write_image(tmp_path / "goes" / "own.png", seed=8)
    write_image(tmp_path / "goes-not" / "other.png", seed=9)
    index_files([tmp_path / "stays", tmp_path / "goes-not"], settings)
    before = points_of(settings)
    index_files([tmp_path / "goes"], settings, labels=Labels(frozenset({"old"})))
    assert len(points_of(settings)) == len(before) + 1
    shutil.rmtree(tmp_path / "goes")
    index_files([tmp_path / "goes"], settings)
    assert read_absent_folders(settings.data_dir)
    report = forget_paths([tmp_path / "goes"], settings)
    assert report == Forgotten(files=9, items=1, segments=1, roots=[])
    assert _same(points_of(settings), before)  # without the label, too
    assert keys_of(settings) == before.keys()
    status = read_status(settings)
    assert status["roots"] == [str(tmp_path / "goes-not"), str(tmp_path / "stays")]
    assert (status["kept"], status["files"]) == ([], {"indexed": 9})
    with closing(Manifest(settings.data_dir / MANIFEST_FILE)) as manifest:
        assert list(manifest.labels()) == []
    with pytest.raises(UsageError, match="goes"):
        forget_paths([tmp_path / "stays", tmp_path / "goes"], settings)
    assert _same(points_of(settings), before)


def test_a_folder_of_a_root_comes_back_if_it_exists(tmp_path: Path, settings: Settings) -> None:
    root = tmp_path / "my files"
    good = write_good(root)
    index_files([root], settings)
    report = forget_paths([root / "pictures"], settings)
    assert (report.files, report.items, report.roots) == (2, 2, [str(root)])
    assert f"`omnisearch index '{root}'`" in str(report)
    assert ".omnisearchignore" in str(report)
    assert paths_of(settings) == {str(path) for path in good if path.parent.name != "pictures"}
    assert counts(index_files([root], settings)) == {"unchanged": len(good) - 2, "new": 2}


def test_what_dies_in_the_midst_is_finished_by_the_next_run(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_good(tmp_path / "files")
    write_image(tmp_path / "other" / "p.png", seed=9)
    index_files([tmp_path / "other"], settings)
    before = points_of(settings)
    index_files([tmp_path / "files"], settings)
    with monkeypatch.context() as patched:
        patched.setattr(forget, "settle", None)
        with pytest.raises(TypeError):
            forget_paths([tmp_path / "files"], settings)
    assert len(points_of(settings)) > len(before)
    index_files([tmp_path / "other"], settings)
    assert _same(points_of(settings), before)


def test_a_path_as_it_is_shown(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "caf\udce9"
    write_image(folder / "p.png")
    index_files([folder], settings)
    shutil.rmtree(folder)
    assert forget_paths([Path(read_status(settings)["roots"][0])], settings).files == 1


def test_the_command(tmp_path: Path, settings: Settings, call: Callable[..., tuple[int, str]]) -> None:
    flags = ("--data-dir", settings.data_dir, "--format", "json")
    assert call("forget", tmp_path, *flags)[0] == NoIndexError.exit_code
    folder = write_image(tmp_path / "files" / "p.png").parent
    index_files([folder], settings)
    status, stdout = call("forget", folder, *flags)
    assert (status, json.loads(stdout)) == (0, {"files": 1, "items": 1, "segments": 1, "roots": []})
    assert (points_of(settings), folder.exists()) == ({}, True)
