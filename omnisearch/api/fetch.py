"""Fetch the files of a query by URL: over HTTPS, from public addresses, with limits of size, time and type.

A host name is resolved once. If one of its addresses is not public, the file is refused. Otherwise the connection goes
to a checked address, so a later change of the name's addresses has no effect (DNS rebinding). Redirects are not
followed, and no proxy, cookie or credential is used.
"""

import asyncio
import re
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias
from urllib.parse import unquote

import h11

from omnisearch.api.expressions import Upload
from omnisearch.api.public_address import is_public
from omnisearch.api.request_files import placed
from omnisearch.errors import BusyError, FetchError

PORT = 443
FETCH_SECONDS = 20.0  # for all files of one request
MAX_BYTES = 64 << 20  # of all files of one request
MAX_RUNNING = 4
CHUNK = 16 << 10  # h11 holds at most two of them while a head is not complete
OK = 200
_URL = re.compile(r"https://(?P<host>\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::443)?(?P<target>[/?][!-~]*)?")
_TYPES = re.compile(r"(?:image|audio|video|model|text)/.*|application/(?:octet-stream|pdf|ogg|mp4|gltf-buffer)")

Resolve: TypeAlias = Callable[[str], Awaitable[list[str]]]
Connect: TypeAlias = Callable[[str, str], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def resolve(host: str) -> list[str]:
    """Return the addresses of a host."""
    found = await asyncio.get_running_loop().getaddrinfo(host, PORT)
    return [str(address[0]) for *_, address in found]


async def connect(address: str, host: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to an address and check that it has a certificate of the host."""
    context = ssl.create_default_context()
    return await asyncio.open_connection(address, PORT, ssl=context, server_hostname=host)


class Fetcher:
    """Fetches files if `enabled`. Use it from one event loop."""

    def __init__(self, enabled: bool, resolve: Resolve = resolve, connect: Connect = connect) -> None:
        self._enabled, self._resolve, self._connect = enabled, resolve, connect
        self._running = 0

    @asynccontextmanager
    async def fetched(self, urls: Collection[str]) -> AsyncIterator[dict[str, Upload]]:
        """Fetch files; they are deleted afterwards.

        Raises:
            FetchError: fetching is off, or a file cannot be fetched; the message names the host.
            BusyError: too many requests fetch files.
        """
        if not urls:
            yield {}
            return
        if not self._enabled:
            raise FetchError("this server does not fetch files by url: send the file as a part of the request")
        with tempfile.TemporaryDirectory(prefix="omnisearch-") as folder:
            yield await self._all(sorted(urls), Path(folder))

    async def _all(self, urls: Collection[str], folder: Path) -> dict[str, Upload]:
        if self._running == MAX_RUNNING:
            raise BusyError("too many files are being fetched; try again in a moment")
        self._running += 1
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                uploads, left = {}, MAX_BYTES
                for number, url in enumerate(urls):
                    uploads[url] = await self._one(url, folder / str(number), left)
                    left -= uploads[url].path.stat().st_size
                return uploads
        except TimeoutError:
            raise FetchError(f"the files of the query did not arrive within {FETCH_SECONDS:g} seconds") from None
        finally:
            self._running -= 1

    async def _one(self, url: str, stem: Path, max_bytes: int) -> Upload:
        parsed = _URL.fullmatch(url)
        if parsed is None:
            raise FetchError("a url begins with https://, has no port, user name or fragment, and is plain ASCII")
        host, target = parsed["host"].strip("[]").rstrip("."), parsed["target"] or "/"
        address = await self._public_address(host)
        try:
            reader, writer = await self._connect(address, host)
        except OSError:
            raise FetchError(f"{host} cannot be reached over HTTPS") from None
        upload = placed(stem, unquote(target.partition("?")[0]))
        try:
            connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=CHUNK)
            writer.write(_request(connection, parsed["host"], target))
            with upload.path.open("wb") as file:
                await _receive(connection, reader, file, host, max_bytes)
        finally:
            writer.transport.abort()
        return upload

    async def _public_address(self, host: str) -> str:
        """Resolve a host once. The message is the same for a private host and for one that does not exist."""
        try:
            addresses = await self._resolve(host)
        except (OSError, UnicodeError):
            addresses = []
        if not addresses or not all(map(is_public, addresses)):
            raise FetchError(f"{host} has no public address")
        return addresses[0]


def _request(connection: h11.Connection, host: str, target: str) -> bytes:
    headers = [("Host", host), ("User-Agent", "omnisearch"), ("Accept-Encoding", "identity"), ("Connection", "close")]
    request = h11.Request(method="GET", target=target if target[0] == "/" else f"/{target}", headers=headers)
    return (connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b"")


async def _receive(
    connection: h11.Connection, reader: asyncio.StreamReader, file: BinaryIO, host: str, max_bytes: int
) -> None:
    """Write the body of the response to a file."""
    left = max_bytes
    while True:
        event = await _next_event(connection, reader, host)
        if isinstance(event, h11.Response):
            _check(event, host, max_bytes)
        elif isinstance(event, h11.Data):
            left -= len(event.data)
            if left < 0:
                raise FetchError(f"the file at {host} is too large: {MAX_BYTES >> 20} MiB may be fetched for a request")
            file.write(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return


async def _next_event(connection: h11.Connection, reader: asyncio.StreamReader, host: str) -> object:
    try:
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK))
    except (OSError, h11.RemoteProtocolError):
        raise FetchError(f"{host} did not send a whole file over HTTP/1.1") from None
    return event


def _check(response: h11.Response, host: str, max_bytes: int) -> None:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
    if 300 <= response.status_code < 400:
        raise FetchError(f"{host} redirects to another address: send that one")
    if response.status_code != OK:
        raise FetchError(f"{host} answered with status {response.status_code}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchError(f"{host} sent a compressed body, which the request does not accept")
    kind = headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    if not _TYPES.fullmatch(kind):
        raise FetchError(f"{host} sent neither text, a picture, a sound, a film nor a 3D file, by its Content-Type")
    if int(headers.get("content-length", "0")) > max_bytes:
        raise FetchError(f"the file at {host} is too large: {MAX_BYTES >> 20} MiB may be fetched for a request")
