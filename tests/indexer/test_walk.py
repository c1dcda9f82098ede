"""The walk: order, rules, links, and what it refuses."""

import os
import socket
from pathlib import Path

import pytest

from omnisearch.errors import Reason, UsageError
from omnisearch_indexer.walk import Walk, resolve_roots


def names(folder: Path, **options: object) -> list[str]:
    return [os.path.relpath(found.path, folder) for found in Walk([str(folder)], **options)]


def make(folder: Path, *files: str) -> Path:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


def test_paths_come_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    make(tmp_path, "a/b", "a.txt", "a-b/c", "Z", "é", "a/a/a")
    found = names(tmp_path)
    assert found == sorted(found, key=os.fsencode)
    assert len(found) == 6


def test_rules_hidden_files_and_clutter(tmp_path: Path) -> None:
    make(
        tmp_path, "keep.txt", "drop.tmp", "sub/drop.tmp", "sub/keep.tmp", "build/x", "sub/build/x", ".secret", ".git/x"
    )
    make(tmp_path, "node_modules/x", "@eaDir/x")
    (tmp_path / ".omnisearchignore").write_text("*.tmp\n/build/\n")
    (tmp_path / "sub" / ".omnisearchignore").write_text("!keep.tmp\n")
    assert names(tmp_path) == ["keep.txt", "sub/build/x", "sub/keep.tmp"]
    with_hidden = names(tmp_path, hidden=True)
    assert {".secret", ".git/x"} <= set(with_hidden)
    assert "node_modules/x" not in with_hidden
    assert names(tmp_path, skip=frozenset({str(tmp_path / "sub")})) == ["keep.txt"]


def test_links_are_named_or_counted_and_never_followed(tmp_path: Path) -> None:
    make(tmp_path / "tree", "a/file")
    tree = tmp_path / "tree"
    make(tmp_path, "outside/secret")
    for name, target in {"up": "..", "here": ".", "one": "two", "two": "one", "lost": "nowhere"}.items():
        (tree / "a" / name).symlink_to(target)
    for name, target in {"good": "file", "out": "../../outside"}.items():
        (tree / "a" / name).symlink_to(target)
    walk = Walk([str(tree)])
    found = {Path(one.path).name: one.reason for one in walk}
    loops = dict.fromkeys(("up", "here", "one", "two"), Reason.LINK_LOOP)
    assert found == {"file": None, "lost": Reason.NOT_REGULAR, **loops}
    assert walk.links == 2


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        found = {Path(one.path).name: one.reason for one in Walk([str(tmp_path)])}
    assert found == {"pipe": Reason.NOT_REGULAR, "socket": Reason.NOT_REGULAR}


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "shut/x", "open/x")
    original = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr("omnisearch_indexer.walk.os.scandir", guarded)
    walk = Walk([str(tmp_path)])
    assert [(Path(one.path).name, one.reason) for one in walk] == [("x", None), ("shut", Reason.PERMISSION)]
    assert walk.unread == [str(tmp_path / "shut")]


def test_roots(tmp_path: Path) -> None:
    make(tmp_path, "a/b/c", "ab")
    (tmp_path / "link").symlink_to("a")
    paths = [tmp_path / name for name in ("ab", "a/b", "link", "a/../a")]
    assert resolve_roots(paths) == [str(tmp_path / "a"), str(tmp_path / "ab")]
    with pytest.raises(UsageError, match="nowhere"):
        resolve_roots([tmp_path / "nowhere"])
