"""The commands that a message names, with the flags that chose the index of the present command."""

import re
import shlex
from pathlib import Path

import typer

_NAMED = re.compile(r"`omnisearch ([^`]+)`")
_flags: dict[str, str] = {}  # those of the command line, each with its value


def keep_flag(parameter: typer.CallbackParam, value: Path | str | None) -> Path | str | None:
    """Note the value of a flag that chooses an index, or that it was not given. A callback of options."""
    flag = parameter.opts[0]
    _flags.pop(flag, None)
    if value is not None:
        _flags[flag] = str(value)
    return value


def forget_flags() -> None:
    """Forget the flags of an earlier command of this process."""
    _flags.clear()


def complete_commands(text: str) -> str:
    """Add the flags of this command to each command in a text that takes them and does not have them.

    Libraries name commands, such as `omnisearch repair`, and do not know which flags chose the index.
    """
    return _NAMED.sub(lambda found: f"`omnisearch {_complete(found[1])}`", text) if _flags else text


def _complete(command: str) -> str:
    taken = _taken(command.split())
    given = {flag: value for flag, value in _flags.items() if flag in taken and f"{flag} " not in command}
    return " ".join([command, *(f"{flag} {shlex.quote(value)}" for flag, value in given.items())])


def _taken(words: list[str]) -> set[str]:
    """Return the flags that the command takes with which a line begins; none if there is no such command."""
    from omnisearch.cli.commands import build

    command = typer.main.get_command(build(words[0]))
    for word in words:
        if not isinstance(command, typer.core.TyperGroup):
            break
        if word not in command.commands:
            return set()
        command = command.commands[word]
    return {option for parameter in command.params for option in parameter.opts}
