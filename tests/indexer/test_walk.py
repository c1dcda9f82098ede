"""The walk: order, rules, links, and what it refuses."""

import errno
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from omnisearch.errors import Reason
from omnisearch_indexer.globs import parse_globs
from omnisearch_indexer.roots import resolve_roots
from omnisearch_indexer.walk import Walk


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


@pytest.mark.parametrize("hidden", [False, True])
def test_names_alone_say_what_a_walk_leaves_out(tmp_path: Path, hidden: bool) -> None:
    make(tmp_path, "a.txt", "b.jpg", ".c.jpg", "sub/d.jpg", "sub/deep/e.jpg", "sub/deep/f.tmp", "node_modules/g.jpg")
    make(tmp_path, "huge/h.jpg", "drafts/deep/i.jpg", "sub/.j/k.jpg")
    (tmp_path / ".omnisearchignore").write_text("*.tmp\n/huge/\n")
    (tmp_path / "sub" / ".omnisearchignore").write_text("!f.tmp\ndeep/e.*\n")
    globs = parse_globs(["*.jpg", "*.tmp"], ["drafts/"])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    walk = Walk([str(tmp_path)], hidden, globs=globs)
    wanted = {os.path.relpath(path, tmp_path) for path in files if not walk.leaves_out(str(path), str(tmp_path))}
    assert wanted == set(names(tmp_path, hidden=hidden, globs=globs))
    assert {"b.jpg", "sub/deep/f.tmp"} <= wanted


def test_refused_files_are_told_and_not_looked_at(tmp_path: Path) -> None:
    make(tmp_path, "a", "sub/b")
    refused = {str(tmp_path / name): (Reason.NOT_COPIED, f"{name}: why") for name in ("sub/b", "lost", "sub")}
    found = [(os.path.relpath(one.path, tmp_path), one.detail) for one in Walk([str(tmp_path)], refused=refused)]
    assert found == [("a", ""), ("sub/b", "sub/b: why"), ("lost", "lost: why"), ("sub", "sub: why")]
    file = tmp_path / "a"
    [alone] = Walk([str(file)], refused={str(file): (Reason.NOT_COPIED, "why"), **refused})
    assert (alone.path, alone.reason) == (str(file), Reason.NOT_COPIED)


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
    assert resolve_roots(paths).present == [str(tmp_path / "a"), str(tmp_path / "ab")]
    (tmp_path / "lost").symlink_to("a/gone/b")
    (tmp_path / "loop").symlink_to("loop")
    found = resolve_roots([tmp_path / name for name in ("a", "nowhere", "lost", "loop")])
    missing = {str(tmp_path / name): why for name, why in found.missing.items()}
    assert found.present == [str(tmp_path / "a")]
    assert missing == {
        str(tmp_path / "nowhere"): os.strerror(errno.ENOENT),
        str(tmp_path / "a" / "gone" / "b"): os.strerror(errno.ENOENT),  # what the link leads to
        str(tmp_path / "loop"): os.strerror(errno.ELOOP),
    }


@pytest.fixture
def nest(tmp_path: Path) -> Iterator[Callable[[str, int], None]]:
    """Make that many folders in each other, with a file in the last. Not even pytest could remove them."""

    def make_nested(name: str, depth: int) -> None:
        here = os.open(tmp_path, os.O_RDONLY)
        for _ in range(depth):
            os.mkdir(name, dir_fd=here)
            below = os.open(name, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(os.open("file", os.O_CREAT, dir_fd=here))
        os.close(here)

    yield make_nested
    subprocess.run(["rm", "-rf", tmp_path], check=True)


def test_folders_nested_deeper_than_python_calls_are_walked(tmp_path: Path, nest: Callable[[str, int], None]) -> None:
    nest("d", 1500)
    assert names(tmp_path) == ["d/" * 1500 + "file"]


def test_a_path_longer_than_the_system_takes_is_told(tmp_path: Path, nest: Callable[[str, int], None]) -> None:
    nest("d" * 200, 25)
    make(tmp_path, "z")
    walk = Walk([str(tmp_path)])
    long, last = walk
    assert (long.reason, last.path) == (Reason.UNREADABLE, str(tmp_path / "z"))
    assert os.strerror(errno.ENAMETOOLONG) in long.detail
    assert walk.unread == [long.path]


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EMFILE])
def test_no_error_of_the_system_ends_the_walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    make(tmp_path, "a/x", "bad/x", "c.bad", "z")
    (tmp_path / "l.bad").symlink_to("z")
    broken = OSError(number, os.strerror(number))

    def failing(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *rest: Any, **more: Any) -> Any:
            if str(path).endswith("bad"):
                raise broken
            return original(path, *rest, **more)

        return call

    for name in ("scandir", "lstat"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    found = {os.path.relpath(one.path, tmp_path): one.reason for one in Walk([str(tmp_path)])}
    assert found == {"a/x": None, "bad": Reason.UNREADABLE, "c.bad": Reason.UNREADABLE, "l.bad": Reason.UNREADABLE,
                     "z": None}  # fmt: skip


def test_a_root_that_goes_away_is_told(tmp_path: Path) -> None:
    make(tmp_path, "here")
    walk = Walk([str(tmp_path / "gone"), str(tmp_path / "here")])
    assert [one.reason for one in walk] == [Reason.VANISHED, None]
    assert walk.unread == [str(tmp_path / "gone")]


def test_a_strange_ignore_file_does_not_end_the_walk(tmp_path: Path) -> None:
    make(tmp_path, "a/x", "b/drop", "b/keep", "c/x", "d/x")
    os.mkfifo(tmp_path / "a" / ".omnisearchignore")
    (tmp_path / "b" / ".omnisearchignore").write_bytes(b"!\n/\n\xff\xfe\ndrop\n[\n[z-a]\n\\\n")
    (tmp_path / "c" / ".omnisearchignore").mkdir()
    (tmp_path / "d" / ".omnisearchignore").write_bytes(b"#" * (2 << 20))
    found = {os.path.relpath(one.path, tmp_path): one.reason for one in Walk([str(tmp_path)])}
    assert found == {"a/x": None, "b/keep": None, "c/x": None, "d": Reason.TOO_LARGE}


def test_a_long_chain_of_links_as_a_root_is_missing(tmp_path: Path) -> None:
    for n in range(1500):
        (tmp_path / str(n)).symlink_to(str(n + 1))
    assert resolve_roots([tmp_path / "0"]).missing == {str(tmp_path / "0"): os.strerror(errno.ELOOP)}
