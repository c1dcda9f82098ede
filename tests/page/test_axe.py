"""What axe-core finds on every state of the page, in both colour schemes: nothing."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from omnisearch.api.app import create_app
from omnisearch.api.key_file import KeyFile
from omnisearch.api.keys import Scope
from omnisearch.config import Settings, load_settings
from omnisearch.jobs.job import Failure, Progress, State
from omnisearch.jobs.store import JobStore
from omnisearch.search.map import Map, MapPoint, write_map
from omnisearch.types import Modality
from tests.api.conftest import IDS, ScriptedEngine, ToyRenderer, picture, serving, tone, wait_until_ready
from tests.page.conftest import BROWSER, CARD, CHIP, PATIENCE_SECONDS, check_accessibility, wait_for

pytestmark = BROWSER
OWNER = "a worker"


def check(page: Any) -> None:
    """Let axe look at the page as it is, light and dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        check_accessibility(page)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


@pytest.fixture
def settings(root: Path) -> Settings:
    return load_settings(index_roots=(root,))


@pytest.fixture
def mapped(settings: Settings) -> None:
    """A map of a picture and a sound."""
    settings.index_dir.mkdir(parents=True, exist_ok=True)
    points = (MapPoint(IDS["im"], Modality.IMAGE, -0.5, -0.5), MapPoint(IDS["au"], Modality.AUDIO, 0.5, 0.5))
    write_map(Map("toy", len(IDS), 1.7e9, points), settings.index_dir)


@pytest.fixture(autouse=True)
def _still(page: Any) -> None:
    """Let nothing be in between two states, and a film be one that cannot be played."""
    page.emulate_media(reduced_motion="reduce")
    page.watch.expect("decode|supported source|status of 503")  # previews of a busy machine are asked for again


def home(page: Any) -> None:
    page.get_by_role("region", name="Recently added").get_by_role("link").nth(5).wait_for()


def filtered(page: Any) -> None:
    page.goto("./?in=audio&in=video")
    page.get_by_role("region", name="Items that match the filters").get_by_role("link").nth(1).wait_for()


def results(page: Any) -> None:
    page.goto("./?text=1:dog&text=-0.5:cat")
    wait_for(page, CARD, 6)


def lanes(page: Any) -> None:
    results(page)
    page.get_by_role("group", name="View").get_by_text("Kinds").click()
    page.get_by_role("heading", name="Pictures").wait_for()


def facet(page: Any) -> None:
    results(page)
    page.get_by_role("button", name="Type", exact=True).click()
    page.get_by_role("button", name="image/png").wait_for()


def two_boxes(page: Any) -> None:
    page.goto("./?text=1:thunder&join=then&text=1:rain")
    wait_for(page, CARD, 6)


def suggestions(page: Any) -> None:
    page.get_by_role("combobox").first.press_sequentially("dog")
    page.get_by_role("option").first.wait_for()


def term(page: Any) -> None:
    results(page)
    page.locator(f"{CHIP} .body").first.click()
    page.get_by_role("dialog").wait_for()


def _picked(page: Any, name: str, kind: str, content: bytes) -> None:
    page.locator("input[type=file]").first.set_input_files({"name": name, "mimeType": kind, "buffer": content})
    page.locator(f"{CHIP} .body").first.click()


def crop(page: Any) -> None:
    _picked(page, "a.png", "image/png", picture())
    page.get_by_role("dialog").locator(".stage img").wait_for()


def trim(page: Any) -> None:
    _picked(page, "a.wav", "audio/wav", tone())
    page.get_by_role("dialog").locator(".chosen").wait_for()


def refused_device(page: Any) -> None:
    page.get_by_label("Record a sound").click()
    page.get_by_role("alert").wait_for()


def help_(page: Any) -> None:
    page.get_by_label("Keys of the search bar").click()
    page.get_by_role("dialog").wait_for()


def developer(page: Any) -> None:
    page.goto(f"./?view=developer&text=1:dog&item=-0.5:{IDS['im']}")
    page.get_by_text("/v1/search/batch", exact=True).click()
    page.get_by_text("SearchBatchOut").wait_for()


def folders(page: Any) -> None:
    page.goto("./?view=library")
    page.get_by_role("button", name="Add a folder").click()
    page.get_by_role("button", name="Index this folder").wait_for()


def server_down(page: Any) -> None:
    page.watch.expect("ERR_FAILED")
    page.route("**/v1/search", lambda route: route.abort())
    page.goto("./?text=1:dog")
    page.get_by_role("button", name="Try again").wait_for()


STATES = (
    home,
    filtered,
    results,
    lanes,
    facet,
    two_boxes,
    suggestions,
    term,
    crop,
    trim,
    refused_device,
    help_,
    developer,
    folders,
    server_down,
)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_a_state_has_no_barrier(page: Any, state: Callable[[Any], None]) -> None:
    state(page)
    check(page)


@pytest.mark.parametrize("state", [home, results, two_boxes, folders], ids=lambda state: state.__name__)
def test_a_narrow_window_has_no_barrier(page: Any, state: Callable[[Any], None]) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    state(page)
    check(page)


@pytest.mark.parametrize("width", [360, 1280])
def test_the_map_has_no_barrier(page: Any, mapped: None, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.goto("./?view=map")
    page.get_by_role("application").wait_for()
    check(page)


@pytest.mark.parametrize("name", ["im", "au", "tx", "vi", "3d"])
def test_details_of_a_kind_have_no_barrier(page: Any, name: str) -> None:
    page.goto(f"./?open={IDS[name]}&text=1:dog")
    page.get_by_role("dialog").get_by_role("region", name="Why it matched").wait_for()
    page.wait_for_load_state("networkidle")
    check(page)


def test_jobs_have_no_barrier(page: Any, settings: Settings, root: Path) -> None:
    for _ in range(2):
        page.request.post("v1/jobs", data={"kind": "index", "paths": [str(root)]})
    with closing(JobStore.open(settings)) as store:
        failed, running = store.claim(OWNER), store.claim(OWNER)
        assert failed is not None
        assert running is not None
        store.end(failed, OWNER, State.FAILED, Progress(), error=Failure("disk_full", "the disk is full"))
        store.beat(running, OWNER, Progress(2_000_000, 8_000_000, "bytes", "3 of 9 files"))
        page.goto("./?view=library")
        jobs = page.get_by_role("region", name="Jobs")
        for text in ("the disk is full", "3 of 9 files"):
            jobs.get_by_text(text).wait_for()
        check(page)


def test_nothing_matches_has_no_barrier(page: Any, engine: ScriptedEngine) -> None:
    engine.nothing_matches = True
    page.goto("?text=1:smell&where=size>0&in=image&sort=name")
    page.get_by_role("heading", name="Nothing matches \u201csmell\u201d").wait_for()
    check(page)


def test_the_question_for_a_key_has_no_barrier(
    tmp_path: Path, engine: ScriptedEngine, browser: Any, built_page: None
) -> None:
    KeyFile(tmp_path).add("page", [Scope.SEARCH])
    app = create_app(load_settings(data_dir=tmp_path), lambda _: engine, lambda _: ToyRenderer())
    with serving(app) as port:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}/", timeout=PATIENCE_SECONDS) as client:
            wait_until_ready(client)
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"http://127.0.0.1:{port}/")
            page.get_by_label("Key", exact=True).wait_for()
            check(page)
