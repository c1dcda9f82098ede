"""The folders of the user are those of platformdirs."""

import sys
from pathlib import Path

import platformdirs
import pytest

from omnisearch.user_folders import user_folder

KINDS = ("data", "cache", "config")


@pytest.mark.parametrize("given", [None, "", " ", "relative", "/given", "/given/", "~/given"])
def test_the_folders_on_linux_follow_the_variables_of_xdg(
    given: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for kind in KINDS:
        name = f"XDG_{kind.upper()}_HOME"
        monkeypatch.delenv(name, raising=False) if given is None else monkeypatch.setenv(name, given)
        assert user_folder(kind) == getattr(platformdirs, f"user_{kind}_path")("omnisearch")  # type: ignore[arg-type]


def test_other_systems_are_asked_of_platformdirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: f"/library/{name}")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert user_folder("data") == Path("/library/omnisearch")
