"""Folder watch: which changes of real folders the system tells of."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import watchfiles._rust_notify as rust

from omnisearch_indexer import folder_watch
from omnisearch_indexer.folder_watch import FolderWatch, WatchLimitError

PATIENCE_SECONDS = 60.0
ORIGINAL = rust.RustNotify


def inodes(*folders: Path) -> dict[str, int]:
    return {str(folder): os.lstat(folder).st_ino for folder in folders}


@pytest.fixture
def watch() -> Iterator[FolderWatch]:
    with closing(FolderWatch()) as made:
        yield made


def wait_for(watch: FolderWatch, path: Path) -> set[str]:
    """Drain until a path has changed; return all that did."""
    found: set[str] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while str(path) not in found:
        assert time.monotonic() < deadline, f"nothing told of {path}, only of {found}"
        found |= watch.drain()
    return found


def test_folders_are_watched_without_what_is_below_them_or_behind_links(tmp_path: Path, watch: FolderWatch) -> None:
    for name in ("root/in/deep", "outside"):
        (tmp_path / name).mkdir(parents=True)
    root = tmp_path / "root"
    (root / "link").symlink_to("../outside")
    watch.cover(inodes(root, root / "in"))
    (tmp_path / "outside" / "a").touch()
    (root / "in" / "deep" / "b").touch()
    (root / "in" / "c").touch()
    assert wait_for(watch, root / "in" / "c") == {str(root / "in" / "c")}
    (root / "in").rename(root / "out")
    assert {str(root / "in"), str(root / "out")} <= wait_for(watch, root / "out")


def test_a_folder_that_cannot_be_watched_does_not_hide_the_others(tmp_path: Path, watch: FolderWatch) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    known = inodes(*folders)
    folders[0].rmdir()
    folders[1].rmdir()
    watch.cover(known)
    (folders[2] / "file").touch()
    wait_for(watch, folders[2] / "file")


def test_another_folder_of_the_same_name_is_watched(tmp_path: Path, watch: FolderWatch) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    watch.cover(inodes(tmp_path, folder))
    folder.rename(tmp_path / "b")
    folder.mkdir()
    watch.cover(inodes(tmp_path, folder))
    (folder / "file").touch()
    wait_for(watch, folder / "file")


def test_folders_that_are_added_later_share_watchers(
    tmp_path: Path, watch: FolderWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "MOST_WATCHERS", 3)
    folders = [tmp_path / str(n) for n in range(12)]
    for folder in folders:
        folder.mkdir()
        watch.cover(inodes(folder))
        (folder / "early").touch()  # no change is lost when watchers are replaced
    assert len(watch._watchers) <= 3
    (folders[-1] / "late").touch()
    found = wait_for(watch, folders[-1] / "late")
    assert {str(folder / "early") for folder in folders} <= found
    for folder in folders:
        (folder / "again").touch()
        wait_for(watch, folder / "again")


def test_a_folder_that_is_moved_away_and_back_is_watched(
    tmp_path: Path, watch: FolderWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_watch, "MOST_WATCHERS", 2)
    folder = tmp_path / "a" / "in"
    folder.mkdir(parents=True)
    watch.cover(inodes(tmp_path))
    watch.cover(inodes(tmp_path / "a", folder))
    (tmp_path / "a").rename(tmp_path / "b")
    (tmp_path / "c").mkdir()
    watch.cover(inodes(tmp_path / "c"))  # replaces the watcher of the folder that is away
    (tmp_path / "b").rename(tmp_path / "a")
    watch.cover(inodes(tmp_path / "a", folder))
    (folder / "file").touch()
    wait_for(watch, folder / "file")


def limit(*given: object) -> rust.RustNotify:
    """Like the system at its limit, which watchfiles hides where it ignores errors."""
    if not given[-1]:
        raise OSError('OS file watch limit reached. about ["/a"] (Error { kind: MaxFilesWatch })')
    return ORIGINAL(*given)


def lack_instances(*_: object) -> rust.RustNotify:
    raise rust.WatchfilesRustInternalError("Error creating recommended watcher: Too many open files (os error 24)")


@pytest.mark.parametrize(
    ("system", "said"),
    [
        (limit, r"OS file watch limit reached.*sysctl fs.inotify.max_user_watches="),
        (lack_instances, r".*Too many open files.*sysctl fs.inotify.max_user_instances="),
    ],
)
def test_the_limits_of_the_system_are_named_with_the_way_out(
    tmp_path: Path, watch: FolderWatch, monkeypatch: pytest.MonkeyPatch, system: Callable[..., object], said: str
) -> None:
    monkeypatch.setattr(rust, "RustNotify", system)
    with pytest.raises(WatchLimitError, match=f"1 folders: {said}"):
        watch.cover(inodes(tmp_path))
