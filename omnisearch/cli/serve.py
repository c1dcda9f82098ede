"""`omnisearch serve`."""

import logging
import os
import secrets
import signal
import sys
import threading
from contextlib import closing, nullcontext
from typing import Annotated

from omnisearch.cli import options
from omnisearch.cli.console import err
from omnisearch.cli.listening import check_host, listen, own_url, server_config, shown_url
from omnisearch.cli.parameters import Option
from omnisearch.cli.until_eof import on_eof
from omnisearch.config import Settings, load_settings
from omnisearch.errors import NoIndexError, OmnisearchError, UsageError

# Encoder threads that spin while they wait take cores from working threads: on two busy cores one text took 100 times
# as long. Read once, when torch is imported.
WAIT_POLICY = "passive"


def serve(
    host: options.Host = "127.0.0.1",
    port: Annotated[int, Option(min=0, max=65535, help="Port; 0 selects a free one.")] = 8000,
    insecure: options.Insecure = False,
    allow_host: options.AllowHost = None,
    worker: Annotated[bool, Option(help="Also run jobs, in a second process.")] = True,
    watch: Annotated[
        bool, Option("--watch", help="Watch the indexed folders, and queue jobs that index what changes.")
    ] = False,
    replica: Annotated[
        bool,
        Option("--replica", help="Only search, over a Qdrant server whose index another server keeps."),
    ] = False,
    until_eof: Annotated[
        bool, Option("--until-eof", help="Stop when standard input ends; `mcp` starts its server so.")
    ] = False,
    data_dir: options.DataDir = None,
    collection: options.Collection = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
    share: options.Share = None,
    max_memory: options.MaxMemory = None,
    license: options.License = None,  # noqa: A002
    read: options.Read = None,
) -> None:
    """Serve the search page and the HTTP API until interrupted; prints their address.

    With --read, jobs that index files read their text and speech, and a job reads those that the index lacks.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", WAIT_POLICY)
    from omnisearch.api.app import create_app
    from omnisearch.api.authority import LOOPBACK
    from omnisearch.api.drain import DrainingServer
    from omnisearch.api.logs import set_up_logging
    from omnisearch.api.worker_process import worker_process
    from omnisearch.client.running import announced
    from omnisearch.jobs.index_watch import index_watch
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
        read=read,
    )
    if replica:
        _check_replica(settings, watch)
        worker = False
    hosts = check_host(settings, host, insecure)
    for place in read_absent_folders(settings.index_dir):
        err.print(f"{place}: {place.way_out}", markup=False, soft_wrap=True, style="yellow")
    listening = listen(host, port)
    set_up_logging(settings.log_level)
    secret = secrets.token_urlsafe(32)
    reveals = host in LOOPBACK and not settings.allow_host  # else a proxy may serve others
    app = create_app(
        settings, hosts=hosts, own_secret=secret, fills_previews=not replica, reveals=reveals, is_replica=replica
    )
    server = DrainingServer(server_config(app), app.state.draining)
    # uvicorn raises the signal that stopped it again; a requested stop is a success.
    signal.signal(signal.SIGTERM, lambda *_: None)
    port = listening.getsockname()[1]
    if until_eof:
        on_eof(lambda: server.handle_exit(signal.SIGTERM, None))
    with announced(settings, own_url(host, port), secret):
        sys.stdout.write(f"{shown_url(host, port)}\n")
        sys.stdout.flush()
        if settings.read != "none" and not replica:
            _queue_reading(settings)
        if worker:
            threading.Thread(target=_queue_map, args=(settings,), daemon=True).start()  # may start the engine
        with index_watch(settings) if watch else nullcontext(), worker_process(settings) if worker else nullcontext():
            server.run(sockets=[listening])


def _check_replica(settings: Settings, watch: bool) -> None:
    """Check that a replica can serve these settings.

    Raises:
        UsageError: no Qdrant server is named, or --watch is given.
    """
    if settings.store is None:
        raise UsageError(
            "a replica searches the index that another server keeps in a Qdrant server: name that with --store URL"
        )
    if watch:
        raise UsageError("a replica runs no jobs, so it cannot watch folders: start the main server with --watch")


def _queue_map(settings: Settings) -> None:
    """Queue a job that makes the map if it is missing or outdated. Only the log says why that failed."""
    from omnisearch.search.map_job import queue_map

    try:
        queue_map(settings)
    except OmnisearchError as error:
        logging.getLogger(__name__).warning("the map cannot be made: %s", error)


def _queue_reading(settings: Settings) -> None:
    """Queue a job that reads what the index lacks, unless nothing is indexed or such a job is queued or running."""
    from omnisearch.jobs.job import State
    from omnisearch.jobs.store import JobStore
    from omnisearch.stores.catalog import describe_store

    try:
        describe_store(settings)
    except NoIndexError:
        return
    with closing(JobStore.open(settings)) as jobs:
        if not jobs.page((State.QUEUED, State.RUNNING), "enrich", settings.collection):
            jobs.add("enrich", {"read": settings.read}, settings.collection)
