"""`omnisearch worker`."""

import logging
import os
import signal
import threading
from typing import Annotated

from omnisearch.cli import options
from omnisearch.cli.parameters import Option
from omnisearch.cli.until_eof import on_eof

NICE = 10  # a worker beside a server gives queries priority


def worker(
    until_eof: Annotated[
        bool, Option("--until-eof", help="Stop when standard input ends; `serve` starts its worker so.")
    ] = False,
    data_dir: options.DataDir = None,
    model: options.Model = None,
    store: options.Store = None,
    device: options.Device = None,
    max_memory: options.MaxMemory = None,
    license: options.License = None,  # noqa: A002
) -> None:
    """Run the jobs of a data directory, one at a time, until interrupted; `serve` starts a worker unless --no-worker.

    At the first signal the running job is stopped after its batch. It is resumed when a worker starts again.
    """
    from contextlib import closing

    from omnisearch.config import load_settings
    from omnisearch.jobs.store import JobStore
    from omnisearch.jobs.worker import Worker

    settings = load_settings(
        data_dir=data_dir, model=model, store=store, device=device, max_memory=max_memory, license=license
    )
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s worker %(levelname)s %(message)s")
    stop = threading.Event()

    def ask(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)  # the second signal ends the process immediately

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    if until_eof:
        os.nice(NICE)
        on_eof(stop.set)
    with closing(JobStore.open(settings)) as jobs:
        Worker(settings, jobs, stop).run()
