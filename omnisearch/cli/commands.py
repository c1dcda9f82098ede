"""The commands of the command line, which are found by entry point."""

import sys
from importlib.metadata import entry_points
from typing import Annotated

import typer

from omnisearch import __version__


def build(name: str = "") -> typer.Typer:
    """Collect the commands: only `name` if it is a command, else all. A command is a function or a Typer app."""
    app = typer.Typer(
        name="omnisearch",
        help="Search mixed collections of text, images, sounds, videos and 3D models with any of them.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    points = entry_points(group="omnisearch.commands")
    for point in sorted(points.select(name=name) or points, key=lambda point: point.name):
        command = point.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=point.name)
        else:
            app.command(point.name)(command)
    return app


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
