"""Files that are not found because their place is away stay in the index; deleted ones leave it."""

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from omnisearch.config import Settings
from omnisearch.errors import Reason, UsageError
from omnisearch.stores.absent_folders import AbsentFolder, read_absent_folders
from omnisearch_indexer import local_files, walk
from omnisearch_indexer.absent import UNMOUNTED
from omnisearch_indexer.check_result import CheckState
from omnisearch_indexer.doctor import Doctor
from omnisearch_indexer.dry_run import dry_run_files
from omnisearch_indexer.session import index_files
from omnisearch_indexer.status import read_failures, read_status
from tests.indexer.conftest import paths_of, points_of, write_image
from tests.indexer.test_session import _same, counts


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Two pictures and a folder of two."""
    for n, name in enumerate(("a", "b", "disk/c", "disk/deep/d")):
        write_image(tmp_path / "media" / f"{name}.png", seed=n)
    return tmp_path / "media"


def put_on_another_device(settings: Settings, folder: Path) -> None:
    """Make the manifest say that the files below a folder were met on a file system of their own."""
    with closing(sqlite3.connect(settings.data_dir / "manifest.sqlite", isolation_level=None)) as db:
        prefix = os.fsencode(folder) + b"/"
        changed = db.execute(
            "UPDATE files SET device = device + 1000 WHERE substr(path, 1, ?) = ?", (len(prefix), prefix)
        )
        assert changed.rowcount


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    "away", [pytest.param(empty, id="empty", marks=pytest.mark.slow), pytest.param(shutil.rmtree, id="missing")]
)
def test_a_root_without_files_keeps_them_until_they_are_back_or_pruned(
    tmp_path: Path, settings: Settings, media: Path, away: Callable[[Path], None]
) -> None:
    index_files([media], settings)
    before = points_of(settings)
    shutil.copytree(media, tmp_path / "copy")
    away(media)
    for run in (lambda: dry_run_files([media], settings).report, lambda: index_files([media], settings)):
        report = run()
        [place] = report.kept
        assert (place.path, place.files, report.removed, report.complete) == (str(media), 4, 0, False)
        assert f"--prune {media}" in place.way_out
    assert _same(points_of(settings), before)
    assert read_absent_folders(settings.data_dir) == report.kept
    shutil.copytree(tmp_path / "copy", media, dirs_exist_ok=True)
    back = index_files([media], settings)
    assert (counts(back), back.complete, read_absent_folders(settings.data_dir)) == ({"unchanged": 4}, True, [])
    away(media)
    assert index_files([media], settings, prune=True).removed == 4
    assert points_of(settings) == {}
    assert read_absent_folders(settings.data_dir) == []


def test_the_other_roots_of_a_run_are_indexed(tmp_path: Path, settings: Settings, media: Path) -> None:
    index_files([media / "disk"], settings)
    shutil.rmtree(media / "disk")
    report = index_files([media / "disk", media], settings)  # which lies above the missing one
    assert (counts(report), [place.path for place in report.kept]) == ({"new": 2}, [str(media / "disk")])
    with pytest.raises(UsageError, match="never"):
        index_files([media, media / "never"], settings)


@pytest.mark.parametrize("away", [empty, shutil.rmtree], ids=["empty", "missing"])
def test_a_file_system_below_a_root_that_is_not_mounted_keeps_its_files(
    settings: Settings, media: Path, away: Callable[[Path], None]
) -> None:
    index_files([media], settings)
    put_on_another_device(settings, media / "disk")
    away(media / "disk")
    (media / "a.png").unlink()
    report = index_files([media], settings)
    standing = media / "disk" if away is empty else media
    assert report.kept == [AbsentFolder(str(standing), 2, UNMOUNTED)]
    assert counts(report) == {"unchanged": 1, "removed": 1}
    assert paths_of(settings) == {str(media / name) for name in ("b.png", "disk/c.png", "disk/deep/d.png")}
    assert index_files([media], settings, prune=True).removed == 2


def test_a_folder_that_was_deleted_leaves_the_index(settings: Settings, media: Path) -> None:
    index_files([media], settings)
    shutil.rmtree(media / "disk")
    assert counts(index_files([media], settings)) == {"unchanged": 2, "removed": 2}


def test_a_file_system_with_another_number_is_the_same(
    settings: Settings, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart devices may be numbered otherwise: nothing is read, and deleted files are still seen as such."""
    index_files([media], settings)
    put_on_another_device(settings, media)
    (media / "disk" / "c.png").unlink()
    monkeypatch.setattr(local_files, "open_file", None)
    report = index_files([media], settings)
    assert (counts(report), report.kept) == ({"unchanged": 3, "removed": 1}, [])
    shutil.rmtree(media / "disk")  # by now the new numbers are known
    assert counts(index_files([media], settings)) == {"unchanged": 2, "removed": 1}


