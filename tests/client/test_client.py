"""Client and AsyncClient against a server on a socket."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from omnisearch import AsyncClient, Client, ItemRef, Query, Term, UploadRef
from omnisearch.client import asynchronous, blocking
from omnisearch.client.calls import items, jobs
from omnisearch.client.problems import error_of
from omnisearch.errors import (
    MediaError,
    NoIndexError,
    NotFoundError,
    NotReadyError,
    OmnisearchError,
    QueryError,
    Reason,
    ServerError,
    SettingsError,
    UsageError,
)
from omnisearch.jobs.job import State
from omnisearch.schema.search import FailedOut, SearchOut
from omnisearch.types import Modality
from tests.api.conftest import IDS, ScriptedEngine, picture


def test_a_text_with_options_is_found(client: Client, engine: ScriptedEngine) -> None:
    answer = client.search("a dog", modalities=["image", "audio"], limit=1, where=["size<1GB"])
    assert [hit.modality for hit in answer.hits] == [Modality.IMAGE]
    assert answer.hits[0].matched_by[0].term == "a dog"
    (query,) = engine.queries
    assert (query.terms, query.limit, len(query.where)) == ((Term("a dog"),), 1, 1)


def test_files_are_sent_and_named_as_they_are(client: Client, engine: ScriptedEngine, tmp_path: Path) -> None:
    file = tmp_path / 'a \u00fc"x.png'
    file.write_bytes(picture())
    answer = client.search(Query(Term(file) + Term(file) - Term("night")))
    assert [match.term for match in answer.hits[0].matched_by] == [str(file), str(file), "night"]
    assert engine.contents == [picture(), picture()]


def test_a_batch_has_answers_and_errors(client: Client) -> None:
    good, bad = client.search_batch(["a dog", "wrong"], limit=2)
    assert isinstance(good, SearchOut)
    assert len(good.hits) == 2
    assert isinstance(bad, FailedOut)
    assert bad.error.code == "query"


def test_a_file_is_looked_at(client: Client, engine: ScriptedEngine, tmp_path: Path) -> None:
    file = tmp_path / "street.png"
    file.write_bytes(picture())
    found = client.locate("a dog", file, limit=1)
    assert found.places[0].path == str(file)
    assert found.places[0].region is not None
    assert client.locate(Term("a dog"), ItemRef(IDS["au"])).places[0].segment is not None
    assert [(looked_at, limit) for _, looked_at, limit in engine.located] == [(picture(), 1), (IDS["au"], 5)]


def test_texts_and_files_are_embedded(client: Client, engine: ScriptedEngine, tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    file.write_bytes(b"12345")
    assert [v[:2] for v in client.embed(["abc", file], "toy")] == [[3.0, 0.0], [5.0, 4.0]]
    client.embed(["abc"], "toy", input_type="document")
    assert engine.roles == ["query", "document"]
    assert client.models().data[0].id == "toy"


def test_items_are_known_shown_and_copied(client: Client, tmp_path: Path) -> None:
    assert client.item(IDS["au"]).duration == 12.0
    assert client.content(IDS["im"]) == picture()
    assert client.preview(IDS["im"])[8:12] == b"WEBP"
    client.download(IDS["im"], tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == picture()
    with pytest.raises(NotFoundError):
        client.download("0" * 32, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == picture()  # a refusal overwrites nothing
    assert client.status().segments[Modality.AUDIO] == 2


def test_uploads_are_named_in_queries(client: Client, engine: ScriptedEngine, tmp_path: Path) -> None:
    file = tmp_path / "\u00fc.png"
    file.write_bytes(picture())
    kept = client.create_upload(file)
    assert (kept.name, kept.modality) == ("\u00fc.png", Modality.IMAGE)
    assert client.create_upload(picture(), "b.png").id == kept.id
    upload = UploadRef(kept.id)
    answer = client.search(Term(upload, label="mine") + Term("at night"))
    assert [match.term for match in answer.hits[0].matched_by] == ["mine", "at night"]
    assert client.search(upload).hits[0].matched_by[0].term == "b.png"  # its last name
    assert client.locate("a dog", upload).places[0].path == "b.png"
    assert engine.contents == [picture(), picture()]
    assert client.embed([upload], "toy") == client.embed([file], "toy")
    assert client.delete_upload(kept.id) is None
    with pytest.raises(NotFoundError):
        client.upload(kept.id)


def test_bytes_without_a_name_are_a_file(client: Client) -> None:
    assert client.create_upload(b"a text").name == client.create_upload(b"a text", "").name == "file"


def test_a_list_is_asked_for_in_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "PAGE", 2)
    everything = [item.id for item in client.items(order="size")]
    assert sorted(everything) == sorted(IDS.values())
    assert [item.id for item in client.items(order="-size", modalities=["image"])] == [IDS["im"]]
    queued = [client.forget([item]).id for item in everything]
    monkeypatch.setattr(jobs, "PAGE", 4)
    assert [job.id for job in client.jobs(kind="forget")] == queued[::-1]
    assert list(client.jobs([State.DONE])) == []


def test_the_collection_of_the_client_is_asked_unless_a_call_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering((200, {}, STATUS)) as (url, got):
        with Client(url, collection="photos") as asking:
            asking.status()
            asking.status(collection="music")
        with Client(url) as asking:
            asking.status()
        monkeypatch.setenv("OMNISEARCH_COLLECTION", "texts")
        with Client(url) as asking:
            asking.status()
    named = ["?collection=photos", "?collection=music", "", "?collection=texts"]
    assert [request["path"] for request in got] == [f"/v1/status{name}" for name in named]


def test_errors_are_the_classes_of_the_library(client: Client, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no item 'nope'"):
        client.item("nope")
    with pytest.raises(NotFoundError):
        client.download("nope", tmp_path / "copy")
    with pytest.raises(UsageError, match="limit"):
        client.search("x", limit=0)
    with pytest.raises(QueryError, match="condition"):
        client.search("x", where=["colour"])


def test_the_async_client_answers_like_the_other(server: str, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "dog.png"
    file.write_bytes(picture())

    async def ask() -> tuple[list[str], bytes]:
        async with AsyncClient(server) as asking:
            one, other = await asyncio.gather(asking.search(file), asking.search("x"))
            await asking.download(IDS["im"], tmp_path / "copy")
            with pytest.raises(NotFoundError):
                await asking.item("nope")
            return [repr(one.hits), repr(other.hits)], (tmp_path / "copy").read_bytes()

    assert asyncio.run(ask()) == ([repr(client.search(file).hits), repr(client.search("x").hits)], picture())


@contextmanager
def answering(*answers: tuple[int, dict[str, str], Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that gives scripted answers, the last one again and again; and the requests that it got."""
    got: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            got.append({"path": self.path, "headers": dict(self.headers), "body": sent})
            status, headers, body = answers[min(len(got), len(answers)) - 1]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", got
        finally:
            server.shutdown()
            thread.join()


