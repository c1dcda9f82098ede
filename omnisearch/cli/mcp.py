"""`omnisearch mcp`."""

import sys
from typing import TYPE_CHECKING, Annotated

from omnisearch.cli import options
from omnisearch.cli.listening import check_host, listen, server_config, shown_url
from omnisearch.cli.parameters import Option
from omnisearch.errors import UsageError

if TYPE_CHECKING:
    from mcp.server.mcpserver import MCPServer
    from starlette.applications import Starlette

    from omnisearch.config import Settings


def mcp(
    http: Annotated[bool, Option("--http", help="Serve streamable HTTP at /mcp instead of stdio.")] = False,
    host: options.Host = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port; 0 selects a free one.")] = 8001,
    insecure: options.Insecure = False,
    allow_host: options.AllowHost = None,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
    server: options.Server = None,
) -> None:
    """Serve the Model Context Protocol to assistants, through a running server or a new one.

    --host, --port, --insecure and --allow-host are for --http, which needs keys as `serve` does.
    """
    from omnisearch.cli.served import load_asking_settings
    from omnisearch.mcp.backend import running_server

    try:
        from omnisearch.mcp.tools import build_server
    except ModuleNotFoundError as missing:
        raise UsageError(f"`omnisearch mcp` needs the package {missing.name}: pip install 'omnisearch[mcp]'") from None
    settings = load_asking_settings(
        server, data_dir=data_dir, collection=collection, model=model, store=store, device=device
    )
    if not http:
        with running_server(settings) as found:
            build_server(found, files=True).run("stdio")
        return
    import uvicorn

    settings = settings.model_copy(update={"allow_host": tuple(allow_host or settings.allow_host)})
    hosts = check_host(settings, host, insecure)
    with listen(host, port) as listening, running_server(settings) as found:
        app = _guarded(build_server(found, files=False), settings, hosts)
        sys.stdout.write(f"{shown_url(host, listening.getsockname()[1])}/mcp\n")
        sys.stdout.flush()
        uvicorn.Server(server_config(app)).run(sockets=[listening])


def _guarded(tools: "MCPServer", settings: "Settings", hosts: frozenset[str]) -> "Starlette":
    """Return the app of the tools behind the checks of `serve`: hosts, origins, sizes, keys, scopes and rates."""
    from omnisearch.api.accepted_keys import AcceptedKeys
    from omnisearch.api.access import Access, Allows
    from omnisearch.api.headers import SecurityHeaders
    from omnisearch.api.keys import Scope
    from omnisearch.api.rate import RateLimits
    from omnisearch.api.request_guard import RequestGuard
    from omnisearch.mcp.http import MAX_BODY_BYTES, http_app

    app = http_app(tools)
    # The last one added sees a request first.
    app.add_middleware(Allows, scope=Scope.SEARCH)
    app.add_middleware(Access, keys=AcceptedKeys(settings), limits=RateLimits(settings.key_rate), public=())
    app.add_middleware(RequestGuard, hosts=hosts, max_bytes=MAX_BODY_BYTES)
    app.add_middleware(SecurityHeaders)
    return app
