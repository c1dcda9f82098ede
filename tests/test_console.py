"""What reaches stdout: paths for people and for programs."""

import io
import sys

import pytest

from omnisearch.cli.console import Format, write_paths0, write_rows
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
