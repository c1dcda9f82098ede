"""The commands that a message names, with the flags that chose the index of the present command."""

import inspect
import re
import shlex

from omnisearch.cli.kept_flags import kept_flags

# A quoted value, such as a path, may contain backticks.
_NAMED = re.compile(r"`omnisearch ((?=\S)(?:'[^']*'|[^`])+)`")


def complete_commands(text: str) -> str:
    """Add the flags of this command to each command in a text that takes them and does not have them.

    Libraries name commands, such as `omnisearch repair`, and do not know which flags chose the index.
    """
    return _NAMED.sub(lambda found: f"`omnisearch {_complete(found[1])}`", text) if kept_flags() else text


def _complete(command: str) -> str:
    taken = _taken(command.split())
    given = {flag: value for flag, value in kept_flags().items() if flag in taken and f"{flag} " not in command}
    return " ".join([command, *(f"{flag} {shlex.quote(value)}" for flag, value in given.items())])


def _taken(words: list[str]) -> set[str]:
    """Return the flags that the command takes with which a line begins; none if there is no such command."""
    from omnisearch.cli.entry_points import own_command
    from omnisearch.cli.parameters import parameters

    own = own_command(words[0])
    if inspect.isfunction(own) and (declared := parameters(own)) is not None:
        return {name for one in declared for name in one.on}
    import typer

    from omnisearch.cli.commands import build

    command = typer.main.get_command(build(words[0]))
    for word in words:
        if not isinstance(command, typer.core.TyperGroup):
            break
        if word not in command.commands:
            return set()
        command = command.commands[word]
    return {option for parameter in command.params for option in parameter.opts}
