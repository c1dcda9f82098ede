"""The details of an item: its viewer, why and where it matches, its neighbours, and the ways in and out."""

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import trimesh
from blake3 import blake3
from PIL import Image

from omnisearch.media.file import ID_DIGITS
from omnisearch.media.rendition import Rendition
from omnisearch.query.conditions import PatternCondition
from omnisearch.query.expressions import ItemRef
from omnisearch.stores.base import Payload
from omnisearch.types import Modality, Reading, Region, Segment, Stretch
from tests.api.conftest import HOSTILE_NAME, IDS, ScriptedEngine, ToyRenderer, tone
from tests.page.conftest import BROWSER, answered, check_accessibility, search

pytestmark = BROWSER
SECONDS = 12


@pytest.fixture
def sound(engine: ScriptedEngine, tmp_path: Path) -> str:
    """The id of a sound of 12 seconds with two lines of speech."""
    content = tone(SECONDS)
    path = tmp_path / "speech.wav"
    path.write_bytes(content)
    said = tuple(
        Reading("speech", text, start, start + 2, language="en")
        for text, start in (("the red car", 3.0), ("stops", 8.0))
    )
    item_id = blake3(content).hexdigest()[:ID_DIGITS]
    segment = Segment(0, 6.0, 8.0, "seconds")
    row = Payload(
        item_id=item_id,
        modality=Modality.AUDIO,
        path=str(path),
        mime="audio/wav",
        duration=SECONDS,
        segment=segment,
        readings=said,
    )
    engine.payloads = (*engine.payloads, row)
    return item_id


def _open(page: Any, item_id: str, more: str = "") -> Any:
    """Open the details by their address, and wait for them."""
    page.goto(f"./?open={item_id}{more}")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("group", name="Search with this").wait_for()
    return dialog


def _player_at(page: Any, second: str) -> None:
    page.locator(f'[data-ready="true"][data-time="{second}"]').wait_for()


