"""The search page: built files that ask nobody but this server."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from omnisearch.api.headers import CONTENT_SECURITY_POLICY
from omnisearch.api.routes import page
from omnisearch.api.routes.page import page_folder, page_routes


def _paths() -> set[str]:
    return {route.path for route in page_routes()}


def _client(folder: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(page, "page_folder", lambda: folder)
    app = FastAPI()
    app.router.routes.extend(page_routes())
    return TestClient(app)


def test_hashed_files_are_kept_and_others_are_asked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("the page")
    (tmp_path / "assets" / "index-1a.js").write_text("the script")
    client = _client(tmp_path, monkeypatch)
    first, script = client.get("/"), client.get("/assets/index-1a.js")
    assert (first.text, script.text) == ("the page", "the script")
    assert "immutable" in script.headers["cache-control"]
    assert "immutable" not in first.headers.get("cache-control", "")
    assert script.headers["content-type"].startswith("text/javascript")
    assert client.get("/", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    assert client.get("/assets/other.js").status_code == client.get("/assets/").status_code == 404
    assert _paths() == {"/", "/index.html", "/assets/index-1a.js"}


def test_without_a_built_page_the_server_says_how_to_build_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _client(tmp_path / "absent", monkeypatch).get("/")
    assert answer.status_code == 503
    assert "make page" in answer.text


def test_the_policy_names_no_other_origin_and_nothing_inline() -> None:
    sources = {word for part in CONTENT_SECURITY_POLICY.split("; ") for word in part.split()[1:]}
    assert sources <= {"'none'", "'self'", "blob:", "data:"}
    directives = {part.split()[0] for part in CONTENT_SECURITY_POLICY.split("; ")}
    assert {"default-src", "script-src", "connect-src", "base-uri", "form-action", "frame-ancestors"} <= directives
    assert "data:" not in re.search("script-src[^;]*", CONTENT_SECURITY_POLICY)[0]  # type: ignore[index]


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [value for name in ("src", "href") if (value := given.get(name))]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


def test_the_built_html_is_what_the_policy_allows() -> None:
    html = _Html()
    html.feed((page_folder() / "index.html").read_text())
    assert not html.inline
    assert {link.removeprefix(".") for link in html.links} <= _paths()
