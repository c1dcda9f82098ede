"""The commands that messages name run as they are printed."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from omnisearch.cli import kept_flags
from omnisearch.cli.console import Format, write_rows
from omnisearch.cli.next_command import complete_commands
from tests.conftest import Ended
from tests.test_docs import ROOT

NAMED = re.compile(r"`omnisearch ([^`]+)`")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The flags of a command line, of which there are none yet."""
    flags = dict[str, str]()
    monkeypatch.setattr(kept_flags, "_flags", flags)
    return flags


@pytest.mark.parametrize(
    ("named", "completed"),
    [
        ("`omnisearch repair`", "`omnisearch repair --data-dir '/a b' --collection photos`"),
        ("run `omnisearch jobs ls`!", "run `omnisearch jobs ls --data-dir '/a b'`!"),
        ("`omnisearch index PATH --collection new`", "`omnisearch index PATH --collection new --data-dir '/a b'`"),
        ("`omnisearch models pull mini`, or `omnisearch`", "`omnisearch models pull mini`, or `omnisearch`"),
        ("`omnisearch snapshot burn` and `omnisearch burn`", "`omnisearch snapshot burn` and `omnisearch burn`"),
        ("`omnisearch index 'a`b c'`", "`omnisearch index 'a`b c' --data-dir '/a b' --collection photos`"),
        ("no `omnisearch  ` and no `omnisearch \n`", "no `omnisearch  ` and no `omnisearch \n`"),
    ],
)
def test_commands_get_the_flags_that_they_take(given: dict[str, str], named: str, completed: str) -> None:
    assert complete_commands(named) == named
    given |= {"--data-dir": "/a b", "--collection": "photos"}
    assert complete_commands(named) == completed


def test_tables_complete_messages_and_no_names(given: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    given["--data-dir"] = "x"
    named = "`omnisearch repair`"
    write_rows([{"path": named, "message": named}], ("path", "message"), Format.TABLE)
    assert capsys.readouterr().out.splitlines()[1].split("  ") == [named, "`omnisearch repair --data-dir x`"]


def test_commands_that_index_say_what() -> None:
    """`omnisearch index` without a path is a mistake."""
    for package in ("omnisearch", "indexer"):
        for source in (ROOT / package).rglob("*.py"):
            assert "run `omnisearch index`" not in source.read_text(encoding="utf-8"), source


def test_messages_name_commands_that_run(
    run_here: Callable[..., Ended], hashed_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNISEARCH_MODEL", str(hashed_model))
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "note.txt").write_text("a note")
    (tmp_path / "media" / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    flags = ["--data-dir", tmp_path / "an index", "--collection", "notes"]
    there = ["--data-dir", tmp_path / "restored"]

    def run_named(message: str) -> Ended:
        (command,) = NAMED.findall(
            message.replace("PATH...", shlex.quote(str(tmp_path / "media"))).replace("PATH", ".")
        )
        return run_here(*shlex.split(command))

    nothing = run_here("status", *flags)
    assert nothing.returncode == 4
    (command,) = NAMED.findall(nothing.stderr)
    assert command == f"index PATH --collection notes --data-dir '{tmp_path}/an index'"
    indexed = run_here("index", tmp_path / "media", *flags)
    assert "damaged.png" in run_named(indexed.stderr).stdout
    (tmp_path / "media" / "note.txt").rename(tmp_path / "media" / "moved.txt")
    missing = run_here("search", "a note", *flags)
    assert run_named(missing.stderr).returncode == 3  # the damaged file
    assert run_here("snapshot", "create", tmp_path / "copy", *flags).returncode == 0
    assert run_named(run_here("snapshot", "restore", tmp_path / "copy", *there).stderr).returncode == 0
    assert run_here("export", tmp_path / "rows.jsonl", "--vectors", *there).returncode == 0
    imported = run_here("import", tmp_path / "rows.jsonl", "--data-dir", tmp_path / "imported")
    assert run_named(imported.stderr).returncode == 3  # the damaged file
    run_here("verify", "--model", hashed_model, *there)
    # The flags were those of another command, of which this one does not take --model.
    assert "`omnisearch index PATH`" in run_here("status").stderr
