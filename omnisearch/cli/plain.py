"""Plain command lines, which are parsed without typer: its import takes longer than a short command runs.

A line that asks for help, has a mistake or is written in an unusual way is left to typer, which parses it again.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from omnisearch.cli.kept_flags import keep_flag
from omnisearch.cli.parameters import Argument, Option, Parameter, parameters
from omnisearch.errors import UsageError

_WHOLE, _NUMBER = r"\d{1,15}", r"\d{1,15}(\.\d{1,15})?"


def parse_plainly(command: Callable[..., Any], words: Sequence[str]) -> Mapping[str, Any] | None:
    """Return the arguments of a command that a command line gives it; None if typer must parse the line.

    Options that `next_command` keeps are noted.
    """
    declared = parameters(command)
    if declared is None:
        return None
    try:
        texts = _texts(declared, list(words))
        values = {one.name: _value(one, texts.get(one.name, [])) for one in declared}
    except (ValueError, UsageError):  # typer says what is wrong
        return None
    for one in declared:
        if isinstance(one.declared, Option) and one.declared.keeps:
            keep_flag(one.on[0], values[one.name])
    return values


def _texts(declared: Sequence[Parameter], words: list[str]) -> dict[str, list[Any]]:
    """Return the texts of each parameter that the line has; of a flag, whether it is set.

    Raises:
        ValueError: the line is not plain.
    """
    options = {name: one for one in declared if isinstance(one.declared, Option) for name in (*one.on, *_off(one))}
    found: dict[str, list[Any]] = {}
    places: list[str] = []
    while words:
        word = words.pop(0)
        if word == "--":
            places += words
            break
        if not word.startswith("-") or word == "-":
            places.append(word)
            continue
        name, sign, text = word.partition("=")
        if name not in options or (sign and not name.startswith("--")):
            raise ValueError(f"unknown option {name}")
        one = options[name]
        if one.kind is bool:
            if sign:
                raise ValueError(f"a flag with a value: {name}")
            found[one.name] = [name not in _off(one)]
            continue
        if not sign:
            text = words.pop(0) if words else "-?"
            if text.startswith("-") and text != "-":
                raise ValueError(f"no value after {name}")
        found.setdefault(one.name, []).append(text)
    return found | _places([one for one in declared if isinstance(one.declared, Argument)], places)


def _places(arguments: Sequence[Parameter], words: list[str]) -> dict[str, list[Any]]:
    """Return the texts of the positional arguments."""
    if len(arguments) == 1 and arguments[0].several and words:
        return {arguments[0].name: words}
    if any(one.several for one in arguments) or len(words) != len(arguments):
        raise ValueError("another number of arguments")
    return {one.name: [word] for one, word in zip(arguments, words, strict=True)}


def _value(one: Parameter, texts: list[Any]) -> Any:
    if not texts:
        if one.default is inspect.Parameter.empty:
            raise ValueError(f"{one.name} is missing")
        return one.default
    if one.several:
        return [_parsed(one, text) for text in texts]
    return texts[-1] if one.kind is bool else _parsed(one, texts[-1])


def _parsed(one: Parameter, text: str) -> Any:
    """Return the value of a text.

    Raises:
        ValueError: it is none, or one that typer may read in another way.
    """
    kind, declared = one.kind, one.declared
    if declared.parser is not None:
        return declared.parser(text)
    if kind is str:
        return text
    if kind in (int, float):
        number = kind(text) if re.fullmatch(_WHOLE if kind is int else _NUMBER, text) else None
        least, most = (declared.min, declared.max) if isinstance(declared, Option) else (None, None)
        if number is None or (least is not None and number < least) or (most is not None and number > most):
            raise ValueError(f"{one.name} = {text!r}")
        return number
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(text)
    if get_origin(kind) is Literal and text in get_args(kind):
        return text
    raise ValueError(f"{one.name} = {text!r}")


def _off(one: Parameter) -> tuple[str, ...]:
    return one.off if one.kind is bool else ()
