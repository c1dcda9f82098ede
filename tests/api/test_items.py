"""Items, their files and their previews: by id alone, and never as something a browser runs."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from omnisearch.config import Settings
from omnisearch.paths import show_path
from omnisearch.stores.base import Payload
from tests.api.conftest import HOSTILE_NAME, ScriptedEngine, ToyRenderer, picture


def test_an_item_tells_of_its_segments(client: TestClient, payloads: tuple[Payload, ...]) -> None:
    assert client.get("/v1/items/au-0123456789").json() == {
        "id": "au-0123456789",
        "path": payloads[1].path,
        "modality": "audio",
        "mime": "audio/wav",
        "duration": 12.0,
        "size": 0,
        "mtime": 0.0,
        "tags": [],
        "meta": {},
        "notes": [],
        "segments": [
            {"index": 0, "start": 0.0, "end": 2.0, "unit": "seconds", "snippet": ""},
            {"index": 1, "start": 10.0, "end": 12.0, "unit": "seconds", "snippet": ""},
        ],
    }


def test_content_is_the_file_and_can_be_had_in_parts(client: TestClient) -> None:
    whole = client.get("/v1/items/im-0123456789/content")
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, picture(), "image/png")
    part = client.get("/v1/items/im-0123456789/content", headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")


@pytest.mark.parametrize(
    ("asked", "status", "code"), [("bytes=999999-", 416, "range_not_satisfiable"), ("lines=1", 400, "bad_request")]
)
def test_a_part_that_is_none_is_refused(client: TestClient, asked: str, status: int, code: str) -> None:
    answer = client.get("/v1/items/im-0123456789/content", headers={"range": asked})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["status"], answer.json()["code"]) == (status, code)
    assert answer.headers.get("content-range") == (f"bytes */{len(picture())}" if status == 416 else None)


def test_a_name_that_is_no_utf8_is_served(client: TestClient, engine: ScriptedEngine) -> None:
    path = Path(engine.payloads[0].path)
    odd = path.rename(path.with_name("caf\udce9.png"))
    engine.payloads = [replace(engine.payloads[0], path=show_path(str(odd)))]
    answer = client.get("/v1/items/im-0123456789/content")
    assert (answer.status_code, answer.content) == (200, picture())
    assert "caf%25E9.png" in answer.headers["content-disposition"]
    assert client.get("/v1/items/im-0123456789/preview").status_code == 200


@pytest.mark.parametrize(
    ("item", "kind"),
    [
        ("im", "inline"),
        ("au", "inline"),
        ("vi", "inline"),
        ("tx", "inline"),
        ("ht", "attachment"),
        ("3d", "attachment"),
    ],
)
def test_only_safe_media_are_shown_inside_the_browser(client: TestClient, item: str, kind: str) -> None:
    headers = client.get(f"/v1/items/{item}-0123456789/content").headers
    assert headers["content-disposition"].partition(";")[0] == kind
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]


@pytest.mark.parametrize("mime", ["image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "application/pdf"])
def test_what_a_browser_could_run_is_a_download(client: TestClient, engine: ScriptedEngine, mime: str) -> None:
    engine.payloads = [replace(engine.payloads[0], mime=mime)]
    headers = client.get("/v1/items/im-0123456789/content").headers
    assert headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("mime", ["", "image/png\r\nx-evil: 1", "a b/c", "png"])
def test_a_type_that_is_none_becomes_bytes(client: TestClient, engine: ScriptedEngine, mime: str) -> None:
    engine.payloads = [replace(engine.payloads[0], mime=mime)]
    headers = client.get("/v1/items/im-0123456789/content").headers
    assert headers["content-type"] == "application/octet-stream"
    assert "x-evil" not in headers


def test_a_hostile_name_stays_a_name(client: TestClient) -> None:
    answer = client.get("/v1/items/ht-0123456789/content")
    assert "<" not in answer.headers["content-disposition"]
    assert HOSTILE_NAME in client.get("/v1/items/ht-0123456789").json()["path"]


@pytest.mark.parametrize("end", ["", "/content", "/preview"])
@pytest.mark.parametrize(
    "item",
    [
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "a%00b",
        "%ed%a0%80",
        "a" * 129,
        "..",
        "a.b",
        "nothing-here",
        "%2Fetc%2Fpasswd",
    ],
)
def test_an_id_is_no_path(client: TestClient, item: str, end: str) -> None:
    answer = client.get(f"/v1/items/{item}{end}")
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"
    assert "root:" not in answer.text
    assert "input" not in answer.text.replace("Input should", "")


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize(
    "become", [lambda path: None, _link, os.mkfifo, Path.mkdir], ids=["gone", "link", "fifo", "folder"]
)
@pytest.mark.parametrize("end", ["content", "preview"])
def test_a_file_that_is_none_any_more_is_not_found(
    client: TestClient, payloads: tuple[Payload, ...], become: object, end: str
) -> None:
    path = Path(payloads[0].path)
    path.unlink()
    become(path)  # type: ignore[operator]
    answer = client.get(f"/v1/items/im-0123456789/{end}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert str(path.parent) not in answer.text


def test_a_preview_is_made_once(client: TestClient, renderer: ToyRenderer, settings: Settings) -> None:
    first = client.get("/v1/items/im-0123456789/preview")
    assert (first.status_code, first.headers["content-type"]) == (200, "image/webp")
    assert "immutable" in first.headers["cache-control"]
    assert client.get("/v1/items/im-0123456789/preview").content == first.content
    assert len(renderer.asked) == 1
    assert [file.name for file in (settings.data_dir / "previews").iterdir()] == ["im-0123456789.webp"]
    again = client.get("/v1/items/im-0123456789/preview", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_text_has_no_preview(client: TestClient) -> None:
    assert client.get("/v1/items/tx-0123456789/preview").json()["code"] == "not_found"


def test_status_tells_what_is_served(client: TestClient) -> None:
    status = client.get("/v1/status").json()
    assert status["segments"] == {"text": 2, "image": 1, "audio": 2, "video": 1, "point_cloud": 1}
    assert (status["model"], status["dim"]) == ("toy", 8)
