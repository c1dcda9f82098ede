"""A bounded folder: what was used last stays, and nothing that lies in it breaks it."""

import os
import re
from pathlib import Path

import pytest

from omnisearch.renditions import bounded_folder
from omnisearch.renditions.bounded_folder import BoundedFolder

OURS = re.compile(r"\.?[a-z]\.bin(\.\d+)?")
LIMIT = 1000


def folder_of(path: Path) -> BoundedFolder:
    return BoundedFolder(path / "kept", LIMIT, OURS)


def write(folder: BoundedFolder, name: str, size: int = 300) -> None:
    folder.write(name, bytes(size)).close()


def names(path: Path) -> set[str]:
    return {entry.name for entry in (path / "kept").iterdir()}


def age(path: Path, seconds: float) -> None:
    """Let a file be last used so long ago."""
    used = path.stat().st_atime - seconds
    os.utime(path, (used, path.stat().st_mtime))


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    for n, name in enumerate("abc"):
        write(folder, f"{name}.bin")
        age(tmp_path / "kept" / f"{name}.bin", 100 - n)
    with folder.open("a.bin") as file:
        assert len(file.read()) == 300
    write(folder, "d.bin")
    assert names(tmp_path) == {"a.bin", "c.bin", "d.bin"}


def test_a_file_that_was_just_read_keeps_its_time_of_change(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    write(folder, "a.bin")
    os.utime(tmp_path / "kept" / "a.bin", (5, 5))
    folder.open("a.bin").close()
    found = (tmp_path / "kept" / "a.bin").stat()
    assert found.st_mtime == 5
    assert found.st_atime > 5


def test_an_open_file_stays_readable_when_it_is_deleted(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    first = folder.write("a.bin", b"x" * 900)
    write(folder, "b.bin", 900)
    assert names(tmp_path) == {"b.bin"}
    with first:
        assert first.read() == b"x" * 900


def test_a_file_larger_than_the_limit_is_the_only_one(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    write(folder, "a.bin")
    write(folder, "b.bin", 5000)
    assert names(tmp_path) == {"b.bin"}
    write(folder, "c.bin")
    assert names(tmp_path) == {"c.bin"}


def test_files_of_the_process_before_count(tmp_path: Path) -> None:
    before = folder_of(tmp_path)
    for name in "abc":
        write(before, f"{name}.bin")
    write(folder_of(tmp_path), "d.bin")
    assert len(names(tmp_path)) == 3


def test_the_folder_is_read_only_when_it_may_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[object] = []
    scandir = os.scandir
    monkeypatch.setattr(bounded_folder.os, "scandir", lambda path: reads.append(path) or scandir(path))
    folder = folder_of(tmp_path)
    for n in range(40):
        write(folder, f"{'abcdefgh'[n % 8]}.bin", 10)
        folder.open("a.bin").close()
    assert len(reads) == 1
    for n in range(40):
        write(folder, f"{'abcdefgh'[n % 8]}.bin", 30)
    assert 1 < len(reads) < 10


def test_what_lies_in_the_folder_breaks_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "notes.txt").write_bytes(bytes(5000))
    (kept / "a.bin").mkdir()
    (kept / "b.bin").symlink_to("/etc/passwd")
    (kept / "c.bin").symlink_to("nowhere")
    os.mkfifo(kept / "d.bin")
    (kept / ".e.bin.4711").write_bytes(bytes(900))  # left by a process that was killed while it wrote
    age(kept / ".e.bin.4711", 100)
    (kept / "caf\udce9.bin").write_bytes(b"")
    foreign = names(tmp_path) - {".e.bin.4711"}
    folder = folder_of(tmp_path)
    for name in ("a.bin", "b.bin", "c.bin"):
        with pytest.raises(OSError, match=name):
            folder.open(name)
    with folder.open("d.bin") as pipe:
        assert pipe.read() == b""
    write(folder, "f.bin")
    assert names(tmp_path) == foreign | {"f.bin"}
    write(folder, "g.bin", 900)
    assert names(tmp_path) == foreign | {"g.bin"}


def test_a_file_that_another_process_deleted_is_no_error(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    for name in "abc":
        write(folder, f"{name}.bin")
        (tmp_path / "kept" / f"{name}.bin").unlink()
    write(folder, "d.bin")
    with pytest.raises(OSError, match="No such file"):
        folder.open("a.bin")
    assert names(tmp_path) == {"d.bin"}
