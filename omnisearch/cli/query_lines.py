"""The queries of `omnisearch search --batch`, one per line."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from omnisearch.errors import UsageError

T = TypeVar("T")


def read_query_lines(name: str, read: Callable[[list[str]], T]) -> list[tuple[list[str], T]]:
    """Read the lines of a file that are not blank: the words of each, and what `read` makes of them; - is stdin.

    Raises:
        UsageError: the file or a line cannot be read; the message has the number of the line.
    """
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--batch {name}: {error}") from None
    made = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            if line.strip():
                words = _words(line)
                made.append((words, read(words)))
        except UsageError as error:
            raise type(error)(f"--batch {name}, line {number}: {error}") from None
    return made


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{line!r}: {error}; quote ' and \" as on a command line") from None
