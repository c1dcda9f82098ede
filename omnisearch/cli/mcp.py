"""`omnisearch mcp`."""

from typing import Annotated

import typer

from omnisearch.cli import options
from omnisearch.errors import UsageError


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Serve streamable HTTP on loopback instead of stdio.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port for --http.")] = 8001,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
    server: options.Server = None,
) -> None:
    """Serve the Model Context Protocol to assistants, through a running server or a new one."""
    from omnisearch.cli.served import load_asking_settings
    from omnisearch.mcp.backend import running_server

    try:
        from omnisearch.mcp.tools import build_server
    except ModuleNotFoundError as missing:
        raise UsageError(f"`omnisearch mcp` needs the package {missing.name}: pip install 'omnisearch[mcp]'") from None
    settings = load_asking_settings(
        server, data_dir=data_dir, collection=collection, model=model, store=store, device=device
    )
    with running_server(settings) as found:
        tools = build_server(found, files=not http)
        if http:
            tools.run("streamable-http", port=port)
        else:
            tools.run("stdio")
