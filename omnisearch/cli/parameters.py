"""Declarations of options and arguments, in the annotations of the functions that are commands.

`typer_app` translates them for typer, and `plain` parses most command lines without it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin


class Option:
    """An option, or a flag if its type is bool. `names` are derived from the parameter if there are none.

    `parser` parses the text of a value; it raises a UsageError. With `chooses_index`, the option is added to the
    commands that a message names (see `next_command`), so that they use the same index.
    """

    def __init__(
        self,
        *names: str,
        help: str | None = None,  # noqa: A002 - as typer calls it
        metavar: str | None = None,
        show_default: bool = True,
        min: float | None = None,  # noqa: A002
        max: float | None = None,  # noqa: A002
        hidden: bool = False,
        parser: Callable[[str], Any] | None = None,
        chooses_index: bool = False,
    ) -> None:
        self.names, self.help, self.metavar, self.show_default = names, help, metavar, show_default
        self.min, self.max, self.hidden, self.parser, self.chooses_index = min, max, hidden, parser, chooses_index


class Argument:
    """A positional argument, or all of them if its type is a list."""

    def __init__(
        self,
        metavar: str | None = None,
        show_default: bool = True,
        parser: Callable[[str], Any] | None = None,
        help: str | None = None,  # noqa: A002
    ) -> None:
        self.metavar, self.show_default, self.parser, self.help = metavar, show_default, parser, help


@dataclass(frozen=True)
class Parameter:
    """A declared parameter of a command: `kind` is its type, or that of each of its values if it has `several`."""

    name: str
    declared: Option | Argument
    kind: Any
    several: bool
    default: Any

    @property
    def on(self) -> tuple[str, ...]:
        """The names that give an option its value, or set a flag."""
        names = self.declared.names if isinstance(self.declared, Option) else ()
        return tuple(name.partition("/")[0] for name in names) or (f"--{self.name.replace('_', '-')}",)

    @property
    def off(self) -> tuple[str, ...]:
        """The names that unset a flag; none of an option with a value."""
        if self.kind is not bool:
            return ()
        names = self.declared.names if isinstance(self.declared, Option) else ()
        return tuple(off for name in names if (off := name.partition("/")[2])) or (
            () if names else (f"--no-{self.name.replace('_', '-')}",)
        )


def parameters(command: Callable[..., Any]) -> list[Parameter] | None:
    """Return the parameters of a command; None if one is not declared by an `Option` or an `Argument`."""
    found = []
    for name, one in inspect.signature(command).parameters.items():
        declared = [each for each in getattr(one.annotation, "__metadata__", ()) if isinstance(each, Option | Argument)]
        if get_origin(one.annotation) is not Annotated or len(declared) != 1:
            return None
        kind = one.annotation.__origin__
        if get_origin(kind) is UnionType:
            kind, *others = (each for each in get_args(kind) if each is not NoneType)
            if others:
                return None
        several = get_origin(kind) is list
        found.append(Parameter(name, declared[0], get_args(kind)[0] if several else kind, several, one.default))
    return found
