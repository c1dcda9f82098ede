"""Files are replaced whole or not at all."""

import stat
from pathlib import Path

import pytest

from omnisearch.durable import replace_file, written_aside


def fail_while_writing(path: Path) -> None:
    with written_aside(path) as aside:
        aside.write_text("half of the ne")
        raise RuntimeError


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "f"
    replace_file(path, "old")
    with pytest.raises(RuntimeError):
        fail_while_writing(path)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("f", "old")]


def test_readers_see_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    replace_file(path, b"old")
    with written_aside(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_the_file_has_the_permissions_that_were_asked_for(tmp_path: Path) -> None:
    replace_file(tmp_path / "key", "secret", mode=0o600)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
