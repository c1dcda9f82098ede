"""GET /v1/roots, the folders below them, and GET /v1/failures."""

import os
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from omnisearch.api.routes import items
from omnisearch.config import Settings, load_settings
from omnisearch.jobs import folders
from omnisearch.paths import show_path
from omnisearch_indexer.session import index_files
from tests.api.conftest import IDS, picture


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with two folders, a hidden one, links and files, and a folder beside it."""
    made = tmp_path / "photos"
    for name in ("2024/summer", "2023", ".hidden", "100%25"):
        (made / name).mkdir(parents=True)
    (tmp_path / "photos-private" / "diary").mkdir(parents=True)
    (made / "link").symlink_to(tmp_path / "photos-private")
    (made / "2024" / "link").symlink_to("/etc")
    (made / "good.png").write_bytes(picture())
    (made / "2024" / "bad.png").write_bytes(picture()[:30])
    (made / "2024" / "empty.txt").write_bytes(b"")
    (made / "2024" / "strange.xyz").write_bytes(bytes(range(256)))
    return made


@pytest.fixture
def settings(root: Path, hashed_model: Path) -> Settings:
    return load_settings(index_roots=(root, root.parent / "gone"), model=str(hashed_model))


def test_roots_say_what_was_indexed_and_what_may_be(client: TestClient, root: Path, settings: Settings) -> None:
    never = {"items": 0, "indexed": None, "failures": {}, "unsupported": 0, "allowed": True}
    first, second = client.get("/v1/roots").json()["roots"]
    assert first == {"number": 0, "path": str(root), "reachable": True, **never}
    assert second == {"number": 1, "path": str(root.parent / "gone"), "reachable": False, **never}

    private = root.parent / "photos-private"
    (private / "a.png").write_bytes(picture((1, 2, 3)))
    (private / "copy.png").write_bytes(picture((1, 2, 3)))
    index_files([root, private], settings)
    first, second, third = client.get("/v1/roots").json()["roots"]
    assert (first["items"], first["failures"], first["unsupported"]) == (1, {"damaged": 1, "empty": 1}, 1)
    assert first["indexed"] > 1.7e9
    assert second == {"number": 1, "path": str(root.parent / "gone"), "reachable": False, **never}
    assert (third["number"], third["path"], third["allowed"], third["items"]) == (None, str(private), False, 1)


def test_copies_of_an_item_are_listed_in_order(
    client: TestClient, root: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/v1/items/{IDS['im']}/copies"
    assert client.get(url).json() == {"paths": [], "total": 0}  # nothing was indexed yet
    (root / "good.png").rename(root / "z.png")
    named = [root / "2023" / os.fsdecode(b"na\xefve.png"), root / "a copy.png", root / "z.png"]
    for path in named[:2]:
        path.write_bytes(picture())
    index_files([root], settings)
    paths = [show_path(str(path)) for path in named]
    assert client.get(url).json() == {"paths": paths, "total": 3}
    monkeypatch.setattr(items, "MAX_COPIES", 2)
    assert client.get(url).json() == {"paths": paths[:2], "total": 3}


def test_folders_are_listed_by_name(client: TestClient, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / os.fsdecode(b"na\xefve")).mkdir()
    top = client.get("/v1/roots/0/folders").json()
    assert top == {"path": str(root), "folders": ["100%25", "2023", "2024", "na%EFve"], "more": False}
    assert client.get("/v1/roots/0/folders?path=2024").json()["folders"] == ["summer"]
    assert client.get("/v1/roots/0/folders?path=/2024//summer/").json()["path"] == str(root / "2024" / "summer")
    for name in ("na%EFve", "100%25"):
        listed = client.get("/v1/roots/0/folders", params={"path": name}).json()
        assert listed == {"path": str(root / name), "folders": [], "more": False}
    monkeypatch.setattr(folders, "MOST_FOLDERS", 2)
    assert client.get("/v1/roots/0/folders").json() == {"path": str(root), "folders": ["100%25", "2023"], "more": True}


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "2024/../..",
        "../photos-private",
        "link",
        "link/diary",
        "2024/link",
        ".",
        "none",
        "good.png",
        "a\0b",
        "%2E%2E",
    ],
)
def test_no_folder_outside_of_a_root_is_listed(client: TestClient, path: str) -> None:
    answer = client.get("/v1/roots/0/folders", params={"path": path})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_root_that_is_missing_or_unknown_is_not_found(client: TestClient) -> None:
    for number in ("1", "2", "10000"):
        assert client.get(f"/v1/roots/{number}/folders").status_code == 404
    assert client.get("/v1/roots/-1/folders").status_code == 422


def test_failures_are_paged_and_chosen_by_reason(client: TestClient, root: Path, settings: Settings) -> None:
    assert client.get("/v1/failures").json() == {"failures": [], "reasons": {}, "next_cursor": None}
    index_files([root], settings)
    whole = client.get("/v1/failures").json()
    assert [Path(each["path"]).name for each in whole["failures"]] == ["bad.png", "empty.txt"]
    assert whole["reasons"] == {"damaged": 1, "empty": 1, "unsupported_format": 1}
    bad = whole["failures"][0]
    assert (bad["reason"], bad["attempts"]) == ("damaged", 1)
    assert bad["message"].endswith("copy it again from its source")

    first = client.get("/v1/failures?limit=1").json()
    rest = client.get("/v1/failures", params={"limit": 1, "cursor": first["next_cursor"]}).json()
    assert first["failures"] + rest["failures"] == whole["failures"]
    assert rest["next_cursor"] is None
    (strange,) = client.get("/v1/failures?reason=unsupported_format").json()["failures"]
    assert Path(strange["path"]).name == "strange.xyz"
    for wrong in (f"reason=empty&cursor={first['next_cursor']}", "reason=bad", "cursor=x", "limit=0"):
        assert client.get(f"/v1/failures?{wrong}").status_code == 422
