"""`omnisearch serve`."""

import errno
import os
import secrets
import signal
import socket
import sys
from contextlib import nullcontext
from typing import Annotated

import typer

from omnisearch.api.accepted_keys import AcceptedKeys
from omnisearch.cli import options
from omnisearch.cli.console import err
from omnisearch.config import Settings, load_settings
from omnisearch.errors import BusyError, UsageError

# Encoder threads that spin while they wait take cores from working threads: on two busy cores one text took 100 times
# as long. Read once, when torch is imported.
WAIT_POLICY = "passive"
# Addresses that mean every interface of the machine, each with the loopback address to show instead.
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 selects a free one.")] = 8000,
    insecure: Annotated[bool, typer.Option("--insecure", help="Allow other machines without a key.")] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="Further host name of the server, such as search.example.org; repeatable."),
    ] = None,
    worker: Annotated[bool, typer.Option(help="Also run jobs, in a second process.")] = True,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
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
    from omnisearch.api.http_timeouts import ImpatientProtocol
    from omnisearch.api.logs import set_up_logging
    from omnisearch.api.worker_process import worker_process
    from omnisearch.client.running import announced
    from omnisearch.stores.absent_folders import read_absent_folders

    settings = load_settings(
        allow_host=allow_host,
        data_dir=data_dir,
        collection=collection,
        model=model,
        store=store,
        device=device,
        share=share,
        max_memory=max_memory,
        license=license,
    )
    if host not in LOOPBACK:
        _check_keys(settings, host, insecure)
    everywhere = host in ANY_ADDRESS
    hosts = LOOPBACK | {allowed_host(name) for name in (*settings.allow_host, *(() if everywhere else (host,)))}
    if everywhere and hosts == LOOPBACK:
        err.print("note: requests by another name than localhost are refused: name it with --allow-host", markup=False)
    for place in read_absent_folders(settings.index_dir):
        err.print(f"{place}: {place.way_out}", markup=False, soft_wrap=True, style="yellow")
    listening = _listen(host, port)
    set_up_logging(settings.log_level)
    secret = secrets.token_urlsafe(32)
    app = create_app(settings, hosts=hosts, own_secret=secret)
    server = DrainingServer(
        uvicorn.Config(
            app,
            http=ImpatientProtocol,
            ws="none",
            log_config=None,  # uvicorn's messages go to our log
            access_log=False,  # our middleware logs the requests
            server_header=False,
            timeout_graceful_shutdown=1,
        ),
        app.state.draining,
    )
    # uvicorn raises the signal that stopped it again; a requested stop is a success.
    signal.signal(signal.SIGTERM, lambda *_: None)
    port = listening.getsockname()[1]
    with announced(settings, _url(ANY_ADDRESS.get(host, host), port), secret):
        sys.stdout.write(_url("localhost" if everywhere else host, port) + "\n")
        sys.stdout.flush()
        with worker_process(settings) if worker else nullcontext():
            server.run(sockets=[listening])


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _check_keys(settings: Settings, host: str, insecure: bool) -> None:
    """Require a key before the server listens to other machines, unless `insecure`.

    Raises:
        UsageError: there is no key, and no --insecure.
    """
    if AcceptedKeys(settings).all():
        return
    if not insecure:
        raise UsageError(
            f"--host {host} would let other machines search and read every indexed file without a key: "
            "make one with `omnisearch keys add NAME`, or give --insecure"
        )
    err.print(
        f"WARNING: no keys and --insecure: anyone who can reach {host} can search and read every indexed file. "
        "Make a key with `omnisearch keys add NAME` to require one.",
        markup=False,
        style="bold red",
        soft_wrap=True,
    )


def _way_out(error: OSError) -> str:
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        return "choose another port with --port"
    return "choose an address of this machine with --host"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise BusyError(f"cannot listen on {host} port {port}: {error.strerror}; {_way_out(error)}") from None
    # Every connection inherits it. Without it a response waits up to 40 ms for the client's delayed acknowledgement:
    # asyncio sets it on sockets that were made with the protocol number of TCP alone, which this one was not.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
