"""`omnisearch mcp` as a process, asked by the SDK's own client."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.cli import mcp as mcp_command
from omnisearch.client.running import find_server
from omnisearch.config import load_settings
from omnisearch.errors import UsageError
from omnisearch_indexer.session import index_files
from tests.api.conftest import PATIENCE_SECONDS, picture, tone, wait_until_ready

mcp = pytest.importorskip("mcp")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPTED = {"Accept": "application/json, text/event-stream"}


def text_of(result: Any) -> Any:
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)


async def assist(session: Any, files: Path, local: bool) -> None:
    """Use every tool as an assistant does; `local` where a query may name files of this machine."""
    await session.initialize()
    listed = {tool.name for tool in (await session.list_tools()).tools}
    assert listed == {"search", "locate", "item", "similar", "status"}
    status = text_of(await session.call_tool("status", {}))
    assert status["segments"]["image"] == 1

    query = "./red.png" if local else "a dog"
    found = await session.call_tool("search", {"query": query, "modalities": ["image", "audio"]})
    hits = text_of(found)["hits"]
    assert {hit["modality"] for hit in hits} == (
        {"audio"} if local else {"audio", "image"}
    )  # the file itself is no hit
    assert [block.type for block in found.content].count("image") == len(hits)
    assert [str(block.uri) for block in found.content if block.type == "resource_link"] == [
        f"omnisearch://items/{hit['id']}" for hit in hits
    ]
    if not local:
        kept_out = await session.call_tool("search", {"query": str(files / "red.png")})
        assert kept_out.is_error
        assert "file" in kept_out.content[0].text

    media = {"name": "x.png", "data": base64.b64encode(picture((220, 30, 31))).decode()}
    shown = text_of(await session.call_tool("search", {"media": [media], "query": "dog", "modalities": ["image"]}))
    (image,) = shown["hits"]
    known = await session.call_tool("item", {"item_id": image["id"]})
    assert text_of(known)["path"] == str(files / "red.png")
    assert base64.b64decode(known.content[1].data)[8:12] == b"WEBP"
    link = await session.read_resource(f"omnisearch://items/{image['id']}")
    assert base64.b64decode(link.contents[0].blob)[8:12] == b"WEBP"

    near = text_of(await session.call_tool("similar", {"item_id": image["id"], "limit": 1}))
    assert len(near["hits"]) == 1
    places = text_of(await session.call_tool("locate", {"query": "dog", "item_id": image["id"], "limit": 2}))
    assert places["modality"] == "image"

    dated = text_of(await session.call_tool("search", {"query": "A dog barks.", "sort": "modified"}))
    assert str(files / "poem.txt") in {hit["path"] for hit in dated["hits"]}
    assert all(hit["mtime"] > 0 and hit["taken"] is None for hit in dated["hits"])

    prompt = await session.get_prompt("query_language")
    assert "THEN" in prompt.messages[0].content.text
    wrong = await session.call_tool("search", {"query": "dog +"})
    assert wrong.is_error
    assert "a term is missing" in wrong.content[0].text
    gone = await session.call_tool("item", {"item_id": "none"})
    assert gone.is_error
    assert "no item 'none'" in gone.content[0].text


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder of three indexed files."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name, data in {"red.png": picture((220, 30, 30)), "long.wav": tone(25.0), "poem.txt": b"A dog barks."}.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def command(files: Path, hashed_model: Path, tmp_path: Path) -> list[str]:
    """`omnisearch mcp` over the index of the files."""
    data_dir, model = tmp_path / "data", str(hashed_model)
    index_files([files], load_settings(data_dir=data_dir, model=model, workers=1))
    return [sys.executable, "-m", "omnisearch", "mcp", "--data-dir", str(data_dir), "--model", model]


def test_an_assistant_searches_over_stdio(command: list[str], files: Path) -> None:
    parameters = mcp.StdioServerParameters(command=command[0], args=command[1:], env={**os.environ}, cwd=str(files))

    async def ask() -> None:
        async with mcp.stdio_client(parameters) as (read, write), mcp.ClientSession(read, write) as session:
            await assist(session, files, local=True)

    asyncio.run(ask())


def test_an_assistant_searches_over_http_with_a_key(command: list[str], files: Path, tmp_path: Path) -> None:
    keys = KeyFile(tmp_path / "data")
    key, lesser = keys.add("assistant", [Scope.SEARCH]), keys.add("scraper", [Scope.METRICS])

    async def ask(url: str) -> None:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_SECONDS) as http,
            mcp.client.streamable_http.streamable_http_client(url, http_client=http) as (read, write),
            mcp.ClientSession(read, write) as session,
        ):
            await assist(session, files, local=False)

    with subprocess.Popen(
        [*command, "--http", "--host", "0.0.0.0", "--port", "0", "--allow-host", "search.lan"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            asyncio.run(ask(url))
            with httpx2.Client(headers={"X-API-Key": key}) as http:
                for status, headers in {
                    401: {"X-API-Key": "wrong"},
                    403: {"X-API-Key": lesser},
                    421: {"Host": "evil.example"},
                }.items():
                    refused = http.post(url, json=PING, headers={**ACCEPTED, **headers})
                    assert (refused.status_code, refused.json()["status"]) == (status, status), refused.text
                foreign = http.post(url, json=PING, headers={**ACCEPTED, "Origin": "http://evil.example"})
                assert (foreign.status_code, foreign.json()["code"]) == (403, "forbidden")
                named = http.post(url, json=PING, headers={**ACCEPTED, "Host": "search.lan"})
                assert (named.status_code, named.json()["result"]) == (200, {})
                assert named.headers["X-Content-Type-Options"] == "nosniff"
        finally:
            process.terminate()
    assert processes_of(tmp_path) == set()


def processes_of(place: Path) -> set[int]:
    """The processes with a folder on their command line or in their environment, after time to end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := set(living(place))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def living(place: Path) -> Iterator[int]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = "".join((folder / name).read_text(errors="replace") for name in ("cmdline", "environ"))
        except OSError:  # it has ended, or is another user's
            continue
        # Not what the tests have forked (`tests.warm_fork`), such as the engine of an index run.
        if str(place) in told and "multiprocessing" not in told and int(folder.name) != os.getpid():
            yield int(folder.name)


@pytest.mark.parametrize("flags", [[], ["--http", "--port", "0"]], ids=["stdio", "http"])
def test_nothing_is_left_of_a_command_that_is_killed(command: list[str], flags: list[str], tmp_path: Path) -> None:
    with subprocess.Popen([*command, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            settings = load_settings(data_dir=tmp_path / "data", model=command[-1])
            deadline = time.monotonic() + PATIENCE_SECONDS
            while (server := find_server(settings)) is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            with httpx2.Client(base_url=server.url) as http:
                wait_until_ready(http)
            # `mcp`, `serve` and its worker. The engine may still be that of the index run.
            assert len(set(living(tmp_path))) >= 3
        finally:
            process.kill()
    assert processes_of(tmp_path) == set()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_need_a_key(host: str) -> None:
    with pytest.raises(UsageError, match="--insecure"):
        mcp_command.mcp(http=True, host=host)
