"""The worker that `serve` starts: a separate process, restarted when it dies and ended with the server."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from omnisearch.config import Settings
from omnisearch.inherited import child_environment

END_SECONDS = 30.0
RESTART_SECONDS = 5.0
log = logging.getLogger(__name__)


@contextmanager
def worker_process(settings: Settings) -> Iterator[None]:
    """Keep a worker running for the length of the block. It ends by itself if this process is killed."""
    stop = threading.Event()
    thread = threading.Thread(target=_keep, args=(child_environment(settings), stop), name="worker-process")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _keep(environment: Mapping[str, str], stop: threading.Event) -> None:
    command = [sys.executable, "-m", "omnisearch", "worker", "--until-eof"]
    while not stop.is_set():
        # The worker reads the end of its input when this process ends, even if it is killed.
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment) as worker:
            while worker.poll() is None and not stop.wait(0.2):
                pass
            if worker.poll() is None:
                _end(worker)
        if not stop.is_set():
            log.error("the worker ended with %s; another one starts in %.0f s", worker.returncode, RESTART_SECONDS)
            stop.wait(RESTART_SECONDS)


def _end(worker: "subprocess.Popen[bytes]") -> None:
    assert worker.stdin is not None
    worker.stdin.close()
    try:
        worker.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        log.warning("the worker did not stop in %.0f s and is killed; its job continues later", END_SECONDS)
        worker.kill()
