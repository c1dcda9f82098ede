"""The lines of `search --batch`."""

import io
import sys
from pathlib import Path

import pytest

from omnisearch.cli.query_lines import read_query_lines
from omnisearch.errors import QueryError, UsageError


def length(words: list[str]) -> int:
    if "bad" in words:
        raise QueryError("no such term")
    return len(words)


def test_each_line_is_split_as_by_a_shell_and_blank_ones_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "a dog\n\n \u3000\n'a red car' + \"an apple\"\n"
    (tmp_path / "queries").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    wanted = [(["a", "dog"], 2), (["a red car", "+", "an apple"], 3)]
    assert read_query_lines(str(tmp_path / "queries"), length) == wanted == read_query_lines("-", length)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("a dog\n\nbad\n", QueryError, "queries, line 3: no such term$"),
        ("it's\n", UsageError, 'queries, line 1: "it\'s": No closing quotation; quote'),
    ],
)
def test_an_error_names_the_line(tmp_path: Path, text: str, kind: type[UsageError], message: str) -> None:
    (tmp_path / "queries").write_text(text)
    with pytest.raises(kind, match=message):
        read_query_lines(str(tmp_path / "queries"), length)


@pytest.mark.parametrize("data", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / "queries").write_bytes(data)
    with pytest.raises(UsageError, match=r"--batch .*queries: "):
        read_query_lines(str(tmp_path / "queries"), length)
