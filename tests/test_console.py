"""What reaches stdout: paths for people and for programs."""

import io
import json
import sys

import pytest

from omnisearch.cli.console import Format, Messages, write_paths0, write_rows
from omnisearch.errors import UsageError
from omnisearch.paths import show_path

HOSTILE = "/a/\x1b]0;owned\x07\nb\u202e.png"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_shown_escapes_and_a_pipe_the_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"path": HOSTILE}, {"path": "/a/größe b.png"}]
    write_rows(rows, (), Format.PATHS)
    assert capsys.readouterr().out == f"{HOSTILE}\n/a/größe b.png\n"
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    write_rows(rows, (), Format.PATHS)
    assert screen.getvalue() == "/a/\\x1b]0;owned\\x07\\nb\\u202e.png\n/a/größe b.png\n"


def test_paths_end_with_a_zero_byte_and_have_the_bytes_of_the_disk(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    undecodable = "/a/\udcff%.png"
    write_paths0([{"path": HOSTILE}, {"path": show_path(undecodable)}])
    assert capfdbinary.readouterr().out == HOSTILE.encode() + b"\0/a/\xff%.png\0"


@pytest.mark.parametrize("form", [Format.JSON, Format.JSONL])
def test_json_has_no_character_that_a_terminal_obeys(form: Format, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"text": "\x9b31m red \x7f \x1b \u6771"}
    write_rows([row], (), form)
    written = capsys.readouterr().out
    assert "\\u009b31m" in written
    assert "\u6771" in written
    assert not any("\x7f" <= c <= "\x9f" for c in written)
    read = json.loads(written)
    assert (read[0] if form is Format.JSON else read) == row


def test_messages_escape_what_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    Messages().print("no \x1b[31m\x9b file\nnext line", markup=False)
    assert capsys.readouterr().err == "no \\x1b[31m\\x9b file\nnext line\n"


def test_rows_without_paths_are_not_written_as_paths() -> None:
    with pytest.raises(UsageError, match=r"--format paths does not fit here.*: use table, json or jsonl"):
        write_rows([{"name": "esc50"}], (), Format.PATHS)
