"""The flags that several commands share, spelled once."""

from pathlib import Path
from typing import Annotated

import typer

from omnisearch.cli.console import Format
from omnisearch.errors import UsageError


def parse_path(text: str) -> Path:
    """Parse a path to write to or to read from.

    Raises:
        UsageError: it is empty, as after an unset variable in a script; it would mean the working directory.
    """
    if not text:
        raise UsageError("a path is empty: name a file or a folder, and . for the working directory")
    return Path(text)


DataDir = Annotated[
    Path | None,
    typer.Option(
        help="Where index, embeddings and previews live.", show_default=False, metavar="PATH", parser=parse_path
    ),
]
Collection = Annotated[
    str | None,
    typer.Option(
        help="Which index of the data directory is used, by name; default is one of them.",
        show_default=False,
        metavar="NAME",
    ),
]
Model = Annotated[str | None, typer.Option(help="A shipped bound model by name, or the folder of one.")]
Store = Annotated[str | None, typer.Option(help="URL of a Qdrant server instead of the embedded engine.")]
Device = Annotated[str | None, typer.Option(help="auto, cpu or cuda.")]
MaxMemory = Annotated[str | None, typer.Option(help="What the towers of one device may take, such as 24GB.")]
Share = Annotated[
    float | None,
    typer.Option(help="How much of the combining factors queries run spaces for; 1, the default, is exact."),
]
License = Annotated[str | None, typer.Option(help="any, or commercial: refuse models that may not be used so.")]
Server = Annotated[str | None, typer.Option(help="URL of a server to ask.", show_default=False, metavar="URL")]
UseServer = Annotated[
    bool,
    typer.Option("--use-server/--no-server", help="Ask the running server of the data directory, if any."),
]
Output = Annotated[Format | None, typer.Option("--format", help="Table on a terminal, else JSON lines.")]
Print0 = Annotated[bool, typer.Option("--print0", "-0", help="Paths alone, a zero byte after each, for xargs -0.")]
