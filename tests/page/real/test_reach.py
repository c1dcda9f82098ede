"""A real index by keyboard alone, by touch on a phone, and as axe sees it."""

from pathlib import Path
from typing import Any

import pytest

from tests.page.conftest import CARD, CHIP, answered, check_accessibility, search, visited, wait_for
from tests.page.real.conftest import REAL, link_of

pytestmark = REAL
PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 360, "height": 740}}


def _focused(page: Any, attribute: str) -> str:
    return str(page.evaluate("(name) => document.activeElement.getAttribute(name) ?? ''", attribute))


def test_the_keyboard_is_enough(page: Any) -> None:
    page.keyboard.press("/")
    with answered(page):
        page.keyboard.type("a bell")
        page.keyboard.press("Enter")
    link_of(page, "toll after rain.wav").wait_for()
    while not _focused(page, "data-card"):
        page.keyboard.press("Tab")
    for _ in range(page.locator(CARD).count()):
        if "toll after rain.wav" in _focused(page, "aria-label"):
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.locator("audio").wait_for(state="attached")
    page.keyboard.press("Space")
    wait_for(page, "audio", 0)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name="toll after rain.wav").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    assert "toll after rain.wav" in _focused(page, "aria-label")
    with answered(page):
        page.keyboard.press("-")
    wait_for(page, f"{CHIP}.less", 1)


def test_a_phone_is_enough(url: str, browser: Any, given: Path) -> None:
    with visited(browser, url, **PHONE) as page:
        page.get_by_role("search").get_by_role("combobox").tap()
        search(page, "a cat")
        page.get_by_role("button", name="Actions for cat.png").tap()
        with answered(page):
            page.get_by_role("button", name="More like this").tap()
        wait_for(page, CHIP, 2)
        with page.expect_file_chooser() as camera:
            page.get_by_label("Take a picture").tap()
        with answered(page):
            camera.value.set_files(given / "another dog.png")
        wait_for(page, CHIP, 3)
        link_of(page, "dog.png").tap()
        page.get_by_role("dialog").get_by_role("heading", name="dog.png").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
        page.get_by_role("dialog").get_by_label("Close").tap()
        page.get_by_role("dialog").wait_for(state="detached")
        link_of(page, "chair.glb").or_(link_of(page, "table.glb")).first.wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.get_by_role("region", name="Recently added").get_by_role("link").nth(5).wait_for()
    check_accessibility(page)
    search(page, "a dog")
    for name in ("dog.png", "bark.wav", "dog first.mp4", "chair.glb", "about bee.txt"):
        link_of(page, name).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("heading", name=name).wait_for()
        dialog.get_by_role("region", name="Similar, in every kind").get_by_role("link").first.wait_for()
        check_accessibility(page)
        page.keyboard.press("Escape")
        dialog.wait_for(state="detached")
    check_accessibility(page)
    page.goto("./?view=library")
    page.get_by_role("region", name="Files that could not be read").get_by_text("broken").first.wait_for()
    check_accessibility(page)
