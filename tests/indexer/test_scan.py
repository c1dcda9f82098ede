"""The scan equals a comparison of each file with its row, and asks for no row of an unchanged file."""

import os
import random
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from omnisearch.errors import Reason
from omnisearch_indexer.batch_log import BatchLog
from omnisearch_indexer.manifest import Manifest
from omnisearch_indexer.manifest_rows import FileRow
from omnisearch_indexer.report import Outcome
from omnisearch_indexer.scan import Choices, ScanResult, scan
from omnisearch_indexer.todo import Todo
from omnisearch_indexer.walk import FoundFile, Signature, Walk

# Names around the slash, in the order of bytes, and one that is not UTF-8.
NAMES = ["a", "a ", "a-", "a.txt", "a0", "ab", "A", "é", "\u4e2d", "\U0001f600", os.fsdecode(b"\xff"), "~"]


@pytest.fixture
def manifest(tmp_path: Path) -> Iterator[Manifest]:
    with closing(Manifest(tmp_path / "manifest.sqlite", create=True)) as opened:
        yield opened


def run(
    manifest: Manifest,
    *roots: Path,
    decoder: str = "now",
    missing: dict[str, str] | None = None,
    logs: dict[str, BatchLog] | None = None,
) -> ScanResult:
    with manifest.transaction():
        manifest._db.execute("DELETE FROM absent")
    walk = Walk([str(root) for root in roots])
    return scan(walk, missing or {}, manifest, decoder, Choices(), threading.Event(), logs or {})


def record(manifest: Manifest, roots: list[Path], decoder: str = "now") -> None:
    found = [one for one in Walk([str(root) for root in roots]) if one.reason is None]
    with manifest.transaction():
        manifest.put_files(FileRow(one.path, one.signature, decoder, None, Reason.UNSUPPORTED_FORMAT) for one in found)


def grow(folder: Path, dice: random.Random, depth: int = 2) -> None:
    folder.mkdir(exist_ok=True)
    for name in dice.sample(NAMES, dice.randrange(1, len(NAMES))):
        if depth and dice.random() < 0.4:
            grow(folder / name, dice, depth - 1)
        else:
            (folder / name).write_text(name, errors="surrogateescape")


def change(folder: Path, dice: random.Random) -> None:
    for path in sorted(folder.rglob("*"), key=os.fsencode):
        if not path.exists() or (fate := dice.random()) > 0.4:
            continue
        if path.is_dir():
            if fate < 0.1:
                shutil.rmtree(path)
        elif fate < 0.1:
            path.unlink()
        elif fate < 0.2:
            path.write_text("changed")
        elif fate < 0.3:
            path.unlink()
            path.mkdir()
            (path / "new").touch()
        else:
            path.with_name(f"{path.name}!").touch()


def grown(folder: Path, dice: random.Random) -> list[Path]:
    """Grow two roots, of which the path of one begins with that of the other."""
    roots = [folder / "tree", folder / "tree-2"]
    for root in roots:
        grow(root, dice)
    return roots


@pytest.mark.parametrize("seed", range(10))
def test_a_scan_is_a_comparison_of_each_file_with_its_row(tmp_path: Path, manifest: Manifest, seed: int) -> None:
    dice = random.Random(seed)
    roots = grown(tmp_path, dice)
    (tmp_path / "tree2").write_text("beside the roots")
    record(manifest, [*roots, tmp_path / "tree2"])
    for root in roots:
        change(root, dice)
    found = run(manifest, *roots)
    files = list(Walk([str(root) for root in roots]))
    same = [one for one in files if (row := manifest.file(one.path)) and row.signature == one.signature]
    assert {reading.path: reading.signature for reading in found.todo} == {
        one.path: one.signature for one in files if one not in same
    }
    assert found.report.seen == len(files)
    assert found.report.outcomes[Outcome.UNSUPPORTED] == len(same)
    absent = {row.path for root in roots for row in manifest.absent(str(root))}
    assert absent == {row.path for row in manifest.failures_after("", 10**6, "unsupported_format")} - {
        one.path for one in files
    } - {str(tmp_path / "tree2")}


def told(found: ScanResult, manifest: Manifest, roots: list[Path]) -> object:
    """Return all results of a scan; the files to read are sorted, because their order may differ."""
    todo = sorted((reading.path, reading.signature, reading.runs) for reading in found.todo)
    absent = {row.path for root in roots for row in manifest.absent(str(root))}
    report = found.report.fields()
    return todo, absent, found.refused, found.deleted, found.failed, found.renewed, report


@pytest.mark.parametrize("seed", range(20))
def test_a_scan_with_the_log_of_an_earlier_one_finds_the_same(tmp_path: Path, manifest: Manifest, seed: int) -> None:
    dice = random.Random(seed)
    roots = grown(tmp_path, dice)
    failing = [path for path in roots[0].rglob("*") if path.is_file() and dice.random() < 0.1]
    record(manifest, roots)
    with manifest.transaction():
        rows = [manifest.file(str(path)) for path in failing]
        manifest.put_files(replace(row, reason=Reason.DAMAGED, decoder=row.decoder) for row in rows if row)
    before = run(manifest, *roots)
    assert before.logs.keys() == {str(root) for root in roots}
    again = run(manifest, *roots, logs=before.logs)
    assert told(again, manifest, roots) == told(before, manifest, roots)
    assert {root: bytes(log) for root, log in again.logs.items()} == {
        root: bytes(log) for root, log in before.logs.items()
    }
    for root in roots:
        change(root, dice)
    with_logs = run(manifest, *roots, logs=before.logs)
    found = told(with_logs, manifest, roots)
    with closing(Manifest(manifest.path, create=True)) as other:
        assert found == told(run(other, *roots), other, roots)


