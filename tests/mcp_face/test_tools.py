"""The arguments of the tools."""

import asyncio
from typing import Any

import pytest

pytest.importorskip("mcp")
from mcp.server.mcpserver.exceptions import ToolError

from omnisearch.client.running import Server
from omnisearch.mcp.tools import build_server


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
    built = build_server(Server("http://127.0.0.1:1", None), files=False)
    with pytest.raises(ToolError, match="Extra inputs are not permitted"):
        asyncio.run(built.call_tool(tool, arguments))
    (described,) = [each for each in asyncio.run(built.list_tools()) if each.name == tool]
    assert described.input_schema["additionalProperties"] is False
