"""The page in a real browser: needs Debian's chromium and the Python package playwright."""

import gc
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import uvicorn

from omnisearch.api.app import create_app
from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.config import Settings, load_settings
from omnisearch.query.expressions import ItemRef
from omnisearch.types import Modality
from tests.api.conftest import (
    BOXES,
    HOSTILE_NAME,
    IDS,
    ScriptedEngine,
    ToyRenderer,
    picture,
    serving,
    tone,
    wait_until_ready,
)

PATIENCE_SECONDS = 120.0
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"),
    # Playwright's own event loop and pipes are not ours to close.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def url(settings: Settings, engine: ScriptedEngine) -> Iterator[str]:
    app = create_app(settings, lambda _: engine, lambda _: ToyRenderer())
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    with httpx2.Client(base_url=address, timeout=PATIENCE_SECONDS) as client:
        wait_until_ready(client)  # an answer of 503 would be a trouble on the page
    yield address
    server.should_exit = True
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()


class Watch:
    """What must not happen on the page."""

    def __init__(self, page: Any) -> None:
        self.hosts: set[str] = set()
        self.troubles: list[str] = []
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("dialog", lambda dialog: (self.troubles.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda line: self._heard(line))

    def _heard(self, line: Any) -> None:
        if line.type == "error" and "404" not in line.text:  # the hostile item has no preview, on purpose
            self.troubles.append(line.text)


@pytest.fixture
def page(url: str) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(1000 * PATIENCE_SECONDS)
        watch = Watch(page)
        page.goto(url)
        page.wait_for_selector("#kinds small:not(:empty)")
        yield page
        assert not watch.troubles
        assert watch.hosts <= {urlsplit(url).netloc, ""}
        browser.close()
    gc.collect()  # what Playwright left open is to be found here, not in the midst of another test


def test_a_server_with_keys_is_used_with_one(tmp_path: Path, engine: ScriptedEngine) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    secret = KeyFile(tmp_path).add("page", [Scope.SEARCH])
    app = create_app(load_settings(data_dir=tmp_path), lambda _: engine, lambda _: ToyRenderer())
    with serving(app) as port, playwright.sync_playwright() as driver:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}/", timeout=PATIENCE_SECONDS) as client:
            wait_until_ready(client)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(1000 * PATIENCE_SECONDS)
        page.goto(f"http://127.0.0.1:{port}/?text=1:dog")
        page.fill("#key", "wrong; Path=/x")
        with page.expect_response("**/v1/status") as refused:
            page.press("#key", "Enter")
        assert refused.value.status == 401
        page.wait_for_selector("#key")
        assert not page.locator(".card:not(.ghost)").count()
        page.fill("#key", secret)
        with page.expect_response("**/preview") as preview:
            page.press("#key", "Enter")
        assert preview.value.status == 200
        page.wait_for_selector("#kinds small:not(:empty)")
        assert page.locator(".card:not(.ghost)").count() == 6
        assert page.locator("#key").count() == 0
        browser.close()
    gc.collect()


@contextmanager
def _answered(page: Any) -> Iterator[None]:
    """Wait until the one question that is asked inside was answered.

    A page that is ahead of its answers gives its questions up, and the server may take them in any order.
    """
    with page.expect_response("**/v1/search"):
        yield


def _search(page: Any, words: str) -> None:
    page.fill("#text", words)
    with _answered(page):
        page.press("#text", "Enter")
    page.wait_for_selector(".card:not(.ghost)")


def _wait_for(page: Any, selector: str, count: int) -> None:
    """Wait without evaluating a string: the page's policy forbids that, to tests as well."""
    if count:  # nth(-1) is the last one, not none
        page.locator(selector).nth(count - 1).wait_for()
    page.locator(selector).nth(count).wait_for(state="detached")


def _texts(page: Any, selector: str) -> list[str]:
    texts: list[str] = page.locator(selector).all_text_contents()  # inner texts are empty where nothing is drawn yet
    return texts


def test_words_find_cards_of_every_kind(page: Any, engine: ScriptedEngine) -> None:
    _search(page, "dog")
    assert page.locator(".card").count() == 6
    assert page.locator(".card.image img").get_attribute("alt") == "Image dog.png"
    assert page.locator("audio").get_attribute("src") == f"v1/items/{IDS['au']}/content"
    assert "6 results" in page.inner_text("#status")
    tooltip = page.locator(".card .strength").first.get_attribute("title")
    assert "Raw cosine 0.900" in tooltip