def test_folders_with_links_alone_have_nothing_to_compare(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "tree/links").mkdir(parents=True)
    (tmp_path / "tree/z").write_text("z")
    (tmp_path / "tree/links/link").symlink_to(tmp_path / "tree/z")
    record(manifest, [tmp_path / "tree"])
    before = run(manifest, tmp_path / "tree")
    again = run(manifest, tmp_path / "tree", logs=before.logs)
    for found in (before, again):
        assert (found.is_unchanged, found.report.seen, found.report.links) == (True, 1, 1)
    link = str(tmp_path / "tree/links/link")
    assert not list(Walk([link], within=[str(tmp_path / "tree")]).batches(link))


def test_a_log_spares_the_rows_and_shows_what_is_gone(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "tree"
    for name in ("a/1", "b/2", "c/3", "d"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    record(manifest, [root])
    asked: list[bytes] = []
    original = Manifest.known
    monkeypatch.setattr(
        Manifest,
        "known",
        lambda self, root, decoder, after: (asked.append(after), original(self, root, decoder, after))[1],
    )
    logs = run(manifest, root).logs
    assert asked == [b""]
    assert run(manifest, root, logs=logs).is_unchanged
    assert asked == [b""]
    status = (root / "b/2").stat()
    (root / "b/2").write_text("B/2")
    os.utime(root / "b/2", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert [reading.path for reading in run(manifest, root, logs=logs).todo] == [str(root / "b/2")]
    assert asked[1:] == [os.fsencode(root / "a/1")]
    assert len(run(manifest, root, logs=logs, decoder="newer").todo) == 4
    for gone in ("d", "a", "c"):
        shutil.rmtree(root / gone) if (root / gone).is_dir() else (root / gone).unlink()
        found = run(manifest, root, logs=logs)
        assert str(root / gone) in {row.path.removesuffix("/1").removesuffix("/3") for row in found.deleted}
        assert found.logs == {}


def test_an_unchanged_file_is_not_asked_for(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(tmp_path / "tree", random.Random(1))
    record(manifest, [tmp_path / "tree"], decoder="before")
    asked: Counter[str] = Counter()
    original = Manifest.file
    monkeypatch.setattr(Manifest, "file", lambda self, path: (asked.update([path]), original(self, path))[1])
    assert len(run(manifest, tmp_path / "tree").todo) == asked.total() > 0  # of another decoder
    asked.clear()
    assert not run(manifest, tmp_path / "tree", decoder="before").todo
    assert not asked


def test_a_folder_that_cannot_be_listed_is_known_although_it_comes_late(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("shut/x", "shut-after"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).touch()
    record(manifest, [tmp_path / "tree"])
    original = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied")
        return original(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = run(manifest, tmp_path / "tree")
    assert [(row.path, row.reason) for row in found.refused] == [(str(tmp_path / "tree/shut"), Reason.PERMISSION)]
    assert (found.deleted, found.report.seen) == ([], 2)
    with manifest.transaction():
        manifest.put_files(found.refused)
    found = run(manifest, tmp_path / "tree")
    assert (found.refused, found.deleted, found.report.reasons) == ([], [], {Reason.PERMISSION: 1})


def test_files_of_a_missing_root_are_absent_but_for_those_of_a_root_below(tmp_path: Path, manifest: Manifest) -> None:
    for name in ("top/a", "top/b/c", "top-2"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    record(manifest, [tmp_path])
    run(manifest, tmp_path / "top/b", missing={str(tmp_path / "top"): "Permission denied"})
    assert [row.path for row in manifest.absent(str(tmp_path))] == [str(tmp_path / "top/a")]


def test_todo_gives_back_what_was_added_small_files_first() -> None:
    names = ["/\udcff", "/a\nb", "/c", "/d"]
    sizes = [1 << 40, 3, 2, 0]
    todo = Todo()
    for name, size in zip(names, sizes, strict=True):
        todo.add(name, Signature(size, -5, (1 << 63) - 1, 7, 9), runs=size % 3 + 1)
    assert (len(todo), todo.bytes) == (4, sum(sizes))
    assert [(r.path, r.signature.size, r.runs) for r in todo] == [
        ("/d", 0, 1), ("/a\nb", 3, 1), ("/c", 2, 3), ("/\udcff", 1 << 40, 2),
    ]  # fmt: skip
    assert {reading.signature[1:] for reading in todo} == {(-5, (1 << 63) - 1, 7, 9)}


def test_found_files_have_the_fields_of_their_entries(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    walk = Walk([str(tmp_path)])
    entries = [entry for batch in walk.batches(str(tmp_path)) for entry in batch]
    assert list(map(FoundFile.of, entries)) == list(walk)
