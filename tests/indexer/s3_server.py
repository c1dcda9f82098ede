"""A server with as much of the protocol of S3 as s3fs needs to list and to read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

TIME = 1_715_949_000
PAGE = 2  # objects of one answer to a listing


class Server(ThreadingHTTPServer):
    """Serves the bucket `bucket`; objects whose key ends with `secret` are refused."""

    daemon_threads = True

    def __init__(self, objects: Mapping[str, bytes], requests: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects, self.requests = objects, requests


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        bucket, _, key = unquote(url.path).lstrip("/").partition("/")
        self.server.requests.append(f"{self.command} {bucket}/{key}")
        if bucket != "bucket":
            self._error(404, "NoSuchBucket")
        elif key.endswith("secret"):
            self._error(403, "AccessDenied")
        elif not key:
            self._list({name: values[0] for name, values in parse_qs(url.query).items()})
        elif key not in self.server.objects:
            self._error(404, "NoSuchKey")
        else:
            self._object(self.server.objects[key])

    def _list(self, query: Mapping[str, str]) -> None:
        objects = self.server.objects
        keys = sorted(key for key in objects if key.startswith(query.get("prefix", "")))
        begin = int(query.get("continuation-token", 0))
        rows = [
            f"<Contents><Key>{escape(quote(key))}</Key><Size>{len(objects[key])}</Size>"
            "<LastModified>2024-05-17T12:30:00.123Z</LastModified>"
            f"<ETag>&quot;{md5(objects[key]).hexdigest()}&quot;</ETag></Contents>"
            for key in keys[begin : begin + PAGE]
        ]
        after = begin + PAGE
        more = f"<NextContinuationToken>{after}</NextContinuationToken>" if after < len(keys) else ""
        self._send(
            200,
            "<ListBucketResult><EncodingType>url</EncodingType>"
            f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>{more}{''.join(rows)}</ListBucketResult>".encode(),
        )

    def _object(self, content: bytes) -> None:
        begin, _, end = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")
        part = content[int(begin) : int(end) + 1 if end else None]
        headers = {"ETag": f'"{md5(content).hexdigest()}"', "Last-Modified": formatdate(TIME, usegmt=True)}
        self._send(206 if "Range" in self.headers else 200, part, headers)

    def _error(self, status: int, code: str) -> None:
        self._send(status, f"<Error><Code>{code}</Code><Message>{code} it is</Message></Error>".encode())

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def s3_server(objects: Mapping[str, bytes], requests: list[str]) -> Iterator[str]:
    """Serve objects by key. Yields the URL; `requests` gets the method and path of each request."""
    server = Server(objects, requests)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
