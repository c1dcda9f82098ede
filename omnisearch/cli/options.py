"""The options and arguments that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from omnisearch.cli.console import Format
from omnisearch.cli.parameters import Argument, Option
from omnisearch.errors import UsageError


def parse_path(text: str) -> Path:
    """Parse a path to write to or to read from.

    Raises:
        UsageError: it is empty, as from an unset variable in a script, and would mean the working directory.
    """
    if not text:
        raise UsageError("a path is empty: name a file or a folder, and . for the working directory")
    return Path(text)


def check_path(text: str) -> str:
    """Return a path as it was written, which may also be an address of objects.

    Raises:
        UsageError: it is empty; see `parse_path`.
    """
    parse_path(text)
    return text


def path_argument(metavar: str, meaning: str | None = None, parser: Callable[[str], Any] = parse_path) -> Any:
    """Return the declaration of an argument that is a path, or several paths."""
    return Argument(metavar=metavar, show_default=False, parser=parser, help=meaning)


Places = Annotated[list[str], path_argument("PATH...", parser=check_path)]
DataDir = Annotated[
    Path | None,
    Option(
        help="Folder of index, embeddings and previews.",
        show_default=False,
        metavar="PATH",
        parser=parse_path,
        chooses_index=True,
    ),
]
Collection = Annotated[
    str | None,
    Option(
        help="Name of the collection; the first one is called default.",
        show_default=False,
        metavar="NAME",
        chooses_index=True,
    ),
]
Model = Annotated[str | None, Option(help="A shipped bound model by name, or the folder of one.", chooses_index=True)]
Store = Annotated[str | None, Option(help="URL of a Qdrant server instead of the embedded engine.", chooses_index=True)]
Device = Annotated[str | None, Option(help="auto, cpu or cuda.")]
MaxMemory = Annotated[str | None, Option(help="Most memory for the towers of one device, such as 24GB.")]
Share = Annotated[
    float | None,
    Option(help="Share of the combining factors that queries run towers for; 1, the default, is exact."),
]
License = Annotated[str | None, Option(help="any, or commercial: require licences for commercial use.")]
Workers = Annotated[int | None, Option(help="Number of files to read at the same time.")]
Read = Annotated[
    str | None,
    Option(metavar="LEVEL", help="Read text in pictures and speech in sound: none, fast or full."),
]
Host = Annotated[str, Option(help="Address to listen on.")]
Insecure = Annotated[bool, Option("--insecure", help="Allow other machines without a key.")]
AllowHost = Annotated[
    list[str] | None,
    Option(help="Further host name of the server, such as search.example.org; repeatable."),
]
Server = Annotated[str | None, Option(help="URL of the server that answers.", show_default=False, metavar="URL")]
UseServer = Annotated[
    bool,
    Option("--use-server/--no-server", help="Use the running server of the data directory, if any."),
]
Output = Annotated[Format | None, Option("--format", help="Table on a terminal, else JSON lines.")]
Print0 = Annotated[bool, Option("--print0", "-0", help="Write only paths, ended by zero bytes, for xargs -0.")]
