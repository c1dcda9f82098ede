"""What the page shows of a real index: players, meshes, links to all of it, and names that are hostile."""

from pathlib import Path
from typing import Any

import pytest

from tests.page.conftest import CARD, CHIP, answered, pick, search, visited, wait_for
from tests.page.real.conftest import HOSTILE, REAL, link_of

pytestmark = REAL
BELL = 8.0  # the second at which "toll after rain.wav" turns from rain to a bell


def _shown(name: str) -> str:
    """How a file name is shown: bytes that are no text as %XX, without folders, which a backslash ends in Windows."""
    text = "".join(f"%{ord(letter) - 0xDC00:02X}" if "\udc80" <= letter <= "\udcff" else letter for letter in name)
    return text.rpartition("\\")[2]


def test_a_mesh_is_shown(page: Any) -> None:
    search(page, "a chair")
    link_of(page, "chair.glb").click()
    page.get_by_role("dialog").locator('[data-state="shown"]').wait_for()


def test_playback_starts_at_the_matched_second(page: Any) -> None:
    search(page, "a bell")
    sound = "toll after rain.wav"
    page.get_by_role("button", name=f"Play {sound}").click()
    player = page.locator("audio")
    player.evaluate("player => player.readyState > 1 || new Promise((then) => (player.oncanplay = then))")
    second = player.evaluate("player => player.currentTime")
    assert BELL - 2 <= second <= BELL + 4
    link_of(page, sound).click()
    page.locator("[data-ready=true]").wait_for()
    assert float(page.locator("[data-ready=true]").get_attribute("data-time")) == pytest.approx(second, abs=1.0)


def test_a_link_and_a_reload_restore_everything(page: Any, given: Path, url: str, browser: Any) -> None:
    pick(page, given / "another dog.png")
    search(page, "a train")
    with answered(page):
        page.locator(f"{CHIP} .sign").last.click()
    with answered(page):
        page.get_by_role("radio", name="Films").check(force=True)
    wait_for(page, f"{CARD}.video", 2)
    link_of(page, "dog first.mp4").click()
    page.get_by_role("dialog").get_by_role("heading", name="dog first.mp4").wait_for()
    names = page.locator(f"{CARD} .name bdi").all_text_contents()

    def check(restored: Any) -> None:
        restored.get_by_role("dialog").get_by_role("heading", name="dog first.mp4").wait_for()
        restored.get_by_role("dialog").get_by_role("region", name="Why it matched").wait_for()
        restored.get_by_role("dialog").get_by_label("Close").click()
        wait_for(restored, f"{CARD}.video", 2)
        assert restored.locator(f"{CARD} .name bdi").all_text_contents() == names
        restored.locator(CHIP, has_text="another dog.png").locator("img").wait_for()
        restored.locator(f"{CHIP}.less", has_text="a train").wait_for()

    with visited(browser, url) as elsewhere:
        elsewhere.goto(page.url)
        check(elsewhere)
    page.reload()
    check(page)


def test_hostile_names_are_text(page: Any) -> None:
    page.goto("./?text=1:A volcano erupts&in=text&where=path:*/named/*")
    wait_for(page, f"{CARD}.text", len(HOSTILE))
    labels = page.locator(f"{CARD} .name bdi").all_text_contents()
    assert sorted(labels) == sorted(f"{_shown(name)}.txt" for name in HOSTILE)
    assert page.locator("main script, main img[src='x'], main [onmouseover]").count() == 0
    page.locator("[data-card]").first.click()
    for label in labels:
        page.locator("#item-name bdi").get_by_text(label, exact=True).wait_for()
        page.keyboard.press("ArrowRight")
    page.goto("./?view=library")
    said = page.get_by_role("region", name="Files that could not be read").locator("li bdi")
    said.nth(len(HOSTILE) - 1).wait_for()
    listed = {path.rpartition("/broken/")[2] for path in said.all_text_contents()}
    assert {_shown(name) for name in listed} == {f"{_shown(name)}.png" for name in HOSTILE}