def test_a_hostile_name_and_snippet_are_words(page: Any) -> None:
    _search(page, "dog")
    assert HOSTILE_NAME in _texts(page, ".card .name bdi")
    assert "<script>alert(2)</script>" in _texts(page, ".card .words")
    assert page.locator(".card script").count() == 0


def test_files_signs_and_weights_reach_the_engine(page: Any, engine: ScriptedEngine) -> None:
    _search(page, "dog")
    files = [("a.png", "image/png", picture()), ("b.wav", "audio/wav", tone())]
    with _answered(page):
        page.set_input_files("#files", [{"name": n, "mimeType": m, "buffer": b} for n, m, b in files])
    _wait_for(page, ".chip", 3)
    with _answered(page):
        page.locator(".chip .sign").nth(1).click()
    _wait_for(page, ".chip.less", 1)
    with _answered(page):
        page.locator(".chip input[type=range]").nth(2).fill("0.4")
    terms = engine.queries[-1].terms
    assert [str(term) for term in terms] == ["dog", "a.png", "b.wav"]
    assert [term.weight for term in terms] == [1.0, -1.0, 0.4]
    assert engine.contents[-2:] == [picture(), tone()]


def test_a_hit_steers_and_the_address_remembers(page: Any, url: str, engine: ScriptedEngine) -> None:
    _search(page, "dog")
    with _answered(page):
        page.locator(".card.audio .steer button").nth(1).click()
    page.wait_for_selector(".chip.less")
    with _answered(page):
        page.locator("#kinds label.image").click()
    _wait_for(page, ".card", 1)
    address = page.url
    asked = engine.queries[-1]
    assert [term.source for term in asked.terms] == ["dog", ItemRef(IDS["au"])]
    assert asked.modalities == (Modality.IMAGE,)
    with _answered(page):
        page.go_back()
    _wait_for(page, ".card", 6)
    with _answered(page):
        page.goto(address)
    page.wait_for_selector(".card:not(.ghost)")
    assert engine.queries[-1] == asked
    page.locator(".chip .name", has_text="bark.wav").wait_for()


def test_kinds_have_rows_of_their_own_and_the_address_remembers(page: Any, engine: ScriptedEngine) -> None:
    _search(page, "dog")
    with _answered(page):
        page.locator("#kinds .lanes").click()
    page.locator(".lane").first.wait_for()
    assert _texts(page, ".lane h2") == ["Images", "Audio", "Text", "Video", "3D"]
    assert page.locator(".card").count() == 6
    asked = engine.queries[-1]
    assert (asked.lanes, asked.limit) == (True, 8)
    with _answered(page):
        page.reload()
    page.locator(".lane").first.wait_for()
    assert engine.queries[-1] == asked
    with _answered(page):
        page.go_back()
    _wait_for(page, ".lane", 0)
    assert not engine.queries[-1].lanes


def test_an_answer_of_nothing_says_so(page: Any, engine: ScriptedEngine) -> None:
    engine.nothing_matches = True
    _search(page, "dog")
    assert "least bad" in page.inner_text("#status")


def test_the_keyboard_is_enough(page: Any, engine: ScriptedEngine) -> None:
    page.locator("body").press("/")
    page.keyboard.type("dog")
    page.keyboard.press("Enter")
    page.keyboard.type("- fruit")
    page.keyboard.press("Enter")
    page.wait_for_selector(".chip.less")
    page.keyboard.press("Backspace")
    _wait_for(page, ".chip", 1)
    page.wait_for_selector(".card:not(.ghost)")
    page.keyboard.press("Backspace")
    page.wait_for_selector("body.idle")
    _wait_for(page, ".card", 0)


def _look(page: Any, kind: str) -> None:
    """With the keyboard alone."""
    page.locator(f".card.{kind} .where").focus()
    with page.expect_response("**/v1/locate"):
        page.keyboard.press("Enter")
    page.locator("#viewer-places button").nth(1).wait_for()


def test_where_in_a_picture_it_is_marked(page: Any, engine: ScriptedEngine) -> None:
    _search(page, "dog")
    assert page.locator(".card .where").count() == 3  # of a picture, a sound and a film
    _look(page, "image")
    ((query, item, _),) = engine.located
    assert ([str(term) for term in query.terms], item) == (["dog"], IDS["im"])
    assert _texts(page, "#viewer-places li") == ["90 %", "30 %"]
    shown = page.locator("#viewer-stage img").bounding_box()
    for n, wanted in enumerate(BOXES):
        box = page.locator("#viewer-stage .boxes span").nth(n).bounding_box()
        assert (box["x"] - shown["x"]) / shown["width"] == pytest.approx(wanted.x, abs=0.02)
        assert (box["y"] - shown["y"]) / shown["height"] == pytest.approx(wanted.y, abs=0.02)
        assert box["width"] / shown["width"] == pytest.approx(wanted.width, abs=0.02)
        assert box["height"] / shown["height"] == pytest.approx(wanted.height, abs=0.02)
    page.locator("#viewer-places button").nth(1).focus()
    assert page.locator(".boxes span").nth(1).get_attribute("class") == "box lit"
    page.keyboard.press("Escape")
    page.locator("#viewer").wait_for(state="hidden")


