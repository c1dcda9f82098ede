"""The tools of `omnisearch mcp` without a process or a server."""

import asyncio
from pathlib import Path

import pytest

from omnisearch.client.asynchronous import AsyncClient
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
