"""The frame of the page: the bar, the way in with a key, and what is above and below every view."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from omnisearch.api.app import create_app
from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.config import load_settings
from tests.api.conftest import ScriptedEngine, ToyRenderer, serving, wait_until_ready
from tests.page.conftest import BROWSER, PATIENCE_SECONDS, answered, search, wait_for

pytestmark = BROWSER


def test_words_are_searched_and_remembered(page: Any, engine: ScriptedEngine) -> None:
    search(page, "a dog & more")
    assert [term.source for term in engine.queries[-1].terms] == ["a dog & more"]
    with answered(page):
        page.reload()
    assert [term.source for term in engine.queries[-1].terms] == ["a dog & more"]


def test_a_server_with_keys_is_used_with_one(
    tmp_path: Path, engine: ScriptedEngine, browser: Any, built_page: None
) -> None:
    secret = KeyFile(tmp_path).add("page", [Scope.SEARCH])
    app = create_app(load_settings(data_dir=tmp_path), lambda _: engine, lambda _: ToyRenderer())
    with serving(app) as port:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}/", timeout=PATIENCE_SECONDS) as client:
            wait_until_ready(client)
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{port}/?text=1:dog")
            field = page.get_by_label("Key", exact=True)
            field.fill("wrong; Path=/x")
            with page.expect_response("**/v1/status") as refused:
                field.press("Enter")
            assert refused.value.status == 401
            field.fill(secret)
            with page.expect_response("**/v1/status") as accepted:
                field.press("Enter")
            assert accepted.value.status == 200
            field.wait_for(state="detached")


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
@pytest.mark.parametrize("locale", ["en-GB", "de-DE", "fr-FR"])
def test_nothing_is_wider_than_the_window(url: str, browser: Any, width: int, locale: str) -> None:
    with browser.new_context(base_url=url, locale=locale, viewport={"width": width, "height": 740}) as context:
        page = context.new_page()
        page.goto("./?text=1:a rather long description of a dog that barks at the sea")
        wait_for(page, "main li", 6)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        bar = page.get_by_role("search").bounding_box()
        nav = page.get_by_role("navigation").bounding_box()
        beside, above = nav["x"] >= bar["x"] + bar["width"], nav["y"] + nav["height"] <= bar["y"]
        assert beside or above


def test_a_part_of_the_page_that_is_gone_asks_for_a_reload(page: Any) -> None:
    page.watch.expect("ERR_FAILED|dynamically imported|preload")
    page.route("**/assets/Library*", lambda route: route.abort())
    page.get_by_role("link", name="Library").click()
    alert = page.get_by_role("alert").filter(has_text="A part of the page")
    alert.wait_for()
    page.unroute("**/assets/Library*")
    alert.get_by_role("button", name="Load the page again").click()
    page.get_by_role("heading", name="Library").wait_for()
    assert alert.count() == 0


def test_a_server_that_is_not_ready_is_asked_again(page: Any) -> None:
    asked = []

    def not_ready(route: Any) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.fulfill(status=503, json={"status": 503, "code": "not_ready", "detail": "the index is being opened"})
        else:
            route.continue_()

    page.watch.expect("status of 503")
    page.route("**/v1/search", not_ready)
    page.goto("./?text=1:dog")
    wait_for(page, "main article", 6)
    assert len(asked) == 2


def test_a_search_that_is_refused_tells_no_count(page: Any) -> None:
    page.watch.expect("status of 422")
    page.goto("./?text=1:dog&where=%28%28%28")
    page.locator("main").get_by_role("alert").wait_for()
    assert page.locator("main p[role=status]").inner_text() == ""


def test_the_page_speaks_the_language_of_its_visitor_or_the_chosen_one(url: str, browser: Any) -> None:
    with browser.new_context(base_url=url, locale="de-DE") as context:
        page = context.new_page()
        page.goto("./")
        page.get_by_role("link", name="Bibliothek").wait_for()
        page.get_by_role("combobox", name="Sprache").select_option("日本語")
        page.get_by_role("link", name="ライブラリ").wait_for()
        page.reload()
        page.get_by_role("link", name="ライブラリ").wait_for()
        assert page.locator("html").get_attribute("lang") == "ja"
