"""The commands of the command line, which are found by entry point."""

import sys
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

import typer

from omnisearch import __version__
from omnisearch.cli.entry_points import GROUP, own_command
from omnisearch.cli.typer_app import CommandGroup

Command: TypeAlias = typer.Typer | Callable[..., Any]


def build(name: str = "") -> typer.Typer:
    """Collect the commands: only `name` if it is a command, else all. A command is a function or a Typer app."""
    app = CommandGroup(
        name="omnisearch",
        help="Search mixed collections of text, images, sounds, videos and 3D models with any of them.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for title, command in _load(name):
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=title)
        else:
            app.command(title)(command)
    return app


def _load(name: str) -> list[tuple[str, Command]]:
    """Return (name, command): only the one of this name if there is one, else all, sorted by name."""
    if command := own_command(name):
        return [(name, command)]
    from importlib.metadata import entry_points

    points = entry_points(group=GROUP)
    return [
        (point.name, point.load()) for point in sorted(points.select(name=name) or points, key=lambda one: one.name)
    ]


def _show_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"{__version__}\n")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass
