"""`omnisearch mcp` as a process, asked by the SDK's own client."""

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from omnisearch.config import load_settings
from omnisearch_indexer.session import index_files
from tests.api.conftest import picture, tone

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def text_of(result: Any) -> Any:
    assert not result.is_error, result.content
    return json.loads(result.content[0].text)


def test_an_assistant_searches_over_stdio(hashed_model: Path, tmp_path: Path) -> None:
    mcp = pytest.importorskip("mcp")
    files = tmp_path / "files"
    files.mkdir()
    for name, data in {"red.png": picture((220, 30, 30)), "long.wav": tone(25.0), "poem.txt": b"A dog barks."}.items():
        (files / name).write_bytes(data)
    index_files([files], load_settings(data_dir=tmp_path / "data", model=str(hashed_model), workers=1))
    parameters = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-m", "omnisearch", "mcp", "--data-dir", str(tmp_path / "data"), "--model", str(hashed_model)],
        env={**os.environ},
        cwd=str(files),
    )

    async def ask() -> None:
        async with mcp.stdio_client(parameters) as (read, write), mcp.ClientSession(read, write) as session:
            await session.initialize()
            listed = {tool.name for tool in (await session.list_tools()).tools}
            assert listed == {"search", "locate", "item", "similar", "status"}
            status = text_of(await session.call_tool("status", {}))
            assert status["segments"]["image"] == 1

            found = await session.call_tool("search", {"query": "./red.png", "modalities": ["image", "audio"]})
            hits = text_of(found)["hits"]
            assert {hit["modality"] for hit in hits} == {"audio"}  # the file itself is no hit
            assert [block.type for block in found.content].count("image") == 1
            assert [str(block.uri) for block in found.content if block.type == "resource_link"] == [
                f"omnisearch://items/{hits[0]['id']}"
            ]

            media = {"name": "x.png", "data": base64.b64encode(picture((220, 30, 31))).decode()}
            shown = text_of(
                await session.call_tool("search", {"media": [media], "query": "dog", "modalities": ["image"]})
            )
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

            prompt = await session.get_prompt("query_language")
            assert "THEN" in prompt.messages[0].content.text
            wrong = await session.call_tool("search", {"query": "dog +"})
            assert wrong.is_error
            assert "a term is missing" in wrong.content[0].text
            gone = await session.call_tool("item", {"item_id": "none"})
            assert gone.is_error
            assert "no item 'none'" in gone.content[0].text

    asyncio.run(ask())
