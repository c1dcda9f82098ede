"""Typer apps whose commands declare their options and arguments by `parameters`."""

from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Annotated, Any, TypeVar, cast

import typer

from omnisearch.cli.kept_flags import keep_flag
from omnisearch.cli.parameters import Argument, Option

Command = TypeVar("Command", bound=Callable[..., Any])


class CommandGroup(typer.Typer):
    """A typer app that understands `Option` and `Argument`, beside those of typer."""

    def command(self, name: str | None = None, **options: Any) -> Callable[[Command], Command]:
        """Return a decorator that adds a command. The function itself is not changed."""
        add = super().command(name, **options)

        def translate(command: Command) -> Command:
            add(_translated(command))
            return command

        return translate


def _translated(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a copy of a function with the declarations of typer in its annotations."""
    function = cast(FunctionType, command)
    made = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    made.__doc__, made.__kwdefaults__, made.__module__ = function.__doc__, function.__kwdefaults__, function.__module__
    made.__annotations__ = {name: _annotation(one) for name, one in function.__annotations__.items()}
    return made


def _annotation(given: Any) -> Any:
    declared = getattr(given, "__metadata__", ())
    if not any(isinstance(one, Option | Argument) for one in declared):
        return given
    return Annotated[(given.__origin__, *map(_declaration, declared))]


def _declaration(one: Any) -> Any:
    if isinstance(one, Argument):
        return typer.Argument(metavar=one.metavar, show_default=one.show_default, parser=one.parser, help=one.help)
    if not isinstance(one, Option):
        return one
    return typer.Option(
        *one.names,
        help=one.help,
        metavar=one.metavar,
        show_default=one.show_default,
        min=one.min,
        max=one.max,
        hidden=one.hidden,
        parser=one.parser,
        callback=_keep if one.chooses_index else None,
    )


def _keep(parameter: typer.CallbackParam, value: Path | str | None) -> Path | str | None:
    keep_flag(parameter.opts[0], value)
    return value