def _asked(page: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def _colors(picture: bytes) -> int:
    return len(Image.open(io.BytesIO(picture)).convert("RGB").getcolors(1 << 20))


def _cube(renderer: ToyRenderer, monkeypatch: pytest.MonkeyPatch, points: bool = False) -> None:
    """Let the model be a cube, or the points of one."""
    made: Any = trimesh.creation.box()
    if points:
        made = trimesh.PointCloud(made.sample(500), colors=[250, 80, 20, 255])
    model = trimesh.Scene(made).export(file_type="glb")
    before = renderer.render

    def render(path: Path, fd: int, rendition: Rendition) -> bytes | None:
        return model if rendition is Rendition.GLB else before(path, fd, rendition)

    monkeypatch.setattr(renderer, "render", render)


def test_a_mesh_is_shown_and_turns_by_keys(page: Any, renderer: ToyRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    _cube(renderer, monkeypatch)
    page.emulate_media(reduced_motion="reduce")
    dialog = _open(page, IDS["3d"])
    page.locator('[data-state="shown"]').wait_for()
    canvas = dialog.locator("canvas")
    first = canvas.screenshot()
    assert _colors(first) > 3  # faces in different light
    assert dialog.get_by_role("button", name="Turn").count() == 0  # nothing moves by itself
    viewer = dialog.get_by_role("application")
    viewer.press("ArrowLeft")
    _changes(canvas, first)
    viewer.press("0")
    second = canvas.screenshot()
    dialog.get_by_role("button", name="Wireframe").click()
    _changes(canvas, second)


def _changes(canvas: Any, before: bytes) -> None:
    """Wait until a canvas shows something else."""
    for _ in range(200):
        if canvas.screenshot() != before:
            return
    raise AssertionError("the picture stays the same")


def test_points_are_shown_and_can_be_larger(page: Any, renderer: ToyRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    _cube(renderer, monkeypatch, points=True)
    page.emulate_media(reduced_motion="reduce")
    dialog = _open(page, IDS["3d"])
    page.locator('[data-state="shown"]').wait_for()
    before = dialog.locator("canvas").screenshot()
    assert _colors(before) > 1
    dialog.get_by_role("button", name="Points").click()
    _changes(dialog.locator("canvas"), before)
    assert dialog.get_by_role("button", name="Wireframe").count() == 0


def test_a_model_that_fails_says_so_and_keeps_its_picture(page: Any) -> None:
    dialog = _open(page, IDS["3d"])
    dialog.get_by_text("This model cannot be shown in 3D.").wait_for()
    picture = dialog.get_by_role("img", name="dog.glb")
    assert picture.is_visible()
    assert "size=small" in picture.evaluate("(image) => image.style.backgroundImage")  # is shown before the large one


def test_a_sound_starts_at_the_matched_second_and_seeks_by_keys(page: Any, sound: str) -> None:
    dialog = _open(page, sound, "&at=4.5")
    _player_at(page, "4.5")
    position = dialog.get_by_role("slider", name="Position")
    position.press("ArrowRight")
    _player_at(page, "9.5")
    assert position.get_attribute("aria-valuetext") == "0:09 of 0:12"
    position.press("Home")
    _player_at(page, "0.0")
    page.keyboard.press("Space")
    dialog.get_by_role("button", name="Pause").wait_for()


def test_without_a_second_in_the_address_it_is_that_of_the_hit(page: Any, sound: str) -> None:
    _open(page, sound, "&text=1:car")
    _player_at(page, "6.0")


def test_a_line_of_the_transcript_is_sought_and_its_words_are_marked(page: Any, sound: str) -> None:
    dialog = _open(page, sound, "&text=1:stops")
    line = dialog.get_by_role("region", name="Words in it").get_by_role("button", name="stops")
    assert line.locator("mark").inner_text() == "stops"
    line.click()
    page.locator('[aria-current="true"]', has_text="stops").wait_for()
    dialog.get_by_role("button", name="Pause").wait_for()


def test_the_played_part_is_searched(page: Any, sound: str, engine: ScriptedEngine) -> None:
    dialog = _open(page, sound, "&at=4")
    _player_at(page, "4.0")
    with answered(page):
        dialog.get_by_role("button", name=re.compile("Search with 0:04 . 0:09")).click()
    (term,) = engine.queries[-1].terms
    assert (term.source, term.slice) == (ItemRef(sound), Stretch(4.0, 9.0))
    dialog.wait_for(state="detached")


def test_a_film_that_no_browser_plays_is_said_and_offered(page: Any) -> None:
    dialog = _open(page, IDS["vi"])
    said = dialog.get_by_text("This browser cannot play this file.")
    said.wait_for()
    assert said.get_by_role("link", name="Download").get_attribute("href") == f"v1/items/{IDS['vi']}/content"
    assert dialog.get_by_role("img", name="run.mp4").is_visible()


def test_back_and_escape_close_it_and_the_card_has_the_focus(page: Any) -> None:
    search(page, "dog")
    card = page.locator(f'main a[href*="open={IDS["im"]}"]').first
    dialog = page.get_by_role("dialog")
    for close in (lambda: page.keyboard.press("Escape"), page.go_back):
        card.click()
        dialog.get_by_role("heading", name="dog.png").wait_for()
        assert _asked(page)["open"] == [IDS["im"]]
        close()
        dialog.wait_for(state="detached")
        assert "open" not in _asked(page)
        assert page.evaluate("document.activeElement.getAttribute('href')") == card.get_attribute("href")


def test_more_than_one_escape_closes_it_alone(page: Any) -> None:
    search(page, "dog")
    page.locator("main [data-card]").first.click()
    page.get_by_role("dialog").wait_for()
    # Two within one task: the step back of the first comes after the second.
    page.get_by_role("dialog").evaluate(
        "shown => { for (const _ of 'ab') shown.dispatchEvent(new Event('cancel', {cancelable: true})) }"
    )
    page.get_by_role("dialog").wait_for(state="detached")
    page.wait_for_timeout(300)  # for a step too far
    assert _asked(page)["text"] == ["1:dog"]


def test_arrow_keys_show_the_next_hit_and_reload_shows_it_again(page: Any) -> None:
    search(page, "dog")
    names = ["dog.png", "bark.wav"]
    dialog = page.get_by_role("dialog")
    page.locator(f'main a[href*="open={IDS["im"]}"]').first.click()
    dialog.get_by_role("heading", name=names[0]).wait_for()
    assert dialog.get_by_role("button", name="Previous result").is_disabled()
    page.keyboard.press("ArrowRight")
    dialog.get_by_role("heading", name=names[1]).wait_for()
    page.reload()
    dialog.get_by_role("heading", name=names[1]).wait_for()
    dialog.get_by_role("button", name="Previous result").click()
    dialog.get_by_role("heading", name=names[0]).wait_for()


def test_the_focus_stays_in_it(page: Any) -> None:
    _open(page, IDS["im"])
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")


def test_neighbours_open_in_it_and_back_returns(page: Any, engine: ScriptedEngine) -> None:
    dialog = _open(page, IDS["im"], "&text=1:dog")
    lane = dialog.get_by_role("list", name="Sounds")
    lane.get_by_role("link").first.click()
    dialog.get_by_role("heading", name="bark.wav").wait_for()
    page.go_back()
    dialog.get_by_role("heading", name="dog.png").wait_for()


def test_why_it_matched_is_asked_of_this_item_alone(page: Any, engine: ScriptedEngine) -> None:
    path = engine.payloads[0].path
    with page.expect_response(lambda answer: '"explain":true' in (answer.request.post_data or "")):
        dialog = _open(page, IDS["im"], "&text=1:dog&text=-0.5:cat")
    dialog.get_by_role("region", name="Why it matched").get_by_text("cat", exact=True).wait_for()
    (asked,) = [query for query in engine.queries if query.explain]
    assert asked.where == (PatternCondition("path", path),)
    assert asked.modalities == (Modality.IMAGE,)


def test_places_are_buttons_that_frame_their_box(page: Any, engine: ScriptedEngine) -> None:
    dialog = _open(page, IDS["im"], "&text=1:dog")
    with answered(page, "**/v1/locate"):
        dialog.get_by_role("button", name="Find the places").click()
    assert engine.located[-1][1] == IDS["im"]
    dialog.get_by_role("button", name="Region 2").click()
    page.locator("[data-scale]:not([data-scale='1.00'])").wait_for()
    assert _asked(page)["at"] == ["0.0,0.0,0.25,0.25"]
    with answered(page):
        dialog.get_by_role("button", name="Search with this part").click()
    # Not the last query: a search for similar items may come after it.
    parts = [term for query in engine.queries for term in query.terms if isinstance(term.slice, Region)]
    assert ItemRef(IDS["im"]) in {term.source for term in parts}


def test_a_picture_is_zoomed_and_moved_by_keys(page: Any) -> None:
    dialog = _open(page, IDS["im"])
    dialog.get_by_role("img", name="dog.png").wait_for()
    picture = dialog.get_by_role("application")
    with page.expect_response(f"**/v1/items/{IDS['im']}/content"):  # sharp, once it is zoomed
        picture.press("+")
    page.locator("[data-scale='1.40']").wait_for()
    picture.press("ArrowRight")
    assert dialog.get_by_role("heading", name="dog.png").is_visible()  # no step to another hit
    picture.press("0")
    page.locator("[data-scale='1.00']").wait_for()


@pytest.mark.parametrize("more", ["", "&text=1:script"])
def test_a_hostile_text_is_words(page: Any, more: str) -> None:
    dialog = _open(page, IDS["ht"], more)
    assert dialog.get_by_role("heading", level=2).first.inner_text() == HOSTILE_NAME
    dialog.get_by_role("region", name="Text", exact=True).get_by_text("<script>alert(2)</script>").wait_for()
    assert dialog.locator("script, img[src=x]").count() == 0


def _removed(engine: ScriptedEngine) -> None:
    engine.payloads = tuple(payload for payload in engine.payloads if payload.item_id != IDS["im"])


def _overwritten(engine: ScriptedEngine) -> None:
    Path(engine.payloads[0].path).write_bytes(b"another picture")


@pytest.mark.parametrize(
    ("change", "said"),
    [(_removed, "not in the collection any more"), (_overwritten, "has changed since it was indexed")],
)
def test_an_item_that_is_gone_or_changed_says_so(
    page: Any, engine: ScriptedEngine, change: Callable[[ScriptedEngine], None], said: str
) -> None:
    change(engine)
    page.goto(f"./?open={IDS['im']}")
    alert = page.get_by_role("dialog").get_by_role("alert")
    alert.wait_for()
    assert said in alert.inner_text()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def test_what_the_file_says_is_listed_with_its_place_on_a_map(page: Any) -> None:
    dialog = _open(page, IDS["au"])
    facts = dialog.get_by_role("region", name="About the file")
    for name, value in (
        ("Title", "Rain"),
        ("Position", "38.5000° N, 9.2500° W"),
        ("Year", "1999"),
        ("Duration", "0:12"),
    ):
        assert facts.locator(f'dt:text-is("{name}") + dd').inner_text() == value
    facts.get_by_role("img", name=re.compile("latitude 38.5")).wait_for()


def test_a_pdf_shows_the_page_of_its_passage(page: Any, engine: ScriptedEngine) -> None:
    text = next(payload for payload in engine.payloads if payload.item_id == IDS["tx"])
    pages = [Segment(0, 0, 900, "characters", "page 1"), Segment(1, 900, 1800, "characters", "page 3")]
    pdf = [replace(text, mime="application/pdf", segment=segment, segments=2) for segment in pages]
    engine.payloads = [*pdf, *(payload for payload in engine.payloads if payload is not text)]
    dialog = _open(page, IDS["tx"], "&text=1:dog&at=1000")
    dialog.get_by_role("img", name="Page 3").wait_for()
    dialog.get_by_role("button", name="Previous page").click()  # has no text
    dialog.get_by_role("img", name="Page 2").wait_for()
    dialog.get_by_role("button", name="Previous page").click()
    dialog.get_by_role("img", name="Page 1").wait_for()
    assert _asked(page)["at"] == ["0"]
    assert dialog.get_by_role("button", name="Previous page").is_disabled()
    check_accessibility(page)


def test_the_last_page_of_a_pdf_is_the_one_before_the_first_that_is_missing(page: Any, engine: ScriptedEngine) -> None:
    engine.payloads = [replace(payload, mime="application/pdf") for payload in engine.payloads]
    page.route("**/page?number=2", lambda route: route.fulfill(status=404))
    dialog = _open(page, IDS["tx"])
    dialog.get_by_role("button", name="Next page").click()
    dialog.get_by_role("button", name="Next page", disabled=True).wait_for()
    dialog.get_by_role("img", name="Page 1").wait_for()


def test_a_page_of_a_pdf_that_fails_is_asked_for_again(page: Any, engine: ScriptedEngine) -> None:
    engine.payloads = [replace(payload, mime="application/pdf") for payload in engine.payloads]
    page.watch.expect("status of 500")
    page.route("**/page?number=2", lambda route: route.fulfill(status=500))
    dialog = _open(page, IDS["tx"])
    dialog.get_by_role("button", name="Next page").click()
    again = dialog.get_by_role("button", name="Try again")
    again.wait_for()
    assert dialog.get_by_role("button", name="Next page").is_enabled()  # this is not the end of the PDF
    page.unroute("**/page?number=2")
    again.click()
    dialog.get_by_role("img", name="Page 2").wait_for()


def test_files_of_the_same_content_are_listed(page: Any, engine: ScriptedEngine) -> None:
    paths = ["/elsewhere/<b>dog</b>.png", engine.payloads[0].path]
    page.route("**/copies", lambda route: route.fulfill(json={"paths": paths, "total": 5}))
    facts = _open(page, IDS["im"]).get_by_role("region", name="About the file")
    facts.get_by_text(paths[0], exact=True).wait_for()
    facts.get_by_text("and 3 more").wait_for()
    assert facts.get_by_text(paths[1], exact=True).count() == 1  # once, as its path


def test_its_folder_is_opened_where_the_server_can(page: Any) -> None:
    def with_folders(route: Any) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"reveal": True})

    assert _open(page, IDS["au"]).get_by_role("button", name="Open its folder").count() == 0
    page.route("**/v1/status", with_folders)
    page.route("**/reveal", lambda route: route.fulfill(status=204))
    button = _open(page, IDS["au"]).get_by_role("button", name="Open its folder")
    with page.expect_request(lambda sent: sent.method == "POST" and sent.url.endswith(f"{IDS['au']}/reveal")):
        button.click()


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_of_it_is_wider_than_the_window(page: Any, width: int, sound: str, engine: ScriptedEngine) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    engine.payloads = (*engine.payloads[:-1], replace(engine.payloads[-1], notes=("partly read: " + "x" * 300,)))
    _open(page, sound, "&text=1:car")
    page.get_by_text("partly read").wait_for()
    body = "document.querySelector('dialog .body')"
    assert page.evaluate(f"{body}.scrollWidth <= {body}.clientWidth && {body}.clientWidth <= {width}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Any, sound: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for item_id in (IDS["im"], IDS["tx"], IDS["vi"], IDS["3d"], sound):
        dialog = _open(page, item_id, "&text=1:dog")
        dialog.get_by_role("region", name="Similar, in every kind").get_by_role("link").first.wait_for()
        check_accessibility(page)
