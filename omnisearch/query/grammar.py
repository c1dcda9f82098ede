"""The query grammar of the command line.

    query := any  (THEN any)*        one after the other in one sound or video
    any   := all  (OR all)*
    all   := each (AND each)*
    each  := NOT each | sum
    sum   := [+|-] part ((+|-) part)*
    part  := words | ( query )

Operators are separate words in capitals. Other consecutive words form one text. It is a file if it starts with ./ ../ /
or ~ or is a file:// URL, and an indexed item if it starts with id:. A number and a colon before it is its weight. @ and
a slice after a file or an item selects a part of it; # and a number after an item selects a segment.
"""

import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

from omnisearch.errors import QueryError
from omnisearch.paths import show_path
from omnisearch.query.expressions import And, Expression, ItemRef, Not, Or, Sum, Summand, Term, Then
from omnisearch.query.slices import parse_slice
from omnisearch.types import Slice

MAX_DEPTH = 32

_SPLIT = re.compile(r'(?:[^\s"]|"[^"]*")+')
_QUOTED = re.compile(r'"([^"]*)"')
_WEIGHT = re.compile(r"(\d+(?:\.\d*)?|\.\d+):(.+)", re.DOTALL)
_SEGMENT = re.compile(r"(.+)#(\d+)")
_PATH_STARTS = ("./", "../", "/", "~")
_URL = re.compile("file://", re.IGNORECASE)
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\[^\\]")  # a drive, a share
_SIGNS = {"+": 1.0, "-": -1.0}
_BINARY = {"THEN": Then, "OR": Or, "AND": And}  # the loosest first
_WORDS = {*_SIGNS, *_BINARY, "NOT", "(", ")"}


def split(line: str) -> list[str]:
    """Split a line at spaces, except for spaces between two ". Several words between two " stay a phrase.

    Other quotes are removed: around one word, around operators, and within a word.

    Raises:
        QueryError: a " is never closed.
    """
    if line.count('"') % 2:
        raise QueryError(f'a " is never closed in {line!r}: put another one where the words end')
    return [_QUOTED.sub(_unquoted, word) for word in _SPLIT.findall(line)]


def _unquoted(quoted: re.Match[str]) -> str:
    words = quoted[1].split()
    starts_word = quoted.start() == 0 or quoted.string[quoted.start() - 1] == ":"
    is_phrase = len(words) > 1 and starts_word and quoted.end() == len(quoted.string) and not _WORDS.intersection(words)
    return quoted[0] if is_phrase and not quoted[1].startswith((*_PATH_STARTS, "id:")) else quoted[1]


def parse(tokens: Sequence[str], files: bool = True) -> Expression:
    """Parse the words of a command line. Without `files`, as for words from other machines, a path is an error.

    Raises:
        QueryError: no term, a path without `files`, an operator without its operand, parentheses that do not match, two
            media without an operator between them, + or - on anything but terms, a weight of zero, a slice without
            extent, the home of a user who does not exist.
    """
    parser = _Parser(tokens, files)
    expression = parser.query()
    if parser.next is not None:
        raise QueryError(f"{parser.next!r} follows a whole query: put AND, OR, THEN, + or - before it, or close a (")
    return expression


def parse_path(text: str) -> Path:
    """Parse the path of a file that is given alone, so that it needs no ./ before it.

    Raises:
        QueryError: a Windows path, a URL of another machine, the home of a user who does not exist.
    """
    _check_path(text)
    return _home(_path_of(text) if _URL.match(text) else text)


