"""The page: plain files that ask nobody but this server and never turn a string into markup."""

import re
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from omnisearch.api.headers import CONTENT_SECURITY_POLICY
from omnisearch.api.routes.page import page_folder

FILES = sorted(page_folder().iterdir())
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


def test_the_page_is_served_with_all_its_files(client: TestClient) -> None:
    assert {"index.html", "page.js", "style.css"} <= {file.name for file in FILES}
    assert client.get("/").content == (page_folder() / "index.html").read_bytes()
    for file in FILES:
        answer = client.get(f"/{file.name}")
        assert answer.content == file.read_bytes()
        assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert client.get(f"/{file.name}", headers={"if-none-match": answer.headers["etag"]}).status_code == 304


def test_scripts_come_as_scripts(client: TestClient) -> None:
    assert client.get("/page.js").headers["content-type"].startswith("text/javascript")
    assert client.get("/").headers["content-type"].startswith("text/html")


def test_the_policy_names_no_other_origin_and_nothing_inline() -> None:
    sources = {word for part in CONTENT_SECURITY_POLICY.split("; ") for word in part.split()[1:]}
    assert sources <= {"'none'", "'self'", "blob:", "data:"}
    directives = {part.split()[0] for part in CONTENT_SECURITY_POLICY.split("; ")}
    assert {"default-src", "script-src", "connect-src", "base-uri", "form-action", "frame-ancestors"} <= directives
    assert "data:" not in re.search("script-src[^;]*", CONTENT_SECURITY_POLICY)[0]  # type: ignore[index]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_file_names_another_origin(file: object) -> None:
    text = file.read_text().replace(SVG_NAMESPACE, "")  # type: ignore[attr-defined]
    assert not re.search(r"(?:https?:|wss?:|[\"'(=]\s*)//\w", text)
    if file.suffix == ".css":  # type: ignore[attr-defined]
        assert "@import" not in text  # in the comments of a script it names types


@pytest.mark.parametrize("file", [f for f in FILES if f.suffix == ".js"], ids=lambda file: file.name)
def test_no_script_makes_markup_or_code_of_strings(file: object) -> None:
    text = file.read_text()  # type: ignore[attr-defined]
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|srcdoc|javascript:"
    )
    assert not re.search(forbidden, text)


@pytest.mark.parametrize("file", [f for f in FILES if f.suffix == ".js"], ids=lambda file: file.name)
def test_every_script_has_its_types_checked(file: object) -> None:
    text = file.read_text()  # type: ignore[attr-defined]
    assert text.startswith("// @ts-check\n")
    assert not re.search(r"@ts-(ignore|nocheck|expect-error)", text)


def test_every_import_is_a_file_of_the_page_and_all_are_imported() -> None:
    scripts = {file.name: file.read_text() for file in FILES if file.suffix == ".js"}
    # A comment imports types, which are not served.
    imports = {name: set(re.findall(r'^import .* from "\./([^"]+)"', text, re.M)) for name, text in scripts.items()}
    assert {"page.js"}.union(*imports.values()) == set(scripts)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [value for name in ("src", "href") if (value := given.get(name))]
        self.ids += [value for value in [given.get("id")] if value]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


def test_the_html_is_what_the_policy_allows_and_the_script_finds() -> None:
    page = _Page()
    page.feed((page_folder() / "index.html").read_text())
    assert not page.inline
    assert len(page.ids) == len(set(page.ids))
    local = {link for link in page.links if link != "./" and not link.startswith("#")}
    assert local <= {file.name for file in FILES}
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    scripts = "".join(file.read_text() for file in FILES if file.suffix == ".js")
    found = re.findall(r'\bfind\("([\w-]+)", HTML\w*Element\)', scripts)
    assert len(found) == scripts.count("find(") - scripts.count("function find(") - scripts.count(".find(")
    assert set(found) <= set(page.ids)
