"""The queries of `omnisearch search --batch`, one per line."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from omnisearch.errors import UsageError

T = TypeVar("T")


def read_query_lines(name: str, parse: Callable[[list[str]], T]) -> list[tuple[list[str], T]]:
    """Return, for each line of a file that is not blank, its words and what `parse` makes of them.

    The name - stands for stdin.

    Raises:
        UsageError: the file cannot be read, or a line cannot be parsed; then the message has its number.
    """
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--batch {name}: {error}") from None
    queries = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if line.strip():
                words = _words(line)
                queries.append((words, parse(words)))
        except UsageError as error:
            raise type(error)(f"--batch {name}, line {number}: {error}") from None
    return queries


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{line!r}: {error}; quote ' and \" as on a command line") from None
