"""The tools of `omnisearch mcp` without a process or a server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from omnisearch.client.asynchronous import AsyncClient
from omnisearch.client.running import Server
from omnisearch.errors import QueryError

pytest.importorskip("mcp")


def test_a_query_that_names_a_missing_file_or_a_folder_says_so(tmp_path: Path) -> None:
    from omnisearch.mcp.tools import Tools

    tools = Tools(AsyncClient("http://127.0.0.1:9"), files=True)
    for path, reason in ((tmp_path / "gone.jpg", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(QueryError, match=reason):
            asyncio.run(tools.search(str(path)))
        with pytest.raises(QueryError, match=reason):
            asyncio.run(tools.locate(str(path), "0" * 32))


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("search", {"query": "a dog", "files": ["x"]}),
        ("search", {"media": [{"name": "a.png", "data": "", "wieght": -1}]}),
        ("similar", {"item_id": "x", "where": []}),
        ("status", {"collection": "photos"}),
    ],
)
def test_an_unknown_argument_is_refused(tool: str, arguments: dict[str, Any]) -> None:
    from mcp.server.mcpserver.exceptions import ToolError

    from omnisearch.mcp.tools import build_server

    built = build_server(Server("http://127.0.0.1:1", None), files=False)
    with pytest.raises(ToolError, match="Extra inputs are not permitted"):
        asyncio.run(built.call_tool(tool, arguments))
    (described,) = [each for each in asyncio.run(built.list_tools()) if each.name == tool]
    assert described.input_schema["additionalProperties"] is False
