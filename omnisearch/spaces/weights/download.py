"""Download a file from an https address: complete or not at all, resumed if the server still has the same version."""

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO
from urllib import request
from urllib.parse import urlsplit

MOST = 64 << 30  # bytes of a file without a declared size
_SECONDS = 60  # timeout of an answer
_BLOCK = 1 << 20


class _Redirects(request.HTTPRedirectHandler):
    """Follows redirects to https only."""

    def redirect_request(
        self, req: request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> request.Request | None:
        if urlsplit(newurl).scheme != "https":
            raise OSError(f"it redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(address: str, folder: Path, size: int | None, advance: Callable[[int], None]) -> Path:
    """Download a file into `folder` and return its path; `advance` receives the number of bytes of each block.

    After an interruption the bytes so far are kept under a name with the server's strong ETag, and are not requested
    again; if the server sends no strong ETag, the download starts again.

    Raises:
        OSError: no answer, an error status, another size than `size` (more than MOST if None), a truncated answer, or a
            redirect to another scheme than https.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with _open(address, {}) as answer:
            length, tag = _length(answer, size), _version(answer)
            part = folder / hashlib.sha256(f"{address} {tag}".encode()).hexdigest()
            with part.open("ab") as out:
                hold(out, part)
                if not tag:
                    out.truncate(0)
                begun = out.seek(0, os.SEEK_END)
                advance(begun)
                if not begun:
                    _copy(answer, out, length, advance)
                elif begun < length:
                    answer.close()
                    _go_on(address, tag, out, length, advance)
    except HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from None
    return part


def _open(address: str, headers: Mapping[str, str]) -> HTTPResponse:
    """Request an address. This opener supports only https: no files, no plain http, no other scheme."""
    opener = request.OpenerDirector()
    for handler in (request.ProxyHandler, request.HTTPSHandler, _Redirects, request.HTTPErrorProcessor):
        opener.add_handler(handler())
    for last in (request.HTTPDefaultErrorHandler, request.UnknownHandler):
        opener.add_handler(last())
    asked = request.Request(address, headers={"User-Agent": "omnisearch", **headers})  # noqa: S310
    answer = opener.open(asked, timeout=_SECONDS)
    assert isinstance(answer, HTTPResponse)
    return answer


def _length(answer: HTTPResponse, size: int | None) -> int:
    """Return the size of the whole file in bytes, which the server must send."""
    said = answer.headers.get("Content-Length", "")
    if not said.isdecimal():
        raise OSError("the server does not say how large the file is")
    if size is not None and int(said) != size:
        raise OSError(f"the server offers {said} bytes, not {size}")
    if int(said) > MOST:
        raise OSError(f"the server offers {said} bytes, and no file may have more than {MOST}")
    return int(said)


def _version(answer: HTTPResponse) -> str:
    """Return the strong ETag if downloads can be resumed, else an empty string. Weak ETags do not identify bytes."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') and answer.headers.get("Accept-Ranges") == "bytes" else ""


def hold(out: IO[bytes], part: Path) -> None:
    """Lock the file of a download until it is closed.

    Raises:
        OSError: another process has locked it.
    """
    try:
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OSError(f"another process is fetching it into {part}") from None


def _go_on(address: str, tag: str, out: IO[bytes], length: int, advance: Callable[[int], None]) -> None:
    """Append the missing bytes; with If-Range, a server whose file has changed answers with the whole file."""
    begun = out.tell()
    with _open(address, {"Range": f"bytes={begun}-", "If-Range": tag}) as answer:
        place = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
        if answer.status != 206 or place is None or int(place[1]) != begun:
            out.truncate(0)
            raise OSError("the server did not resume the download: pull again")
        _copy(answer, out, length - begun, advance)


def _copy(answer: HTTPResponse, out: IO[bytes], length: int, advance: Callable[[int], None]) -> None:
    left = length
    while left and (block := answer.read(min(_BLOCK, left))):
        out.write(block)
        advance(len(block))
        left -= len(block)
    out.flush()
    os.fsync(out.fileno())
    if left:
        raise OSError(f"the connection ended {left} bytes before the end of the file")
