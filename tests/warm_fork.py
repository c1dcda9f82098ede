"""Start the engine's worker and decoders as forks of a process that has already imported their modules."""

import multiprocessing
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from omnisearch.media import sandbox, worker_process
from omnisearch.stores import edge_link, edge_worker

# What users have, kept for the tests that start the real processes.
START_ENGINE, START_DECODER = edge_link.start_worker, worker_process.start_worker
ENGINE = ["omnisearch.stores.edge_worker", "omnisearch.stores.edge_engine"]
DECODER = ["omnisearch.media.worker", "omnisearch.media.images.pillow", "omnisearch.media.objects.mesh"]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([*ENGINE, *DECODER, "omnisearch.media.point_cloud", "av", "soundfile", "pytest"])


def start_engine(directory: Path, linger_seconds: float) -> tuple[str, str]:
    """Do what `edge_link.start_worker` does in a tenth of the time."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    arguments = [str(directory), str(linger_seconds)]
    process = _CONTEXT.Process(target=_run_engine, args=(arguments, dict(os.environ), theirs))
    process.start()
    theirs.close()
    with open(ours.fileno(), encoding="utf-8", errors="replace", closefd=False) as said:
        line = said.read()
    ours.close()
    process.join()
    process.close()
    return line, ""


def start_decoder(theirs: socket.socket, memory_bytes: int) -> "Decoder":
    """Do what `worker_process.start_worker` does in a tenth of the time."""
    process = _CONTEXT.Process(target=_run_decoder, args=(theirs, memory_bytes, sandbox.environment()), daemon=True)
    process.start()
    return Decoder(process)


class Decoder:
    """The part of `subprocess.Popen` that a pool of decoders uses."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self.pid, self.kill = process.pid, process.kill

    def poll(self) -> int | None:
        """The exit status, None while the process runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end of the process and return its exit status."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("decoder", timeout or 0)
        return self._process.exitcode


def _run_engine(arguments: list[str], environment: Mapping[str, str], stdout: Connection) -> None:
    _replace_environment(environment)
    os.chdir("/")
    for stream in (1, 2):
        os.dup2(stdout.fileno(), stream)
    stdout.close()
    sys.argv[1:] = arguments
    edge_worker.main()


def _run_decoder(sock: socket.socket, memory_bytes: int, environment: Mapping[str, str]) -> None:
    from omnisearch.media import worker

    _replace_environment(environment)
    os.setpgid(0, 0)
    with Path(os.devnull).open("r+b") as nothing:
        for stream in (0, 1, 2):
            os.dup2(nothing.fileno(), stream)
    worker.main(sock.detach(), memory_bytes)


def _replace_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
