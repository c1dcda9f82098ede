"""Composed queries over a real index: what is added, subtracted and comes later, and how much each counts."""

from pathlib import Path
from typing import Any

from tests.page.conftest import CHIP, answered, pick, search, wait_for
from tests.page.real.conftest import REAL, link_of, wait_for_best

pytestmark = REAL


def _weigh(page: Any, chip: int, weight: str) -> None:
    page.locator(f"{CHIP} .body").nth(chip).click()
    with answered(page):
        page.get_by_role("dialog").get_by_role("slider", name="Weight").fill(weight)
    page.keyboard.press("Escape")
    wait_for(page, "[role=dialog]", 0)


def test_minus_sends_down_what_is_like_it(page: Any) -> None:
    search(page, "a dog")
    search(page, "a cat")
    for chip, best in ((0, "cat.png"), (1, "dog.png")):
        with answered(page):
            page.locator(f"{CHIP} .sign").nth(chip).click()
        wait_for_best(page, "image", best)
        with answered(page):
            page.locator(f"{CHIP} .sign").nth(chip).click()


def test_less_like_a_result_sends_it_down(page: Any, given: Path) -> None:
    pick(page, given / "another dog.png")
    search(page, "a cat")
    for name, best in (("cat.png", "dog.png"), ("dog.png", "cat.png")):
        link_of(page, name).hover()
        with answered(page):
            page.get_by_role("button", name=f"Less like {name}").click()
        wait_for_best(page, "image", best)
        with answered(page):
            page.go_back()


def test_weights_change_the_order(page: Any) -> None:
    search(page, "a dog")
    search(page, "a train")
    _weigh(page, 1, "0.2")
    wait_for_best(page, "image", "dog.png")
    _weigh(page, 0, "0.1")
    _weigh(page, 1, "2")
    wait_for_best(page, "image", "train.png")


def test_then_finds_what_comes_later_in_a_file(page: Any) -> None:
    for first, later in (("dog", "train"), ("train", "dog")):
        page.goto("./")
        search(page, f"a {first}")
        page.get_by_role("button", name="then…").click()
        search(page, f"a {later}")
        wait_for_best(page, "video", f"{first} first.mp4")
