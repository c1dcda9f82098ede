"""Connect to a Ray cluster, or start one on this machine."""

import io
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec

from omnisearch.errors import ClusterError, NotReadyError, UsageError
from omnisearch_indexer.ray.plan import Node

log = logging.getLogger(__name__)

# Ray reads it when it is imported: it must not report its use over the network.
ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0"}
PROBE_SECONDS = 5.0


@contextmanager
def connect(address: str | None) -> Iterator[None]:
    """Connect this process to the cluster at `address`, or at RAY_ADDRESS; without either, start one here and stop it.

    Raises:
        NotReadyError: the package ray is not installed.
        UsageError: the address is one of Ray Client.
        ClusterError: no cluster answers there, or it refuses this process.
    """
    if find_spec("ray") is None:
        raise NotReadyError("--engine ray needs the package ray: run `pip install 'omnisearch[ray]'`")
    os.environ.update(ENVIRONMENT)
    import ray

    address = address or os.environ.get("RAY_ADDRESS") or "local"
    if address.startswith("ray://"):
        raise UsageError(f"--address {address}: run this command on a node of the cluster, and give --address auto")
    with redirect_stdout(_Log()):
        try:
            _probe(address)
            with _own_signals():
                ray.init(address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise ClusterError(
                f"no Ray cluster can be used at {address}: {_line(error)}; start one with "
                f"`ray start --head --disable-usage-stats`"
            ) from error
        try:
            yield
        finally:
            ray.shutdown()


def living_nodes() -> list[Node]:
    """Return the nodes that are alive now."""
    import ray

    return [
        Node(node["NodeID"], node["NodeManagerHostname"], found.get("CPU", 0.0), int(found.get("GPU", 0)))
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"] and (found := node["Resources"]) is not None
    ]


class _Log(io.TextIOBase):
    """Logs what Ray prints on the standard output, which belongs to the answers of commands."""

    def write(self, text: str) -> int:
        """Log a text."""
        if text.strip():
            log.info("%s", text.strip())
        return len(text)


def _probe(address: str) -> None:
    """Connect to the address once, because Ray itself tries for minutes.

    Raises:
        OSError: nothing listens there.
    """
    host, _, port = address.rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), PROBE_SECONDS).close()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this program's handler of SIGTERM, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