LIMITS = {"terms": 16, "text": 4000, "hits": 200, "body": 1000, "seconds": 600.0, "upload_seconds": 3600.0}
READERS = {"ready": False, "speech": False, "way_out": "install it", "level": "none"}
CAN = {"reading": READERS, "models": [], "reveal": False, "fetch_urls": False}
STATUS = {"version": "1", "collection": "default", "model": "toy", "dim": 8, "segments": {}, "limits": LIMITS} | CAN


def busy(seconds: str) -> tuple[int, dict[str, str], Any]:
    return 503, {"Retry-After": seconds}, {"code": "busy", "detail": "too much to do"}


@pytest.mark.parametrize("asynchronously", [False, True])
def test_a_refusal_for_now_is_repeated_after_the_named_time(
    asynchronously: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slept: list[float] = []

    really_sleep = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            slept.append(seconds)
        else:  # anyio, if it is first imported here, takes this function for its own turns of the loop
            await really_sleep(0)

    monkeypatch.setattr(asynchronous.asyncio, "sleep", sleep)
    monkeypatch.setattr(blocking.time, "sleep", slept.append)
    (tmp_path / "file").write_bytes(b"content")
    found = {"hits": [], "took_ms": {}, "next_cursor": None, "nothing_matches": False}
    limited = (429, {"Retry-After": "7"}, {"code": "rate_limited", "detail": "slower"})
    with answering(limited, busy("3"), (200, {}, found)) as (url, got):
        if asynchronously:

            async def ask() -> SearchOut:
                async with AsyncClient(url) as asking:
                    return await asking.search(tmp_path / "file")

            assert asyncio.run(ask()).hits == []
        else:
            with Client(url) as asking:
                assert asking.search(tmp_path / "file").hits == []
    assert slept == [7, 3]
    assert [request["body"].count(b"content") for request in got] == [1, 1, 1]  # the file is read each time


def test_refusals_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking.time, "sleep", lambda _: None)
    with answering(busy("1")) as (url, got), Client(url, retries=3) as asking:
        with pytest.raises(NotReadyError, match="too much to do"):
            asking.status()
        assert len(got) == 4
    with answering(busy("3600")) as (url, got), Client(url) as asking:
        with pytest.raises(NotReadyError):
            asking.status()
        assert len(got) == 1  # an hour is not waited for


