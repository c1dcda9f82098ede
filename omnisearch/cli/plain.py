"""Parse plain command lines without typer, whose import takes longer than a short command.

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
    """Return the values that a line gives the parameters of a command, by name; None if typer must parse the line.

    Options that choose the index are kept for `next_command`.
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
        if isinstance(one.declared, Option) and one.declared.chooses_index:
            keep_flag(one.on[0], values[one.name])
    return values


def _texts(declared: Sequence[Parameter], words: list[str]) -> dict[str, list[Any]]:
    """Return the texts that the line gives each parameter, by name; for a flag, whether it is set.

    Raises:
        ValueError: the line is not plain.
    """
    options = {name: one for one in declared if isinstance(one.declared, Option) for name in (*one.on, *one.off)}
    found: dict[str, list[Any]] = {}
    positional: list[str] = []
    while words:
        word = words.pop(0)
        if word == "--":
            positional += words
            break
        if not word.startswith("-") or word == "-":
            positional.append(word)
            continue
        name, sign, text = word.partition("=")
        if name not in options or (sign and not name.startswith("--")):
            raise ValueError(f"unknown option {name}")
        one = options[name]
        if one.kind is bool:
            if sign:
                raise ValueError(f"a flag with a value: {name}")
            found[one.name] = [name not in one.off]
            continue
        if not sign:
            if not words or (words[0].startswith("-") and words[0] != "-"):
                raise ValueError(f"no value after {name}")
            text = words.pop(0)
        found.setdefault(one.name, []).append(text)
    return found | _arguments([one for one in declared if isinstance(one.declared, Argument)], positional)


def _arguments(arguments: Sequence[Parameter], words: list[str]) -> dict[str, list[Any]]:
    """Return the texts of the positional arguments by name.

    Raises:
        ValueError: there are too few or too many words.
    """
    if len(arguments) == 1 and arguments[0].several and words:
        return {arguments[0].name: words}
    if any(one.several for one in arguments) or len(words) != len(arguments):
        raise ValueError("too few or too many arguments")
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
        ValueError: the text is not a value of this kind, or typer may read it in another way.
        UsageError: the parser of the parameter refuses it.
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
