"""Start the engine's worker as a fork of a process that has already imported its modules."""

import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path

from omnisearch.stores import edge_worker

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["omnisearch.stores.edge_worker", "omnisearch.stores.edge_engine", "pytest"])


def start_worker(directory: Path, linger_seconds: float) -> tuple[str, str]:
    """Do what `edge_link.start_worker` does in a tenth of the time: half a second of imports is saved."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    arguments = [str(directory), str(linger_seconds)]
    process = _CONTEXT.Process(target=_run_worker, args=(arguments, dict(os.environ), theirs))
    process.start()
    theirs.close()
    with open(ours.fileno(), encoding="utf-8", errors="replace", closefd=False) as said:
        line = said.read()
    ours.close()
    process.join()
    process.close()
    return line, ""


def _run_worker(arguments: list[str], environment: Mapping[str, str], stdout: Connection) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir("/")
    for stream in (1, 2):
        os.dup2(stdout.fileno(), stream)
    stdout.close()
    sys.argv[1:] = arguments
    edge_worker.main()
