"""The query grammar of the command line: TERM [+|- TERM]...

A term is text. It is a file when it starts with ./ ../ / or ~, and an indexed item when it starts with id:. A number
and a colon before it is its weight. Words without a sign between them are one text.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from omnisearch.errors import QueryError
from omnisearch.query import ItemRef, Term

_WEIGHT = re.compile(r"(\d+(?:\.\d*)?|\.\d+):(.+)", re.DOTALL)
_PATH_STARTS = ("./", "../", "/", "~")
_SIGNS = {"+": 1.0, "-": -1.0}


def parse_terms(tokens: Sequence[str]) -> tuple[Term, ...]:
    """Read the words of a command line.

    Raises:
        QueryError: no term, a sign without a term after it, two media without a sign between them, a weight of zero,
            the home of a user who does not exist.
    """
    groups: list[tuple[float, list[str]]] = [(1.0, [])]
    for token in tokens:
        if token in _SIGNS:
            if not groups[-1][1] and len(groups) > 1:
                raise QueryError(f"two signs in a row before {token!r}: write TERM + TERM or TERM - TERM")
            groups.append((_SIGNS[token], []))
        else:
            groups[-1][1].append(token)
    if not groups[0][1] and len(groups) > 1:  # the query begins with a sign
        del groups[0]
    if not groups[-1][1]:
        raise QueryError("a term is missing: write omnisearch search TERM [+|- TERM]...")
    return tuple(_term(sign, words) for sign, words in groups)


def _term(sign: float, words: list[str]) -> Term:
    text = " ".join(words)
    weight = 1.0
    if match := _WEIGHT.fullmatch(text):
        weight, text = float(match[1]), match[2]
    if weight == 0:
        raise QueryError(f"the weight of {text!r} is zero: leave the term out")
    source: str | Path | ItemRef = text
    if text.startswith(_PATH_STARTS) or text.startswith("id:"):
        if len(words) > 1:
            raise QueryError(f"put + or - between {words[0]!r} and {words[1]!r}")
        source = ItemRef(text[3:]) if text.startswith("id:") else _file(text)
    elif not text.strip():
        raise QueryError("an empty text has no meaning to search for")
    return Term(source, sign * weight)


def _file(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise QueryError(f"{text}: no such user; write ./{text} for a file of that name") from None