def test_when_in_a_sound_it_is_marked_and_played(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    _search(page, "dog")
    _look(page, "audio")
    assert _texts(page, "#viewer-places li") == ["0:02\u20130:04, 90 %", "0:09\u20130:11, 30 %"]
    line = page.locator(".line").bounding_box()
    mark = page.locator(".line span").nth(1).bounding_box()
    # The item lasts 12 seconds.
    assert (mark["x"] - line["x"]) / line["width"] == pytest.approx(9 / 12, abs=0.02)
    assert mark["width"] / line["width"] == pytest.approx(2 / 12, abs=0.02)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    dialog = page.locator("#viewer").bounding_box()
    assert 0 <= dialog["x"] <= dialog["x"] + dialog["width"] <= 360


def test_a_viewer_that_is_closed_asks_no_more(page: Any, engine: ScriptedEngine) -> None:
    given_up = threading.Event()

    def look(stopped: Callable[[], bool]) -> None:
        while not stopped() and not given_up.wait(0.02):
            pass
        given_up.set()

    _search(page, "dog")
    engine.while_looking = look
    page.locator(".card.image .where").click()
    page.locator("#viewer-status", has_text="Looking").wait_for()
    while not engine.located:
        page.wait_for_timeout(20)
    page.keyboard.press("Escape")
    assert given_up.wait(PATIENCE_SECONDS / 2)


def test_the_picture_of_a_file_is_let_go_with_its_chip(page: Any) -> None:
    page.add_init_script("""
        window.urls = new Set();
        const { createObjectURL, revokeObjectURL } = URL;
        URL.createObjectURL = (file) => { const url = createObjectURL(file); urls.add(url); return url; };
        URL.revokeObjectURL = (url) => { urls.delete(url); revokeObjectURL(url); };
    """)
    page.reload()
    page.wait_for_selector("#kinds small:not(:empty)")
    for name in ("a.png", "b.png"):
        with _answered(page):
            page.set_input_files("#files", {"name": name, "mimeType": "image/png", "buffer": picture()})
    _wait_for(page, ".chip img", 2)
    shown = page.locator(".chip img")
    assert page.evaluate("[...urls]") == [shown.nth(n).get_attribute("src") for n in range(2)]
    with _answered(page):
        page.locator(".chip .remove").first.click()
    _wait_for(page, ".chip img", 1)
    assert page.evaluate("[...urls]") == [shown.get_attribute("src")]
    with _answered(page):
        page.go_back()  # the file is remembered, and has a picture again
    _wait_for(page, ".chip img", 2)
    assert page.evaluate("[...urls].sort()") == sorted(shown.nth(n).get_attribute("src") for n in range(2))
    page.go_back()
    page.go_back()
    _wait_for(page, ".chip", 0)
    assert page.evaluate("[...urls]") == []


def test_the_limits_of_a_query_come_from_the_server(page: Any) -> None:
    asked = []

    def status(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"limits": {"terms": 2, "text": 7, "hits": 60}})

    def search(route: Any) -> None:
        asked.append(route.request.post_data_json["limit"])
        answer = route.fetch()
        found = answer.json()
        route.fulfill(response=answer, json=found | {"hits": found["hits"][:1] * asked[-1]})

    page.route("**/v1/status", status)
    page.route("**/v1/search", search)
    page.reload()
    page.wait_for_selector("#text[maxlength='7']")
    _search(page, "dog")
    with _answered(page):
        page.locator("#more").click()
    _wait_for(page, ".card:not(.ghost)", 60)
    assert asked == [40, 60]
    assert page.locator("#more").is_hidden()
    _search(page, "cat")
    page.fill("#text", "cow")
    page.press("#text", "Enter")
    page.locator("#status", has_text="at most 2 terms").wait_for()
    assert page.locator(".chip").count() == 2
    assert len(asked) == 3  # nothing more to ask


def test_a_phone_shows_it_all(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    _search(page, "a rather long description of a dog that barks at the sea")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