def test_the_server_and_the_key_come_from_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret-2\n")
    with answering((200, {}, STATUS)) as (url, got):
        monkeypatch.setenv("OMNISEARCH_SERVER", f"{url}/search")  # a proxy may serve it below a path
        monkeypatch.setenv("OMNISEARCH_API_KEY_FILE", str(tmp_path / "key"))
        for client in (Client(), Client(key="secret-1")):
            with client:
                client.status()
    assert [request["path"] for request in got] == ["/search/v1/status"] * 2
    assert [request["headers"]["Authorization"] for request in got] == ["Bearer secret-2", "Bearer secret-1"]


def test_no_server_is_an_error_with_a_way_out() -> None:
    with Client("http://127.0.0.1:1") as asking, pytest.raises(NotReadyError, match="omnisearch serve"):
        asking.status()


@pytest.mark.parametrize("content", [b"<html>another program", b"", b"[]", b'{"a": 1}', b"\xff"])
def test_an_answer_of_another_program_is_an_error_with_a_way_out(content: bytes) -> None:
    with answering((200, {}, content)) as (url, _), Client(url) as asking:
        for ask in (asking.status, lambda: list(asking.items())):
            with pytest.raises(ServerError, match="name the address of an `omnisearch serve`"):
                ask()


@pytest.mark.parametrize("server", ["nope", "http://", "ftp://x", "file:///etc", "http://x?y=1", "http://x\r\nA: b"])
def test_an_address_that_is_none_is_refused_at_once(server: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(SettingsError, match="is no address of a server"):
            kind(server)


def test_an_answer_of_a_proxy_is_an_error() -> None:
    with answering((502, {}, b"<html>bad gateway")) as (url, _), Client(url) as asking:
        with pytest.raises(ServerError, match="502") as caught:
            asking.status()
        assert caught.value.status == 502


@pytest.mark.parametrize(
    "error", [NoIndexError("a"), QueryError("b"), MediaError(Reason.DAMAGED), MediaError(Reason.BAD_SLICE, "@1-2 (x)")]
)
def test_an_error_comes_back_as_itself(error: OmnisearchError) -> None:
    same = error_of(error.status, {"code": error.code, "detail": str(error)})
    assert type(same) is type(error)
    assert (str(same), vars(same)) == (str(error), vars(error))


def test_a_code_of_the_api_alone_is_kept() -> None:
    error = error_of(413, {"code": "too_large", "detail": "more than 256 MiB"})
    assert isinstance(error, ServerError)
    assert (error.status, error.code, str(error)) == (413, "too_large", "more than 256 MiB")
    assert isinstance(error_of(422, {"code": "invalid_request", "detail": "x"}), UsageError)


@pytest.mark.parametrize("call", ["index", "forget"])
def test_a_string_is_no_list_of_paths_or_ids(client: Client, call: str) -> None:
    with pytest.raises(UsageError, match="a list is needed"):
        getattr(client, call)("/photos")
