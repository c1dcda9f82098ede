"""The collection without a question: shelves, filters and the map."""

import re
from typing import Any

import pytest

from omnisearch.config import Settings
from omnisearch.search.map import Map, MapPoint, write_map
from omnisearch.types import Modality
from tests.api.conftest import HOSTILE_NAME, IDS, ScriptedEngine
from tests.page.conftest import BROWSER, answered, search

pytestmark = BROWSER


def shelf(page: Any, name: str) -> Any:
    return page.get_by_role("region", name=name)


def test_a_new_visitor_sees_a_sample_and_what_is_new(page: Any) -> None:
    sample = shelf(page, "A handful of everything")
    sample.get_by_role("link").nth(5).wait_for()
    recent = shelf(page, "Recently added").get_by_role("link")
    recent.nth(5).wait_for()
    assert recent.count() == 6
    assert sample.get_by_text(HOSTILE_NAME).count() == 1
    with answered(page, "**/v1/items?*seed=*"):
        page.get_by_role("button", name="Another handful").click()
    sample.get_by_title("dog.png").click()
    page.wait_for_url(f"**open={IDS['im']}*")


def test_filters_without_words_show_what_fits(page: Any) -> None:
    page.goto("./?in=audio&in=video")
    fits = shelf(page, "Items that match the filters")
    fits.get_by_role("link").nth(1).wait_for()
    assert sorted(fits.get_by_role("link").evaluate_all("(links) => links.map((link) => link.title)")) == [
        "bark.wav",
        "run.mp4",
    ]
    page.get_by_role("button", name="Remove Films").click()
    page.wait_for_url(lambda address: address.endswith("?in=audio"))
    field = page.get_by_role("combobox", name="Add words to the query")
    with answered(page, "**/v1/items?*where=*"):
        field.fill("size>1GB")
        field.press("Enter")
    page.get_by_text("No item matches").wait_for()
    page.get_by_role("button", name="Remove Size: > 1GB").click()
    fits.get_by_role("link", name="bark.wav").wait_for()


@pytest.fixture
def mapped(page: Any, settings: Settings) -> Any:
    """The map with a picture at its lower left and a sound at its upper right."""
    points = (MapPoint(IDS["im"], Modality.IMAGE, -0.5, -0.5), MapPoint(IDS["au"], Modality.AUDIO, 0.5, 0.5))
    settings.index_dir.mkdir(parents=True, exist_ok=True)
    write_map(Map("toy", len(IDS), 1.7e9, points), settings.index_dir)
    page.goto("./?view=map")
    page.get_by_role("application").wait_for()
    return page


def at(page: Any, right: float, up: float) -> tuple[float, float]:
    """The pixel of a share of the way from the middle of the map to the edge of the square that holds its points."""
    box = page.get_by_role("application").bounding_box()
    side = 0.85 * min(box["width"], box["height"]) / 2
    return box["x"] + box["width"] / 2 + right * side, box["y"] + box["height"] / 2 - up * side


def test_a_point_is_previewed_and_opened(mapped: Any) -> None:
    mapped.mouse.move(*at(mapped, -1, -1))
    mapped.get_by_text("dog.png").wait_for()
    mapped.mouse.click(*at(mapped, -1, -1))
    mapped.wait_for_url(f"**open={IDS['im']}*")


def test_the_map_is_used_by_keyboard(mapped: Any) -> None:
    mapped.get_by_role("application").focus()
    for key in ("+", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp"):
        mapped.keyboard.press(key)
    mapped.keyboard.press("Enter")
    mapped.wait_for_url(f"**open={IDS['au']}*")


def test_an_area_limits_the_query(mapped: Any, engine: ScriptedEngine) -> None:
    mapped.get_by_role("button", name="Draw an area").click()
    mapped.mouse.move(*at(mapped, -1.1, -1.1))
    mapped.mouse.down()
    for corner in ((-1.1, -0.8), (-0.8, -0.8), (-0.8, -1.1)):
        mapped.mouse.move(*at(mapped, *corner), steps=4)
    mapped.mouse.up()
    mapped.get_by_text("1 item in this area").wait_for()
    mapped.get_by_role("button", name="Show them").click()
    shelf(mapped, "Items that match the filters").wait_for()
    search(mapped, "a dog")
    assert len(engine.queries[-1].area) > 2
    with answered(mapped):
        mapped.get_by_role("button", name="Remove An area of the map").click()
    assert not engine.queries[-1].area
    mapped.go_back()
    mapped.go_back()
    mapped.go_back()
    mapped.get_by_role("button", name="Clear").click()
    assert not re.search("area=", mapped.url)


def test_kinds_are_hidden_from_the_map(mapped: Any) -> None:
    mapped.get_by_role("button", name="Pictures", pressed=True).click()
    mapped.mouse.click(*at(mapped, -1, -1))
    mapped.get_by_role("button", name="Pictures", pressed=False).wait_for()
    assert "open=" not in mapped.url


def test_without_a_map_one_can_be_asked_for(page: Any) -> None:
    page.goto("./?view=map")
    page.get_by_role("button", name="Draw the map").click()
    page.get_by_text("The map is being drawn").wait_for()
