"""The server that the tools ask."""

import sys
from pathlib import Path

import pytest

from omnisearch.client.running import announced
from omnisearch.config import load_settings
from omnisearch.errors import NotReadyError
from omnisearch.mcp import backend


@pytest.mark.parametrize(
    ("prints", "way_out"), [("", "run `omnisearch serve`"), ("http://127.0.0.1:1", "runs with other settings: stop it")]
)
def test_a_server_that_cannot_be_asked_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prints: str, way_out: str
) -> None:
    settings = load_settings(data_dir=tmp_path)
    (tmp_path / "python").write_text(f"#!/bin/sh\necho -n '{prints}'\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    other = settings.model_copy(update={"model": "other"})
    with (
        announced(other, "http://127.0.0.1:1", "secret"),
        pytest.raises(NotReadyError, match=way_out),
        backend.running_server(settings),
    ):
        pass