def test_a_copy_of_files_that_are_away_does_not_move_them(tmp_path: Path, settings: Settings, media: Path) -> None:
    index_files([media / "disk"], settings)
    put_on_another_device(settings, media / "disk")
    shutil.move(media / "disk", tmp_path / "copy")
    assert counts(index_files([tmp_path / "copy"], settings)) == {"duplicate": 2}
    report = index_files([media / "disk"], settings)
    assert [place.files for place in report.kept] == [2]


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[[Path], None]]:
    """Mount a file system in memory."""
    points: list[Path] = []

    def mount(point: Path) -> None:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", point], capture_output=True)
        if done.returncode:
            pytest.skip(f"cannot mount here: {done.stderr.decode().strip()}")
        points.append(point)

    yield mount
    for point in points:
        subprocess.run(["umount", point], capture_output=True)


def test_a_real_mount(tmp_path: Path, settings: Settings, media: Path, mounted: Callable[[Path], None]) -> None:
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root mounts")
    empty(media / "disk")
    mounted(media / "disk")
    write_image(media / "disk" / "c.png", seed=7)
    assert counts(index_files([media], settings)) == {"new": 3}
    subprocess.run(["umount", media / "disk"], check=True)
    assert index_files([media], settings).kept == [AbsentFolder(str(media / "disk"), 1, UNMOUNTED)]
    assert len(points_of(settings)) == 3


@pytest.mark.parametrize("number", [5, 13], ids=["EIO", "EACCES"])
def test_a_known_file_that_cannot_be_read_stays_and_is_named(
    settings: Settings, media: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Whether its stat fails or its content: a failing disk or share looks like that."""
    index_files([media], settings)
    before = points_of(settings)
    original, broken = os.lstat, media / "a.png"

    def failing(path: str) -> os.stat_result:
        if path == str(broken):
            raise OSError(number, os.strerror(number))
        return original(path)

    expected = Reason.UNREADABLE if number == 5 else Reason.PERMISSION
    with monkeypatch.context() as patched:
        patched.setattr(walk.os, "lstat", failing)
        report = index_files([media], settings)
    assert (counts(report), dict(report.reasons)) == ({"unchanged": 3, "failed": 1}, {expected: 1})
    with monkeypatch.context() as patched:
        patched.setattr(local_files, "content_hash", lambda fd: failing(str(broken)))
        report = index_files([media], settings)
    assert (counts(report), dict(report.reasons)) == ({"unchanged": 3, "failed": 1}, {expected: 1})
    assert _same(points_of(settings), before)
    assert [(row["path"], row["reason"]) for row in read_failures(settings, False)] == [(str(broken), expected)]
    assert (counts(index_files([media], settings)), list(read_failures(settings, False))) == (
        {"unchanged": 4},
        [],
    )


def test_commands_tell_of_a_kept_root(settings: Settings, media: Path, call: Callable[..., tuple[int, str]]) -> None:
    index_files([media], settings)
    empty(media)
    flags = ("--data-dir", settings.data_dir, "--model", settings.model, "--format", "json")
    status, stdout = call("index", media, *flags)
    assert status == 3
    [kept] = json.loads(stdout)["kept"]
    assert (kept["path"], kept["files"]) == (str(media), 4)
    assert read_status(settings)["kept"] == [kept]
    table = call("status", "--data-dir", settings.data_dir, "--format", "table")[1]  # which breaks its lines
    table = " ".join(table.split())
    assert "missing, still indexed path: " in table
    assert "files: 4, why: it holds no files now" in table
    roots = next(each for each in Doctor(settings).findings() if each.check == "roots")
    assert (roots.state, f"--prune {media}" in roots.way_out) == (CheckState.WARN, True)
    assert call("index", "--prune", media, *flags)[0] == 0


def test_a_run_that_is_given_nothing_says_so(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, call: Callable[..., tuple[int, str]]
) -> None:
    write_image(tmp_path / "here" / "p.png")
    monkeypatch.chdir(tmp_path / "here")
    for arguments in (("index", ""), ("index", ".", ""), ("index", ".", "--data-dir", ""), ("forget", "")):
        assert call(*arguments, "--format", "json")[0] == 2
    with suppress(FileNotFoundError):
        assert list(settings.data_dir.iterdir()) == []
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["p.png"]
