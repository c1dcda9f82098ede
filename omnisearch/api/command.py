"""`omnisearch serve`."""

import os
import signal
import socket
import sys
from typing import Annotated

import typer

from omnisearch import options
from omnisearch.console import err
from omnisearch.errors import BusyError, UsageError

# Threads of the encoders that spin while they wait take the cores from those that work: on two busy cores one text took
# 100 times as long. Read once, when torch is imported.
WAIT_POLICY = "passive"
# By convention these addresses mean every interface of the machine.
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8000,
    insecure: Annotated[bool, typer.Option("--insecure", help="Allow other machines in: there are no keys.")] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="One more name that the server answers to, such as search.example.org; repeatable."),
    ] = None,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
    share: options.Share = None,
    max_memory: options.MaxMemory = None,
    license: options.License = None,  # noqa: A002
) -> None:
    """Serve the search page and the HTTP API until interrupted; prints their address."""
    os.environ.setdefault("OMP_WAIT_POLICY", WAIT_POLICY)
    import uvicorn

    from omnisearch.api.app import create_app
    from omnisearch.api.authority import LOOPBACK, allowed_host
    from omnisearch.api.drain import DrainingServer
    from omnisearch.api.protocol import ImpatientProtocol
    from omnisearch.config import load_settings

    if host not in LOOPBACK and not insecure:
        raise UsageError(
            f"--host {host} would let other machines search and read every indexed file without a key: "
            "put a proxy that asks for one in front of 127.0.0.1, or say --insecure"
        )
    settings = load_settings(
        allow_host=allow_host,
        data_dir=data_dir,
        model=model,
        store=store,
        device=device,
        share=share,
        max_memory=max_memory,
        license=license,
    )
    everywhere = host in ANY_ADDRESS
    hosts = LOOPBACK | {allowed_host(name) for name in (*settings.allow_host, *(() if everywhere else (host,)))}
    if everywhere and hosts == LOOPBACK:
        err.print("note: requests by another name than localhost are refused: name it with --allow-host", markup=False)
    listening = _listen(host, port)
    app = create_app(settings, hosts=hosts)
    server = DrainingServer(
        uvicorn.Config(
            app,
            http=ImpatientProtocol,
            ws="none",
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=1,
        ),
        app.state.draining,
    )
    shown = "localhost" if everywhere else f"[{host}]" if ":" in host else host
    sys.stdout.write(f"http://{shown}:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    # uvicorn repeats the signal that stopped it; asked to stop and stopped is a success.
    signal.signal(signal.SIGTERM, lambda *_: None)
    server.run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise BusyError(f"cannot listen on {host} port {port}: {error.strerror}; choose another with --port") from None
    # Connections inherit it. asyncio sets it only where the socket names its protocol, and without it the body of an
    # answer waits 40 ms for the client to acknowledge the head.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
