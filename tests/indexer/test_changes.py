"""Changes: when a path waits no longer."""

import pytest

from omnisearch_indexer import changes
from omnisearch_indexer.changes import Changes
from omnisearch_indexer.walk import Signature


class Disk:
    """A clock, and the signatures of files by path."""

    def __init__(self) -> None:
        self.now, self.files = 0.0, dict[str, int]()
        self.changes = Changes(self.signature, lambda: self.now, quiet_seconds=2.0)

    def signature(self, path: str) -> Signature | None:
        return Signature(self.files[path], 0, 1, 1) if path in self.files else None

    def write(self, path: str, size: int, at: float) -> None:
        self.now, self.files[path] = at, size
        self.changes.note(path)

    def take(self, at: float) -> list[str] | None:
        self.now = at
        taken = self.changes.take()
        return None if taken is None else list(taken)


def test_a_path_is_taken_once_when_nothing_has_changed_it_for_a_moment() -> None:
    disk = Disk()
    disk.write("a", 1, at=0)
    disk.write("b", 1, at=1)
    disk.write("a", 2, at=1.5)
    assert disk.take(at=1.9) == []
    assert disk.take(at=3) == ["b"]
    assert disk.take(at=3.5) == ["a"]
    assert disk.take(at=99) == []


def test_a_file_that_grows_without_a_note_waits_too() -> None:
    disk = Disk()
    disk.write("a", 1, at=0)
    disk.files["a"] = 2
    assert disk.take(at=2) == []
    assert disk.take(at=3.9) == []
    assert disk.take(at=4) == ["a"]


def test_a_path_that_is_gone_waits_for_where_it_may_be_now() -> None:
    disk = Disk()
    disk.write("new", 1, at=0)
    disk.changes.note("old")
    disk.write("new", 1, at=1)
    disk.write("other", 1, at=0.5)
    assert disk.take(at=2.5) == ["other"]
    assert disk.take(at=3) == ["new", "old"]


def test_what_changes_all_the_time_is_taken_at_last() -> None:
    disk = Disk()
    disk.changes.note("gone")
    for second in range(int(changes.LONGEST_SECONDS)):
        disk.write("log", second, at=second)
        assert disk.take(at=second) == []
    assert set(disk.take(at=changes.LONGEST_SECONDS) or ()) == {"log", "gone"}


def test_many_paths_count_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_PATHS", 3)
    disk = Disk()
    for n in range(4):
        disk.write(str(n), 1, at=0)
    assert disk.take(at=1) == []
    disk.write("5", 1, at=1)
    assert disk.take(at=2.5) == []
    assert disk.take(at=3) is None
    assert disk.take(at=99) == []
    for second in range(100, 160):
        disk.now = second
        disk.changes.note_all()
        assert disk.take(at=second) == []
    assert disk.take(at=160) is None
    disk.write("6", 1, at=200)
    assert disk.take(at=202) == ["6"]
