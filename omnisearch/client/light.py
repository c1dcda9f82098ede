"""One POST request by the standard library alone: commands that use a server must start fast."""

import json
import secrets
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from omnisearch.client.problems import error_of
from omnisearch.client.query_json import RequestBody
from omnisearch.client.running import Server
from omnisearch.errors import NotReadyError, SettingsError
from omnisearch.paths import show_path

TIMEOUT = 600.0  # seconds: locating in a long film takes minutes
PIECE = 1 << 20


def post(server: Server, path: str, body: RequestBody) -> dict[str, Any]:
    """Send a body to a path of a server, such as `v1/search`, and return the JSON object of the answer.

    Raises:
        OmnisearchError: the server answers with an error.
        NotReadyError: no server answers.
        SettingsError: the address is malformed.
        OSError: a file of the body cannot be read.
    """
    with_files = _Multipart(body) if body.files else None
    sent = json.dumps(body.fields).encode() if with_files is None else with_files
    headers = {"Content-Type": "application/json" if with_files is None else with_files.kind}
    headers |= {"Content-Length": str(len(sent))} | ({"Authorization": f"Bearer {server.key}"} if server.key else {})
    connection, prefix = _connection(server.url)
    try:
        about = "" if server.collection is None else "?" + urlencode({"collection": server.collection})
        connection.request("POST", f"{prefix}/{path}{about}", sent, headers)
        return _read(connection.getresponse())
    except (OSError, HTTPException) as error:
        raise NotReadyError(f"{server.url} does not answer: {error or type(error).__name__}; start it") from None
    finally:
        connection.close()


def _connection(url: str) -> tuple[HTTPConnection, str]:
    parts = urlsplit(url)
    kind = {"http": HTTPConnection, "https": HTTPSConnection}.get(parts.scheme)
    try:
        if kind is None or parts.hostname is None:
            raise ValueError("write it like http://127.0.0.1:8000")
        return kind(parts.hostname, parts.port, timeout=TIMEOUT), parts.path.rstrip("/")
    except ValueError as error:
        raise SettingsError(f"server = {url!r} is no address of a server: {error}") from None


def _read(answer: HTTPResponse) -> dict[str, Any]:
    text = answer.read()
    try:
        found = json.loads(text)
    except ValueError:  # a proxy answered
        found = {}
    if answer.status != 200 or not isinstance(found, dict):
        raise error_of(answer.status, found if isinstance(found, dict) else {})
    return found


class _Multipart:
    """A multipart body whose files are read while it is sent."""

    def __init__(self, body: RequestBody) -> None:
        self._boundary = secrets.token_hex(16)
        self.kind = f"multipart/form-data; boundary={self._boundary}"
        self._pieces: list[bytes | Path] = [self._head('name="query"'), json.dumps(body.fields).encode()]
        for name, path in body.files.items():
            shown = show_path(path.name).translate(_QUOTED)
            self._pieces += [b"\r\n", self._head(f'name="{name}"; filename="{shown}"'), path]
        self._pieces.append(f"\r\n--{self._boundary}--\r\n".encode())
        self._length = sum(len(each) if isinstance(each, bytes) else each.stat().st_size for each in self._pieces)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        for each in self._pieces:
            if isinstance(each, bytes):
                yield each
                continue
            with each.open("rb") as file:
                while piece := file.read(PIECE):
                    yield piece

    def _head(self, about: str) -> bytes:
        return f"--{self._boundary}\r\nContent-Disposition: form-data; {about}\r\n\r\n".encode()


# As browsers write the name of a file.
_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
