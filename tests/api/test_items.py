"""Items, their files and their previews: by id alone, and never as something a browser runs."""

import io
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from time import sleep
from typing import BinaryIO

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pydantic import ByteSize

from omnisearch.api import item_files
from omnisearch.api.item_files import ItemFiles
from omnisearch.api.request_guard import MAX_BODY_BYTES
from omnisearch.config import Settings, load_settings
from omnisearch.media import rendition
from omnisearch.media.file import content_hash
from omnisearch.paths import show_path
from omnisearch.query.expressions import ItemRef
from omnisearch.stores.base import Payload
from omnisearch.types import Modality, Reading, Region
from tests.api.conftest import (
    HOSTILE_NAME,
    IDS,
    METADATA,
    ScriptedEngine,
    ToyRenderer,
    open_client,
    picture,
    wait_until_ready,
)


def test_an_item_tells_of_its_segments(client: TestClient, payloads: tuple[Payload, ...]) -> None:
    assert client.get(f"/v1/items/{IDS['au']}").json() == {
        "id": IDS["au"],
        "path": payloads[1].path,
        "modality": "audio",
        "mime": "audio/wav",
        "duration": 12.0,
        "size": 0,
        "mtime": 0.0,
        "added": 0.0,
        "tags": [],
        "meta": {},
        "metadata": {**asdict(METADATA), "keywords": ["sea", "dog"], "taken": None},
        "notes": [],
        "placeholder": None,
        "aspect": None,
        "segments": [
            {"index": 0, "start": 0.0, "end": 2.0, "unit": "seconds", "part": "", "snippet": ""},
            {"index": 1, "start": 10.0, "end": 12.0, "unit": "seconds", "part": "", "snippet": ""},
        ],
        "readings": [],
    }


def test_an_item_tells_what_was_read_in_it_once_and_in_order(client: TestClient, engine: ScriptedEngine) -> None:
    said = [Reading("speech", text, start, start + 2, language="en") for text, start in (("one", 0.5), ("two", 1.5))]
    seen = Reading("ocr", "EXIT", 0.0, 4.0, Region(0.25, 0.5, 0.125, 0.25, relative=True), 0.75, "en")
    for at, readings in ((1, (said[0], said[1])), (2, (said[1], seen))):  # both segments of the sound have the second
        engine.payloads = (
            *engine.payloads[:at],
            replace(engine.payloads[at], readings=readings),
            *engine.payloads[at + 1 :],
        )
    found = client.get(f"/v1/items/{IDS['au']}").json()["readings"]
    assert [reading["text"] for reading in found] == ["EXIT", "one", "two"]
    box, language = [0.25, 0.5, 0.125, 0.25], "en"
    assert found[0] == {"field": "ocr", "text": "EXIT", "start": 0, "end": 4, "box": box, "language": language}
    assert found[1]["box"] is None


def test_content_is_the_file_and_can_be_had_in_parts(client: TestClient) -> None:
    whole = client.get(f"/v1/items/{IDS['im']}/content")
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (200, picture(), "image/png")
    part = client.get(f"/v1/items/{IDS['im']}/content", headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")


@pytest.mark.parametrize(
    ("asked", "status", "code"), [("bytes=999999-", 416, "range_not_satisfiable"), ("lines=1", 400, "bad_request")]
)
def test_a_part_that_is_none_is_refused(client: TestClient, asked: str, status: int, code: str) -> None:
    answer = client.get(f"/v1/items/{IDS['im']}/content", headers={"range": asked})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["status"], answer.json()["code"]) == (status, code)
    assert answer.headers.get("content-range") == (f"bytes */{len(picture())}" if status == 416 else None)


def test_a_name_that_is_no_utf8_is_served(client: TestClient, engine: ScriptedEngine) -> None:
    path = Path(engine.payloads[0].path)
    odd = path.rename(path.with_name("caf\udce9.png"))
    engine.payloads = [replace(engine.payloads[0], path=show_path(str(odd)))]
    answer = client.get(f"/v1/items/{IDS['im']}/content")
    assert (answer.status_code, answer.content) == (200, picture())
    assert "caf%25E9.png" in answer.headers["content-disposition"]
    assert client.get(f"/v1/items/{IDS['im']}/preview").status_code == 200


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
    headers = client.get(f"/v1/items/{IDS[item]}/content").headers
    assert headers["content-disposition"].partition(";")[0] == kind
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]


