"""Parsers of the kinds of settings. A value comes from a flag, a variable or a file.

Every parser raises ValueError with a message that says what to give. Variables are texts, so each parser takes texts.
"""

import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

Parser: TypeAlias = Callable[[Any], Any]

_YES, _NO = frozenset({"1", "true", "t", "yes", "y", "on"}), frozenset({"0", "false", "f", "no", "n", "off"})
_BYTES = r"\s*(\d*\.?\d+)\s*(?:([kmgtpe]?)(i?)b?)?\s*"  # not compiled here: few commands parse a number of bytes
_POWERS = " kmgtpe"


class Secret:
    """A text that is not shown when settings are printed."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the text."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


def text(given: Any) -> str:
    """Parse a text."""
    if not isinstance(given, str):
        raise ValueError("give a text")
    return given


class HiddenValueError(ValueError):
    """The value of a setting is of the wrong kind, and messages must not show it."""


def secret(given: Any) -> Secret:
    """Parse a text that is not to be shown.

    Raises:
        HiddenValueError: the value is no text.
    """
    if isinstance(given, Secret):
        return given
    if not isinstance(given, str):
        raise HiddenValueError("give a text in quotes")
    return Secret(given)


def path(given: Any) -> Path:
    """Parse a path."""
    if not isinstance(given, str | os.PathLike):
        raise ValueError("give a path")
    return Path(given)


def folder(given: Any) -> Path:
    """Parse the path of a folder, which has a name."""
    if given == "":
        raise ValueError("a folder without a name would be the working directory; write . for that")
    return path(given)


def matching(pattern: str) -> Parser:
    """Return the parser of a text that matches a pattern as a whole."""

    def parse(given: Any) -> str:
        if not re.fullmatch(pattern, text(given)):
            raise ValueError(f"it must match {pattern}")
        return str(given)

    return parse


def one_of(*names: str) -> Parser:
    """Return the parser of one of these names."""

    def parse(given: Any) -> str:
        if not isinstance(given, str) or given not in names:
            raise ValueError(f"give {', '.join(names[:-1])} or {names[-1]}")
        return str(given)

    return parse


def boolean(given: Any) -> bool:
    """Parse true or false."""
    if isinstance(given, bool):
        return given
    word = str(given).lower() if isinstance(given, str | int) else ""
    if word not in _YES | _NO:
        raise ValueError("give true or false")
    return word in _YES


def number(least: float = -math.inf, most: float = math.inf, above: float = -math.inf) -> Parser:
    """Return the parser of a number from `least` to `most`, and larger than `above`."""
    bounds = _bounds(least, most, above)

    def parse(given: Any) -> float:
        try:
            value = math.nan if isinstance(given, bool) else float(given)
        except (TypeError, ValueError):
            value = math.nan
        if not (least <= value <= most and value > above):
            raise ValueError(f"give a number{bounds}")
        return value

    return parse


def integer(least: float = -math.inf, most: float = math.inf) -> Parser:
    """Return the parser of a whole number from `least` to `most`."""
    bounds = _bounds(least, most, -math.inf)

    def parse(given: Any) -> int:
        try:
            is_whole = not isinstance(given, bool) and int(given) == float(given)
        except (TypeError, ValueError, OverflowError):
            is_whole = False
        if not is_whole or not least <= int(given) <= most:
            raise ValueError(f"give a whole number{bounds}")
        return int(given)

    return parse


def byte_count(least: int = 0) -> Parser:
    """Return the parser of a number of bytes with or without a unit, such as 24GB or 10 GiB."""

    def parse(given: Any) -> int:
        found = re.fullmatch(_BYTES, given if isinstance(given, str) else str(given), re.IGNORECASE)
        if found is None or isinstance(given, bool):
            raise ValueError("give a number of bytes, such as 24GB or 10GiB")
        amount, power, binary = found[1], (found[2] or " ").lower(), bool(found[3])
        count = int(float(amount) * (1024 if binary else 1000) ** _POWERS.index(power))
        if count < least:
            raise ValueError(f"give at least {least:,} bytes")
        return count

    return parse


def list_of(kind: Parser) -> Parser:
    """Return the parser of a list. In a variable, commas separate its values."""

    def parse(given: Any) -> tuple[Any, ...]:
        if isinstance(given, str):
            given = [name for name in map(str.strip, given.split(",")) if name]
        if not isinstance(given, Sequence):
            raise ValueError("give a list")
        return tuple(map(kind, given))

    return parse


def optional(kind: Parser) -> Parser:
    """Return the parser of a value that may be None."""
    return lambda given: None if given is None else kind(given)


def _bounds(least: float, most: float, above: float) -> str:
    said = [f" above {above:g}"] if above > -math.inf else []
    said += [f" of at least {least:g}"] if least > -math.inf else []
    said += [f" of at most {most:g}"] if most < math.inf else []
    return " and".join(said)