def check_file(path: Path) -> None:
    """Check that a path of the command line names a file. Devices and permissions are left to the decoder.

    Raises:
        QueryError: there is no such file, or it is a folder.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise QueryError(f"{show_path(str(path))}: no such file; check the path") from None
    except (OSError, ValueError):
        return
    if stat.S_ISDIR(mode):
        raise QueryError(f"{show_path(str(path))} is a folder; name a file in it")


class _Parser:
    """Reads from left to right, one method per line of the grammar."""

    def __init__(self, tokens: Sequence[str], files: bool) -> None:
        self._tokens, self._at, self._depth = list(tokens), 0, 0
        self._files = files

    @property
    def next(self) -> str | None:
        """The word to read next, None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def query(self) -> Expression:
        """Parse a whole query, or the query between parentheses."""
        return self._binary(list(_BINARY))

    def _binary(self, operators: list[str]) -> Expression:
        if not operators:
            return self._each()
        parts = [self._binary(operators[1:])]
        while self.next == operators[0]:
            self._take()
            parts.append(self._binary(operators[1:]))
        return parts[0] if len(parts) == 1 else _BINARY[operators[0]](tuple(parts))

    def _each(self) -> Expression:
        if self.next != "NOT":
            return self._sum()
        self._take()
        return Not(self._deeper(self._each))

    def _sum(self) -> Expression:
        sign = _SIGNS[self._take()] if self.next in _SIGNS else 1.0
        parts = [(sign, self._part())]
        while self.next in _SIGNS:
            sign = _SIGNS[self._take()]
            parts.append((sign, self._part()))
        if len(parts) == 1 and sign == 1:
            return parts[0][1]
        terms: list[Term] = []
        for sign, part in parts:
            if not isinstance(part, Summand):
                raise QueryError("+ and - add up terms, not AND, OR, NOT and THEN: join those with AND")
            terms += part.terms if sign == 1 else (-part).terms
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def _part(self) -> Expression:
        if self.next == "(":
            self._take()
            inner = self._deeper(self.query)
            if self.next != ")":
                raise QueryError("a ( is never closed: add the )")
            self._take()
            return inner
        words = []
        while self.next is not None and self.next not in _WORDS:
            words.append(self._take())
        if not words:
            before = self._tokens[self._at - 1] if self._at else None
            if self.next in _SIGNS and before in _SIGNS:
                raise QueryError(f"two signs in a row before {self.next!r}: write TERM + TERM or TERM - TERM")
            where = f" after {before!r}" if before else f" before {self.next!r}" if self.next else ""
            raise QueryError(f"a term is missing{where}: write omnisearch search TERM [+|-|AND|OR|THEN TERM]...")
        return _term(words, self._files)

    def _deeper(self, read: Callable[[], Expression]) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(f"more than {MAX_DEPTH} parentheses and NOTs within each other")
        found = read()
        self._depth -= 1
        return found

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]


def _term(words: list[str], files: bool) -> Term:
    text = " ".join(words)
    weight = 1.0
    if match := _WEIGHT.fullmatch(text):
        weight, text = float(match[1]), match[2]
    if weight == 0:
        raise QueryError(f"the weight of {text!r} is zero: leave the term out")
    is_path = _URL.match(text) is not None or text.startswith(_PATH_STARTS)
    if (is_path or _WINDOWS.match(text)) and not files:
        raise QueryError(
            f"{text!r} is a path, and files of the server are not read: write an item as id:ITEM, or "
            "send the file itself"
        )
    _check_path(text)
    if is_path or text.startswith("id:"):
        if len(words) > 1:
            raise QueryError(f"put + or - between {words[0]!r} and {words[1]!r}")
        path = _path_of(text) if _URL.match(text) else text
        source, part = _file(path) if is_path else _item(text[3:])
        return Term(source, weight, slice=part)
    if not text.strip():
        raise QueryError("an empty text cannot be searched for: write some words")
    return Term(text, weight)


def _check_path(text: str) -> None:
    if _WINDOWS.match(text):
        raise QueryError(f"{text!r} is a Windows path: write it as this system does, such as ./NAME or /mnt/c/NAME")


def _path_of(url: str) -> str:
    """Return the path in a file:// URL."""
    where, escaped = url[len("file://") :].partition("/")[::2]
    path = unquote("/" + escaped, errors="surrogateescape")
    if where.lower() not in ("", "localhost") or "\0" in path:
        raise QueryError(f"{url!r} is not a file of this machine: write file:///PATH or a path that starts with /")
    return path


def _item(text: str) -> tuple[ItemRef, Slice | None]:
    if match := _SEGMENT.fullmatch(text):
        return ItemRef(match[1], int(match[2])), None
    name, part = _sliced(text)
    return ItemRef(name), part


def _file(text: str) -> tuple[Path, Slice | None]:
    """If a file has this exact name, `@` does not begin a slice."""
    name, part = (text, None) if os.path.lexists(_home(text)) else _sliced(text)
    return _home(name), part


def _sliced(text: str) -> tuple[str, Slice | None]:
    name, _, written = text.rpartition("@")
    part = parse_slice(written) if name else None
    return (text, None) if part is None else (name, part)


def _home(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise QueryError(f"{text}: no such user; write ./{text} for a file of that name") from None