@pytest.mark.parametrize("mime", ["image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "application/pdf"])
def test_what_a_browser_could_run_is_a_download(client: TestClient, engine: ScriptedEngine, mime: str) -> None:
    engine.payloads = [replace(engine.payloads[0], mime=mime)]
    headers = client.get(f"/v1/items/{IDS['im']}/content").headers
    assert headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("mime", ["", "image/png\r\nx-evil: 1", "a b/c", "png"])
def test_a_type_that_is_none_becomes_bytes(client: TestClient, engine: ScriptedEngine, mime: str) -> None:
    engine.payloads = [replace(engine.payloads[0], mime=mime)]
    headers = client.get(f"/v1/items/{IDS['im']}/content").headers
    assert headers["content-type"] == "application/octet-stream"
    assert "x-evil" not in headers


def test_a_hostile_name_stays_a_name(client: TestClient) -> None:
    answer = client.get(f"/v1/items/{IDS['ht']}/content")
    assert "<" not in answer.headers["content-disposition"]
    assert HOSTILE_NAME in client.get(f"/v1/items/{IDS['ht']}").json()["path"]


@pytest.mark.parametrize("end", ["", "/content", "/preview", "/frame?at=0", "/model.glb", "/peaks"])
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
    answer = client.get(f"/v1/items/{IDS['im']}/{end}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert str(path.parent) not in answer.text


def test_a_preview_is_made_once(client: TestClient, renderer: ToyRenderer, settings: Settings) -> None:
    first = client.get(f"/v1/items/{IDS['im']}/preview")
    assert (first.status_code, first.headers["content-type"]) == (200, "image/webp")
    assert "private" in first.headers["cache-control"]
    assert client.get(f"/v1/items/{IDS['im']}/preview").content == first.content
    assert len(renderer.asked) == 1
    assert [file.name for file in (settings.data_dir / "previews").iterdir()] == [f"{IDS['im']}.1.webp"]
    again = client.get(f"/v1/items/{IDS['im']}/preview", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_preview_of_another_look_is_made_and_sent_again(
    client: TestClient, renderer: ToyRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/v1/items/{IDS['im']}/preview"
    before = client.get(url).headers["etag"]
    monkeypatch.setattr(rendition, "DRAWING", rendition.DRAWING + 1)
    assert client.get(url, headers={"if-none-match": before}).status_code == 200
    assert len(renderer.asked) == 2


def test_a_pdf_has_pages(client: TestClient, engine: ScriptedEngine) -> None:
    url = f"/v1/items/{IDS['tx']}/page"
    assert client.get(url).json()["code"] == "not_found"
    engine.payloads = [replace(payload, mime="application/pdf") for payload in engine.payloads]
    first, other = (client.get(url, params={"number": number}) for number in (1, 2))
    assert (first.status_code, other.status_code, first.headers["content-type"]) == (200, 200, "image/webp")
    assert first.headers["etag"] != other.headers["etag"]
    for number in (0, -1, "x", 10**9):
        assert client.get(url, params={"number": number}).status_code == 422


def test_a_page_after_the_last_one_is_named(
    client: TestClient, engine: ScriptedEngine, renderer: ToyRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.payloads = [replace(payload, mime="application/pdf") for payload in engine.payloads]
    monkeypatch.setattr(renderer, "render", lambda *_: None)
    answer = client.get(f"/v1/items/{IDS['tx']}/page", params={"number": 999})
    assert answer.status_code == 404
    assert answer.json()["detail"] == f"item {IDS['tx']} has no page 999: its file holds none"


def _replaced_by_link(folder: Path) -> None:
    """Move a folder away and put a link to it in its place."""
    folder.rename(folder.with_name("moved"))
    folder.symlink_to("moved")


def _other_content(path: Path) -> None:
    """Write other bytes of the same length, and set the time back."""
    before = path.stat()
    path.write_bytes(picture()[::-1])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("end", ["content", "preview"])
@pytest.mark.parametrize("levels", [1, 2])
def test_no_folder_of_the_path_may_have_become_a_link(
    client: TestClient, engine: ScriptedEngine, tmp_path: Path, end: str, levels: int
) -> None:
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    path = Path(engine.payloads[0].path).rename(folder / "dog.png")
    engine.payloads = [replace(engine.payloads[0], path=str(path))]
    assert client.get(f"/v1/items/{IDS['im']}/content").status_code == 200
    _replaced_by_link(path.parents[levels - 1])
    assert path.read_bytes() == picture()
    answer = client.get(f"/v1/items/{IDS['im']}/{end}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert str(tmp_path) not in answer.text


@pytest.mark.parametrize("path", ["dog.png", "{folder}/../collection/dog.png", "/", ""])
def test_an_odd_path_leads_nowhere(
    client: TestClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    folder = Path(engine.payloads[0].path).parent
    monkeypatch.chdir(folder)
    engine.payloads = [replace(engine.payloads[0], path=path.format(folder=folder))]
    assert client.get(f"/v1/items/{IDS['im']}/content").status_code == 404


@pytest.mark.parametrize("end", ["content", "preview"])
@pytest.mark.parametrize("asked_before", [False, True])
def test_other_content_is_not_served_under_an_old_id(
    client: TestClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch, end: str, asked_before: bool
) -> None:
    monkeypatch.setattr(item_files, "SETTLED_SECONDS", 0.0)
    if asked_before:
        assert client.get(f"/v1/items/{IDS['im']}/content").status_code == 200
        sleep(0.05)  # longer than the clock of the file system stands still
    _other_content(Path(engine.payloads[0].path))
    answer = client.get(f"/v1/items/{IDS['im']}/{end}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "omnisearch index" in answer.json()["detail"]


def _count_hashes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The descriptors that were hashed, a list that grows."""
    hashed: list[int] = []

    def counted(fd: int) -> str:
        hashed.append(fd)
        return content_hash(fd)

    monkeypatch.setattr(item_files, "content_hash", counted)
    return hashed


def test_a_file_is_hashed_once_while_it_stays_the_same(
    client: TestClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = _count_hashes(monkeypatch)
    monkeypatch.setattr(item_files, "SETTLED_SECONDS", 0.0)
    for first in range(5):
        answer = client.get(f"/v1/items/{IDS['im']}/content", headers={"range": f"bytes={first}-"})
        assert answer.content == picture()[first:]
    assert len(hashed) == 1
    Path(engine.payloads[0].path).touch()
    assert client.get(f"/v1/items/{IDS['im']}/content").content == picture()
    assert len(hashed) == 2


def test_a_file_that_has_just_changed_is_hashed_every_time(
    client: TestClient, engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = _count_hashes(monkeypatch)
    monkeypatch.setattr(item_files, "SETTLED_SECONDS", 3600.0)
    for _ in range(2):
        assert client.get(f"/v1/items/{IDS['im']}/content").status_code == 200
    assert len(hashed) == 2


def test_a_preview_shows_the_checked_file_also_when_its_path_leads_elsewhere_by_then(
    client: TestClient, engine: ScriptedEngine, renderer: ToyRenderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(engine.payloads[0].path)
    opened = ItemFiles.open

    def swap(files: ItemFiles, item: Payload) -> BinaryIO:
        file = opened(files, item)
        path.unlink()
        path.write_bytes(b"other")
        return file

    monkeypatch.setattr(ItemFiles, "open", swap)
    assert client.get(f"/v1/items/{IDS['im']}/preview").status_code == 200
    assert renderer.asked == [picture()]


def test_content_leaves_no_file_open(client: TestClient) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for method, headers in (("GET", {}), ("HEAD", {}), ("GET", {"range": "bytes=9-1"}), ("GET", {"range": "bytes=1-"})):
        client.request(method, f"/v1/items/{IDS['im']}/content", headers=headers)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("end", ["", "/content", "/preview", "/model.glb"])
@pytest.mark.parametrize("header", ["if-none-match", "range"])
def test_an_unknown_item_is_not_found_whatever_else_is_asked(client: TestClient, end: str, header: str) -> None:
    value = {"if-none-match": '"unknown"', "range": "bytes=0-"}[header]
    answer = client.get(f"/v1/items/unknown{end}", headers={header: value})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_text_has_no_preview(client: TestClient) -> None:
    assert client.get(f"/v1/items/{IDS['tx']}/preview").json()["code"] == "not_found"


def test_a_film_has_frames_that_are_kept_by_the_second(
    client: TestClient, renderer: ToyRenderer, settings: Settings
) -> None:
    url = f"/v1/items/{IDS['vi']}/frame"
    etags = [client.get(url, params={"at": at}).headers["etag"] for at in (3, 3.9, 4.1)]
    assert etags[0] == etags[1] != etags[2]
    names = {file.name for file in (settings.data_dir / "previews").iterdir()}
    assert names == {f"{IDS['vi']}.1.frame.{second}.webp" for second in (3, 4)}
    assert len(renderer.asked) == 2
    for at in (-1, "nan", "x"):
        assert client.get(url, params={"at": at}).status_code == 422
    assert client.get(f"/v1/items/{IDS['im']}/frame?at=0").json()["code"] == "not_found"


def test_status_tells_what_is_served(client: TestClient) -> None:
    status = client.get("/v1/status").json()
    assert status["segments"] == {"text": 2, "image": 1, "audio": 2, "video": 1, "point_cloud": 1}
    assert (status["model"], status["dim"]) == ("toy", 8)


def test_the_limits_in_the_status_are_those_of_a_query(client: TestClient) -> None:
    stated = client.get("/v1/status").json()["limits"]
    limits = {name: stated[name] for name in ("terms", "text", "hits")}
    assert stated["body"] == MAX_BODY_BYTES

    def answer(terms: int = 1, text: int = 1, hits: int = 1) -> int:
        query = [{"text": "a" * text}] * terms
        return client.post("/v1/search", json={"query": query, "limit": hits}).status_code

    assert answer(**limits) == 200
    assert [answer(**{**limits, name: limits[name] + 1}) for name in limits] == [422, 422, 422]


FILES = [
    ("im", "content"),
    ("im", "preview"),
    ("im", "preview?size=large"),
    ("3d", "model.glb"),
    ("au", "peaks"),
    ("vi", "frame?at=2"),
]


@pytest.mark.parametrize(("item", "end"), FILES)
def test_a_client_that_holds_a_file_is_told_so(client: TestClient, item: str, end: str) -> None:
    url = f"/v1/items/{IDS[item]}/{end}"
    etag = client.get(url).headers["etag"]
    for given in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = client.get(url, headers={"if-none-match": given})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert client.get(url, headers={"if-none-match": '"other"'}).status_code == 200


@pytest.mark.parametrize(("item", "end"), FILES)
def test_head_and_range_of_a_file(client: TestClient, item: str, end: str) -> None:
    url = f"/v1/items/{IDS[item]}/{end}"
    whole = client.get(url)
    head = client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "x-request-id": ""} == {**whole.headers, "x-request-id": ""}
    part = client.get(url, headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, whole.content[1:4])
    assert client.get(url, headers={"range": "bytes=1-3", "if-range": '"other"'}).content == whole.content
    beyond = client.get(url, headers={"range": "bytes=999999-"})
    assert (beyond.status_code, beyond.headers["content-type"]) == (416, "application/problem+json")


def test_a_preview_has_two_sizes(client: TestClient) -> None:
    sides = {}
    for size in ("", "?size=small", "?size=large"):
        answer = client.get(f"/v1/items/{IDS['im']}/preview{size}")
        sides[size] = Image.open(io.BytesIO(answer.content)).width
    assert sides == {"": 32, "?size=small": 32, "?size=large": 128}
    assert client.get(f"/v1/items/{IDS['im']}/preview?size=huge").status_code == 422
    assert client.get(f"/v1/items/{IDS['im']}/preview?sise=large").status_code == 422


@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[:-1], lambda data: b"x" * len(data)])
def test_a_damaged_preview_is_made_again(
    client: TestClient, renderer: ToyRenderer, settings: Settings, damage: Callable[[bytes], bytes]
) -> None:
    url = f"/v1/items/{IDS['im']}/preview"
    whole = client.get(url).content
    kept = settings.data_dir / "previews" / f"{IDS['im']}.1.webp"
    kept.write_bytes(damage(whole))
    assert client.get(url).content == whole
    assert (len(renderer.asked), kept.read_bytes()) == (2, whole)


def test_a_preview_that_cannot_be_kept_is_sent_all_the_same(
    client: TestClient, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    path = f"/v1/items/{IDS['im']}/preview"
    kept = client.get(path).content
    shutil.rmtree(settings.data_dir / "previews")
    (settings.data_dir / "previews").write_text("no folder")
    for _ in range(2):
        assert client.get(path).content == kept
    assert client.get(path, headers={"Range": "bytes=2-5"}).content == kept[2:6]
    assert "a preview cannot be kept" in caplog.text


def test_previews_take_up_no_more_than_the_setting_says(
    engine: ScriptedEngine, renderer: ToyRenderer, tmp_path: Path
) -> None:
    settings = load_settings(data_dir=tmp_path / "data", preview_bytes=ByteSize(1 << 20))
    kept = settings.data_dir / "previews"
    kept.mkdir(parents=True)
    for n in range(3):
        (kept / f"{n:032x}.webp").write_bytes(bytes(500_000))
    parts = {"engine_factory": lambda _: engine, "renderer_factory": lambda _: renderer}
    with open_client(settings, **parts) as client:
        wait_until_ready(client)
        assert client.get(f"/v1/items/{IDS['im']}/preview").status_code == 200
    assert 0 < sum(file.stat().st_size for file in kept.iterdir()) <= 1 << 20
    assert (kept / f"{IDS['im']}.1.webp").exists()


@pytest.mark.parametrize("item", ["im", "au", "tx", "ht", "vi"])
def test_only_a_3d_model_has_a_glb(client: TestClient, renderer: ToyRenderer, item: str) -> None:
    answer = client.get(f"/v1/items/{IDS[item]}/model.glb")
    assert (answer.status_code, answer.json()["code"], renderer.asked) == (404, "not_found", [])


def test_a_glb_is_a_file_of_its_type(client: TestClient) -> None:
    answer = client.get(f"/v1/items/{IDS['3d']}/model.glb")
    assert (answer.status_code, answer.headers["content-type"], answer.content[:4]) == (
        200,
        "model/gltf-binary",
        b"glTF",
    )


@pytest.mark.parametrize("item", ["im", "tx", "3d"])
def test_only_sounds_and_films_have_peaks(client: TestClient, item: str) -> None:
    assert client.get(f"/v1/items/{IDS[item]}/peaks").json()["code"] == "not_found"
    assert client.get(f"/v1/items/{IDS['vi']}/peaks").json() == {"duration": 1.5, "min": [-3, 0], "max": [0, 127]}


def test_neighbours_are_a_search_by_the_item(client: TestClient, engine: ScriptedEngine) -> None:
    url = f"/v1/items/{IDS['au']}/neighbours"
    answer = client.get(url, params={"modalities": "image,text", "limit": 2, "segment": 1, "where": "mime=image/png"})
    assert answer.status_code == 200, answer.text
    (query,) = engine.queries
    assert [term.source for term in query.terms] == [ItemRef(IDS["au"], 1)]
    assert (query.modalities, query.limit, query.group) == ((Modality.IMAGE, Modality.TEXT), 2, "modality")
    assert len(query.where) == 1
    assert [hit["id"] for hit in answer.json()["hits"]]
    assert client.get(url, params={"limit": 0}).status_code == 422
    assert client.get(url, params={"cursor": "x"}).status_code == 422
    assert client.get("/v1/items/a.b/neighbours").status_code == 422
