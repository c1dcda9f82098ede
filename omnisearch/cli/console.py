"""Output of commands: data on stdout in one of four formats, everything else on stderr."""

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from omnisearch.cli.next_command import complete_commands
from omnisearch.errors import FAILED, UsageError
from omnisearch.paths import find_path

if TYPE_CHECKING:
    from rich.console import Console

MESSAGES = ("way_out", "message")  # the columns of tables whose texts name commands


class Messages:
    """Messages on stderr. Control characters of names and values are escaped, because a terminal obeys them."""

    @cached_property
    def console(self) -> "Console":
        """The console of rich, for styled and wrapped texts and for progress bars.

        Its import takes a third of the time of a short command, so plain texts are written without it.
        """
        from rich.console import Console

        return Console(stderr=True, highlight=False, emoji=False)

    def print(self, text: str, style: str = "", markup: bool = True, soft_wrap: bool = False) -> None:
        """Print a text with only its line breaks as control characters, and with commands that run as they are."""
        said = _message(text)
        # A progress bar may be on the screen once the console is in use, and only the console can write above it.
        if style or markup or not soft_wrap or "console" in vars(self):
            self.console.print(said, style=style or None, markup=markup, soft_wrap=soft_wrap)
            return
        try:
            sys.stderr.write(f"{said}\n")
            sys.stderr.flush()
        except BrokenPipeError:  # nobody reads stderr; `main` ends such a command as done, as after rich
            sys.exit(FAILED)


err = Messages()


class Format(StrEnum):
    """The format of rows on stdout."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    PATHS = "paths"


def choose_format(asked: Format | None) -> Format:
    """Return the format `asked`, or by default a table on a terminal and JSON lines elsewhere."""
    return asked or (Format.TABLE if sys.stdout.isatty() else Format.JSONL)


def write_rows(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], chosen: Format | None = None) -> None:
    """Write `rows` to stdout in the format that `choose_format` gives for `chosen`.

    `columns` are those of the table; the other formats write every field.

    Raises:
        UsageError: the format is PATHS, and the rows have no field `path`.
    """
    fmt = choose_format(chosen)
    if fmt is Format.JSON:
        sys.stdout.write(_json(list(rows), indent=2) + "\n")
    elif fmt is Format.JSONL:
        for row in rows:
            sys.stdout.write(_json(row) + "\n")
    elif fmt is Format.PATHS:
        show = _escaped if sys.stdout.isatty() else str
        for row in rows:
            if "path" not in row:
                refuse_paths(fmt)
            sys.stdout.write(f"{show(row['path'])}\n")
    else:
        _write_table(rows, columns)
    sys.stdout.flush()  # raises here if the reader has gone; at exit the error would be lost


def refuse_paths(asked: Format | None) -> None:
    """Refuse the format PATHS in a command whose answers have no paths.

    Raises:
        UsageError: it is asked for.
    """
    if asked is Format.PATHS:
        raise UsageError("--format paths does not fit here, because the answer has no paths: use table, json or jsonl")


def write_object(fields: Mapping[str, Any], chosen: Format) -> None:
    """Write one object to stdout: indented as JSON, or on one line."""
    indent = 2 if chosen is Format.JSON else None
    sys.stdout.write(_json(fields, indent) + "\n")


def write_report(text: object, fields: Mapping[str, Any], asked: Format | None) -> None:
    """Show the text of a report on stderr, and write its fields to stdout if `choose_format` gives a format of JSON."""
    err.print(str(text), markup=False, soft_wrap=True)
    chosen = choose_format(asked)
    if chosen in (Format.JSON, Format.JSONL):
        write_object(fields, chosen)


def write_paths0(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the path of each row to stdout, in the bytes of its name, with a zero byte after it: for `xargs -0`."""
    for row in rows:
        sys.stdout.buffer.write(os.fsencode(find_path(row["path"])) + b"\0")
    sys.stdout.buffer.flush()


def _json(value: object, indent: int | None = None) -> str:
    """As JSON text without control characters: JSON may have those from U+007F on, which a terminal obeys too."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text)


def _escaped(text: str) -> str:
    """Escape control characters as Python does."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _message(text: str) -> str:
    return "\n".join(map(_escaped, complete_commands(text).split("\n")))


def _write_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold", no_wrap=name == "name")  # a name is short, and copied as it is
    for row in rows:
        table.add_row(*(_cell(complete_commands(row[name]) if name in MESSAGES else row.get(name)) for name in columns))
    Console(markup=False, highlight=False).print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    # File names may contain control characters that a terminal would execute.
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
