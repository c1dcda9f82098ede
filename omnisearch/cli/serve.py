"""`omnisearch serve`."""

import os
import secrets
import signal
import sys
from contextlib import nullcontext
from typing import Annotated

import typer

from omnisearch.cli import options
from omnisearch.cli.console import err
from omnisearch.cli.listening import check_host, listen, own_url, server_config, shown_url
from omnisearch.cli.until_eof import on_eof
from omnisearch.config import load_settings

# Encoder threads that spin while they wait take cores from working threads: on two busy cores one text took 100 times
# as long. Read once, when torch is imported.
WAIT_POLICY = "passive"


def serve(
    host: options.Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 selects a free one.")] = 8000,
    insecure: options.Insecure = False,
    allow_host: options.AllowHost = None,
    worker: Annotated[bool, typer.Option(help="Also run jobs, in a second process.")] = True,
    until_eof: Annotated[
        bool, typer.Option("--until-eof", help="Stop when standard input ends; `mcp` starts its server so.")
    ] = False,
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
    from omnisearch.api.app import create_app
    from omnisearch.api.drain import DrainingServer
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
    hosts = check_host(settings, host, insecure)
    for place in read_absent_folders(settings.index_dir):
        err.print(f"{place}: {place.way_out}", markup=False, soft_wrap=True, style="yellow")
    listening = listen(host, port)
    set_up_logging(settings.log_level)
    secret = secrets.token_urlsafe(32)
    app = create_app(settings, hosts=hosts, own_secret=secret)
    server = DrainingServer(server_config(app), app.state.draining)
    # uvicorn raises the signal that stopped it again; a requested stop is a success.
    signal.signal(signal.SIGTERM, lambda *_: None)
    port = listening.getsockname()[1]
    if until_eof:
        on_eof(lambda: server.handle_exit(signal.SIGTERM, None))
    with announced(settings, own_url(host, port), secret):
        sys.stdout.write(f"{shown_url(host, port)}\n")
        sys.stdout.flush()
        with worker_process(settings) if worker else nullcontext():
            server.run(sockets=[listening])
