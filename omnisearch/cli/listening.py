"""The address and the host names of a server, and the check that it needs a key for other machines."""

import errno
import socket
from typing import TYPE_CHECKING

from omnisearch.api.accepted_keys import AcceptedKeys
from omnisearch.api.authority import LOOPBACK, allowed_host
from omnisearch.cli.console import err
from omnisearch.config import Settings
from omnisearch.errors import BusyError, UsageError

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

# Addresses that mean every interface of the machine, each with the loopback address to show instead.
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def check_host(settings: Settings, host: str, insecure: bool) -> frozenset[str]:
    """Return the names that a server on the address `host` answers to.

    Raises:
        UsageError: other machines can reach it, and there is no key and no --insecure.
        SettingsError: a value of --allow-host is not a host name.
    """
    if host not in LOOPBACK:
        _check_keys(settings, host, insecure)
    everywhere = host in ANY_ADDRESS
    hosts = LOOPBACK | {allowed_host(name) for name in (*settings.allow_host, *(() if everywhere else (host,)))}
    if everywhere and hosts == LOOPBACK:
        err.print("note: only the host name localhost is allowed; allow others with --allow-host", markup=False)
    return hosts


def shown_url(host: str, port: int) -> str:
    """Return the address of a server as a user of this machine writes it."""
    return url_of("localhost" if host in ANY_ADDRESS else host, port)


def own_url(host: str, port: int) -> str:
    """Return the address at which commands on this machine reach a server."""
    return url_of(ANY_ADDRESS.get(host, host), port)


def url_of(host: str, port: int) -> str:
    """Write an address as a URL."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def server_config(app: "ASGIApp") -> "uvicorn.Config":
    """Configure the HTTP server of an app: it disconnects slow clients, and writes its messages to our log."""
    import uvicorn

    from omnisearch.api.http_timeouts import ImpatientProtocol

    return uvicorn.Config(
        app,
        http=ImpatientProtocol,
        ws="none",
        log_config=None,  # uvicorn's messages go to our log
        access_log=False,  # our middleware logs the requests
        server_header=False,
        timeout_graceful_shutdown=1,
    )


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


def listen(host: str, port: int) -> socket.socket:
    """Listen on an address; port 0 selects a free one.

    Raises:
        BusyError: the port is taken, or the address does not belong to this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise BusyError(f"cannot listen on {host} port {port}: {error.strerror}; {_way_out(error)}") from None
    # Connections inherit it. Without it a response waits up to 40 ms for the client's delayed acknowledgement, because
    # asyncio sets it only on sockets that were created with the protocol number of TCP, unlike this one.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
