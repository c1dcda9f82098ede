"""`omnisearch keys`: make, list and revoke the keys of the HTTP API."""

import sys
from typing import Annotated

import typer

from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.cli import options
from omnisearch.cli.console import err, write_rows
from omnisearch.cli.typer_app import CommandGroup
from omnisearch.config import load_settings

app = CommandGroup(help="Create, list and revoke the keys of the HTTP API.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of the key in lists and logs.", show_default=False)]


@app.command("add")
def add(
    name: Name,
    scope: Annotated[list[Scope] | None, typer.Option(help="Scope of the key, search by default; repeatable.")] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="Requests per second; the setting key_rate by default.")
    ] = None,
    data_dir: options.DataDir = None,
) -> None:
    """Create a key and print it. Only its hash is stored, so it cannot be shown again.

    omnisearch keys add photos-app --scope search
    """
    file = KeyFile(load_settings(data_dir=data_dir).data_dir)
    secret = file.add(name, scope or [Scope.SEARCH], rate)
    err.print("note: save this key now, because it is not shown again", markup=False)
    sys.stdout.write(f"{secret}\n")


@app.command("ls")
def ls(output: options.Output = None, data_dir: options.DataDir = None) -> None:
    """List the keys that `omnisearch keys add` made, without their secrets."""
    keys = KeyFile(load_settings(data_dir=data_dir).data_dir).read()
    rows = [{"name": k.name, "scopes": ",".join(sorted(k.scopes)), "rate": k.rate, "created": k.created} for k in keys]
    write_rows(rows, ("name", "scopes", "rate", "created"), output)


@app.command("revoke")
def revoke(name: Name, data_dir: options.DataDir = None) -> None:
    """Delete a key. A running server refuses it at once."""
    KeyFile(load_settings(data_dir=data_dir).data_dir).revoke(name)
