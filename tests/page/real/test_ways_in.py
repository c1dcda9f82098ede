"""Every way to ask a real index: words, files, a recording and a picture of the camera."""

from pathlib import Path
from typing import Any

import pytest

from tests.page.conftest import CHIP, answered, pick, search
from tests.page.real.conftest import REAL, link_of, wait_for_best

pytestmark = REAL
HEARD_MS = 2000  # one bark and the next


def test_words_find_every_kind(page: Any) -> None:
    search(page, "a dog")
    wait_for_best(page, "image", "dog.png")
    wait_for_best(page, "audio", "bark.wav")
    for film in ("dog first.mp4", "train first.mp4"):
        link_of(page, film).wait_for()


@pytest.mark.parametrize(
    ("name", "kind", "best"),
    [
        ("another dog.png", "image", "dog.png"),
        ("another dog.png", "audio", "bark.wav"),
        ("another bark.wav", "audio", "bark.wav"),
        ("another table.glb", "point_cloud", "table.glb"),
    ],
)
def test_an_uploaded_file_finds_what_is_like_it(page: Any, given: Path, name: str, kind: str, best: str) -> None:
    pick(page, given / name)
    wait_for_best(page, kind, best)
    page.locator(CHIP, has_text=name).wait_for()


def test_a_recording_finds_the_sound_that_is_like_it(page: Any) -> None:
    page.context.grant_permissions(["microphone"])
    page.get_by_label("Record a sound").click()
    page.get_by_text("Recording. Hum").wait_for()
    page.wait_for_timeout(HEARD_MS)
    with answered(page):
        page.get_by_text("Stop and search").click()
    wait_for_best(page, "audio", "bark.wav")
    page.locator(CHIP, has_text="recording").wait_for()


def test_the_camera_finds_what_it_sees(page: Any) -> None:
    page.context.grant_permissions(["camera"])
    page.get_by_label("Take a picture").click()
    with answered(page):
        page.get_by_role("button", name="Take the picture").click()
    wait_for_best(page, "image", "dog.png")
