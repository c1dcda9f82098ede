"""The settings of a child process are those of its parent, for every flag that a command takes."""

import inspect
from pathlib import Path
from typing import Any

import pytest

from omnisearch import inherited
from omnisearch.cli import options
from omnisearch.cli.mcp import mcp
from omnisearch.cli.serve import serve
from omnisearch.cli.worker import worker
from omnisearch.config import load_settings
from omnisearch.inherited import FLAGS, child_environment

# Of a command, and not of what it starts.
OWN = {"Server", "UseServer", "Output", "Print0", "Host", "AllowHost", "Insecure"}
GIVEN: dict[str, Any] = {
    "collection": "photos",
    "model": "/models/toy",
    "store": "http://localhost:6333",
    "device": "cpu",
    "share": 0.5,
    "max_memory": "3GB",
    "license": "commercial",
    "read": "full",
}


@pytest.mark.parametrize("command", [serve, worker, mcp])
def test_every_shared_flag_of_a_command_is_passed_on(command: Any) -> None:
    shared = [value for name, value in vars(options).items() if name not in OWN]
    taken = {name for name, found in inspect.signature(command).parameters.items() if found.annotation in shared}
    assert "data_dir" in taken
    assert taken <= set(FLAGS)


def test_a_child_has_the_settings_of_its_parent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMNISEARCH_MODEL", "overridden")
    monkeypatch.setenv("OMNISEARCH_BATCH_SIZE", "7")
    parent = load_settings(data_dir=Path("data"), **GIVEN)
    assert set(GIVEN) | {"data_dir"} == set(FLAGS)
    monkeypatch.setattr(inherited.os, "environ", dict(child_environment(parent)))
    child = load_settings()
    assert child == parent.model_copy(update={"data_dir": tmp_path / "data"})


def test_a_flag_that_was_not_given_is_left_to_the_child() -> None:
    assert "OMNISEARCH_STORE" not in child_environment(load_settings())
