"""The page in a real browser over a scripted engine: needs chromium and the Python package playwright."""

import fcntl
import gc
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from omnisearch.api.app import create_app
from omnisearch.config import Settings
from tests.api.conftest import (  # noqa: F401 - fixtures
    ScriptedEngine,
    ToyRenderer,
    engine,
    payloads,
    renderer,
    serving,
    settings,
    wait_until_ready,
)

PATIENCE_SECONDS = 60.0
WEB = Path(__file__).parents[2] / "web"
CARD = "main article"
CHIP = "form .chip"
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A microphone that beeps and a camera that shows a clock; a test grants them with `page.context.grant_permissions`.
    "--use-fake-device-for-media-stream",
    # WebGL without a graphics card.
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: apt-get install chromium"),
    # Playwright's own event loop and pipes are not ours to close.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="session")
def built_page() -> None:
    """Build the page, unless the built one is newer than its sources; test processes take turns."""
    with (WEB / "build.sh").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = WEB / "dist" / "index.html"
        if not built.exists() or built.stat().st_mtime < max(file.stat().st_mtime for file in _sources()):
            subprocess.run([WEB / "build.sh"], check=True)


def _sources() -> Iterator[Path]:
    yield from (file for name in ("src", "public", "types") for file in (WEB / name).rglob("*"))
    yield from (file for file in WEB.iterdir() if file.is_file())


@pytest.fixture
def url(
    settings: Settings,  # noqa: F811
    engine: ScriptedEngine,  # noqa: F811
    renderer: ToyRenderer,  # noqa: F811
    built_page: None,
) -> Iterator[str]:
    """The address of a server that is ready."""
    with serving(create_app(settings, lambda _: engine, lambda _: renderer)) as port:
        address = f"http://127.0.0.1:{port}/"
        with httpx2.Client(base_url=address, timeout=PATIENCE_SECONDS) as client:
            wait_until_ready(client)
        engine.queries.clear()  # those of the warm-up
        yield address


@pytest.fixture(scope="session")
def flags() -> Sequence[str]:
    """The command line of the browser."""
    return FLAGS


@pytest.fixture(scope="module")
def browser(flags: Sequence[str]) -> Iterator[Any]:
    """A browser for the tests of a module: as long as it is open, its thread can run no other event loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()
    gc.collect()  # what Playwright left open is to be found here, not in the midst of another test


class Watch:
    """What must not happen on a page: dialogs, exceptions, messages of errors and requests to other origins."""

    def __init__(self, page: Any) -> None:
        self.origins: set[str] = set()
        self.troubles: list[str] = []
        self._expected: list[str] = []
        self._page = page
        self._asked: set[Any] = set()
        page.on("request", self._ask)
        for end in ("requestfinished", "requestfailed"):
            page.on(end, lambda request: self._asked.discard(request))
        page.on("request", lambda request: self.origins.add(_origin(request.url)))
        page.on("dialog", self._dismiss)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("console", lambda line: self.troubles.append(line.text) if line.type == "error" else None)

    def expect(self, pattern: str) -> None:
        """Let messages pass that contain this pattern, such as those of a request that the test makes fail."""
        self._expected.append(pattern)

    def settle(self) -> None:
        """Wait until every search that was sent has ended, so that the next answer is that of the next question.

        A test may hold one back: it is waited for in vain, for two seconds.
        """
        for _ in range(200):
            if not self._asked:
                break
            self._page.wait_for_timeout(10)

    def _ask(self, request: Any) -> None:
        if urlsplit(request.url).path.endswith("/v1/search"):
            self._asked.add(request)

    def _dismiss(self, dialog: Any) -> None:
        self.troubles.append(dialog.message)
        dialog.dismiss()

    def check(self, url: str) -> None:
        # The item with a hostile name is a text, which has no preview.
        expected = "|".join([*self._expected, "status of 404"])
        assert not [trouble for trouble in self.troubles if not re.search(expected, trouble)]
        assert self.origins <= {_origin(url), "blob:", "data:"}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}:{parts.netloc}" if parts.netloc else f"{parts.scheme}:"


@contextmanager
def visited(browser: Any, url: str, **options: Any) -> Iterator[Any]:
    """The page as a new visitor sees it, in a window with these options; what it did is checked at the end."""
    with browser.new_context(base_url=url, **options) as context:
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE_SECONDS)
        page.watch = Watch(page)
        page.goto("./")
        page.get_by_role("search").wait_for()
        yield page
        page.watch.check(url)


@pytest.fixture
def page(url: str, browser: Any) -> Iterator[Any]:
    with visited(browser, url) as page:
        yield page


@contextmanager
def answered(page: Any, route: str = "**/v1/search") -> Iterator[None]:
    """Wait until the one request that is made inside was answered.

    A page that is ahead of its answers gives its questions up, and the server may take them in any order.
    """
    page.watch.settle()
    with page.expect_response(route):
        yield


def search(page: Any, words: str) -> None:
    """Search with words, and wait for the answer."""
    field = page.get_by_role("search").get_by_role("combobox").or_(page.get_by_role("search").get_by_role("textbox"))
    field.last.fill(words)
    with answered(page):
        field.last.press("Enter")


def pick(page: Any, *files: Path | dict[str, Any]) -> None:
    """Add files to the query, and wait until it is answered and none is on its way any more."""
    with answered(page):
        page.locator("input[type=file]").first.set_input_files(files)
    wait_for(page, "form progress", 0)


def check_accessibility(page: Any) -> None:
    """Check what is shown by axe, which finds breaches of WCAG 2.2 AA and of good practice."""
    page.evaluate((WEB / "node_modules/axe-core/axe.min.js").read_text())
    found = page.evaluate("() => axe.run()")
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]] == []


def wait_for(page: Any, selector: str, count: int) -> None:
    """Wait until so many are there, without evaluating a string: the page's policy forbids that, to tests as well."""
    if count:  # nth(-1) is the last one, not none
        page.locator(selector).nth(count - 1).wait_for()
    page.locator(selector).nth(count).wait_for(state="detached")
