"""Hosts, origins, sizes, headers, and bodies that no client library would send."""

import errno
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from omnisearch.api.headers import SECURITY_HEADERS
from omnisearch.config import Settings
from omnisearch.query.query import Query
from tests.api.conftest import ScriptedEngine, open_client, wait_until_ready

QUERY = b'{"query":[{"text":"dog"}]}'
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:1", "LOCALHOST", "[::1]:8000"])
def test_loopback_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/livez", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "", "[::1", "a@b:c:d"])
@pytest.mark.parametrize("path", ["/livez", "/", "/v1/status"])
def test_other_names_are_refused(client: TestClient, host: str, path: str) -> None:
    answer = client.get(path, headers={"host": host})
    assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")


def test_a_foreign_page_may_not_post(client: TestClient, engine: ScriptedEngine) -> None:
    foreign = client.post("/v1/search", content=QUERY, headers={**JSON, "origin": "https://evil.example"})
    null = client.post("/v1/search", content=QUERY, headers={**JSON, "origin": "null"})
    assert [foreign.status_code, null.status_code] == [403, 403]
    assert not engine.queries
    own = client.post("/v1/search", content=QUERY, headers={**JSON, "origin": "http://127.0.0.1:8000"})
    assert own.status_code == 200


@pytest.mark.parametrize("path", ["/", "/livez", "/v1/status", "/v1/nothing", "/nothing"])
def test_every_response_is_sealed(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert SECURITY_HEADERS.items() <= {k.title().replace("Csp", "CSP"): v for k, v in answer.headers.items()}.items()
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1", "/v1/", "/v2/search", "/nothing", "/../pyproject.toml", "/docs"]
)
def test_an_unknown_path_is_a_problem_also_for_browsers(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_wrong_method_is_a_problem(client: TestClient) -> None:
    answer = client.put("/v1/search")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert answer.json()["code"] == "method_not_allowed"


HOSTILE = {
    "nan": b'{"query":[{"text":"a","weight":NaN}]}',
    "infinity": b'{"query":[{"text":"a","weight":Infinity}]}',
    "minus infinity": b'{"query":[{"text":"a","weight":-Infinity}]}',
    "1e400": b'{"query":[{"text":"a","weight":1e400}]}',
    "long number": b'{"query":[{"text":"a","weight":' + b"9" * 5000 + b"}]}",
    "lone surrogate": b'{"query":[{"text":"\\ud800"}]}',
    "surrogate key": b'{"query":[{"text":"a","\\ud800":1}]}',
    "surrogate modality": b'{"query":[{"text":"a"}],"modalities":["\\udfff"]}',
    "raw surrogate": b'{"query":[{"text":"\xed\xa0\x80"}]}',
    "bad utf-8": b'{"query":[{"text":"\xff\xfe"}]}',
    "deep": b'{"query":' + b"[" * 100_000,
    "deep objects": b'{"query":' + b'{"a":' * 20_000,
    "empty": b"",
    "null": b"null",
    "number": b"1",
    "string": b'"\\udc00"',
    "truncated": QUERY[:-1],
    "two documents": QUERY + QUERY,
    "bom": b"\xef\xbb\xbf" + QUERY,
    "utf-16": QUERY.decode().encode("utf-16"),
    "nul": b"\x00" * 100,
    "doubled field": b'{"query":[{"text":"a"}],"query":[{"text":"a"}]}',
    "doubled field below": b'{"query":[{"text":"a","text":"b"}]}',
    "doubled field, escaped": b'{"query":[{"text":"a","te\\u0078t":"b"}]}',
    "doubled quota": b'{"query":[{"text":"a"}],"quotas":{"image":{"most":1},"image":{"most":2}}}',
    "comment": b'{"query":[{"text":"a"}]} // b',
    "trailing comma": b'{"query":[{"text":"a"},]}',
    "single quotes": b"{'query':[{'text':'a'}]}",
    "deep in a field": b'{"query":[{"text":"a"}],"where":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep and doubled": b'{"query":[{"text":"a"}],"cursor":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    "true as a number": b'{"query":[{"text":"a","weight":true}]}',
    "number as a string": b'{"query":[{"text":"a","weight":"1"}]}',
    "vector of nan": b'{"query":[{"vector":[NaN]}]}',
    "vector of 1e400": b'{"query":[{"vector":[1,-1e400]}]}',
    "control character": b'{"query":[{"text":"a\x01"}]}',
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", [False, True], ids=["json", "multipart"])
def test_raw_bytes_never_fail_the_server(client: TestClient, engine: ScriptedEngine, name: str, form: bool) -> None:
    body, headers = HOSTILE[name], JSON
    if form:
        body = b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\n' + body + b"\r\n--x--\r\n"
        headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/v1/search", content=body, headers=headers)
    if form and name in {"bad utf-8", "raw surrogate"}:
        assert answer.status_code == 200  # the form parser reads such a field as Latin-1: odd text, but text
        return
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert not engine.queries


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x\r\n\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--",
        b'--x\r\nContent-Disposition: form-data; name="\xff"; filename="\xff\x00"\r\n\r\na\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\n' + b"a" * (300 << 10) + b"\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' * 9 + b"--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nb\r\n' * 99 + b"--x--\r\n",
    ],
)
@pytest.mark.parametrize("boundary", ["; boundary=x", "", "; boundary="])
def test_broken_forms_are_the_clients_fault(client: TestClient, body: bytes, boundary: str) -> None:
    answer = client.post("/v1/search", content=body, headers={"content-type": f"multipart/form-data{boundary}"})
    assert answer.status_code in {400, 413, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_validation_error_repeats_nothing_of_the_value(client: TestClient) -> None:
    secret = b'{"query":[{"text":["hush-hush"]}]}'
    assert "hush" not in client.post("/v1/search", content=secret, headers=JSON).text


@pytest.fixture
def small(settings: Settings, engine: ScriptedEngine) -> Iterator[TestClient]:
    with open_client(settings, engine_factory=lambda _: engine, max_body_bytes=1000) as client:
        wait_until_ready(client)
        yield client


def test_a_large_body_is_refused_by_its_length(small: TestClient) -> None:
    assert small.post("/v1/search", content=b"a" * 1001, headers=JSON).status_code == 413
    for length in ("9" * 5000, "-1", "a"):
        answer = small.post("/v1/search", content=b"a", headers={**JSON, "content-length": length})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_a_large_body_without_length_is_cut_off_as_it_comes(small: TestClient, kind: str) -> None:
    sent = 0

    def chunks() -> Iterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n'
        for _ in range(1000):
            sent += 100
            yield b"a" * 100

    answer = small.post("/v1/search", content=chunks(), headers={"content-type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def _upload(content: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="query"\r\n\r\n{"query":[{"file":"a"}]}\r\n'
    return head + b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n' + content + b"\r\n--x--\r\n"


FORM = {"content-type": "multipart/form-data; boundary=x"}


def test_the_bodies_of_all_requests_together_are_bounded(settings: Settings, engine: ScriptedEngine) -> None:
    working, go = threading.Event(), threading.Event()

    def work(query: Query) -> None:
        if any(isinstance(term.source, Path) for term in query.terms):
            working.set()
            go.wait(60)

    engine.before = work
    with (
        open_client(settings, engine_factory=lambda _: engine, max_held_bytes=3000) as client,
        ThreadPoolExecutor() as pool,
    ):
        wait_until_ready(client)
        first = pool.submit(client.post, "/v1/search", content=_upload(b"a" * 2000), headers=FORM)
        assert working.wait(60)
        refused = client.post("/v1/search", content=_upload(b"b" * 2000), headers=FORM)
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert refused.headers["retry-after"].isdecimal()
        assert client.post("/v1/search", content=QUERY, headers=JSON).status_code == 200
        go.set()
        assert first.result(60).status_code == 200
        for _ in range(3):  # the room is free again, also after the refusal
            assert client.post("/v1/search", content=_upload(b"b" * 2000), headers=FORM).status_code == 200


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said(client: TestClient, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    def full(*_: object) -> None:
        raise OSError(error, "no space")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    answer = client.post("/v1/search", content=_upload(b"a"), headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert "TMPDIR" in answer.json()["detail"]


def test_a_full_disk_is_said_while_the_body_arrives(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", full)
    answer = client.post("/v1/search", content=_upload(b"a" * (3 << 20)), headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")


def test_json_has_a_smaller_cap_than_files(client: TestClient) -> None:
    body = b'{"query":[{"text":"' + b"a" * (257 << 10) + b'"}]}'
    assert client.post("/v1/search", content=body, headers=JSON).status_code == 413


def test_compressed_bodies_are_refused(client: TestClient) -> None:
    assert client.post("/v1/search", content=QUERY, headers={**JSON, "content-encoding": "gzip"}).status_code == 415


def test_a_failure_tells_nothing(client: TestClient, engine: ScriptedEngine) -> None:
    def crash(_: object) -> None:
        raise RuntimeError("secret /home/me")

    engine.before = crash
    answer = client.post("/v1/search", content=QUERY, headers=JSON)
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "secret" not in answer.text
