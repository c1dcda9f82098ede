"""Errors of a real server, which a person can read and get out of."""

import json
import os
from pathlib import Path
from typing import Any

from tests.page.conftest import CHIP
from tests.page.real.conftest import REAL, Server, wait_for_best

pytestmark = REAL


def _fails(page: Any, file: Path) -> Any:
    """Pick a file that is refused, and give what is said of it."""
    page.locator("input[type=file]").first.set_input_files(file)
    said = page.get_by_role("alert").locator("p", has_text=file.name)
    said.wait_for()
    assert page.locator(CHIP).count() == 0
    return said


def test_a_server_that_is_down_is_waited_for(page: Any, server: Server) -> None:
    page.watch.expect("ERR_CONNECTION|status of 503|apply style|preload CSS|imported module")
    server.stop()
    try:
        page.get_by_role("search").get_by_role("combobox").fill("a dog")
        page.get_by_role("search").get_by_role("combobox").press("Enter")
        page.locator("main").get_by_role("alert").get_by_text("The server cannot be reached").wait_for()
    finally:
        server.start()
    page.locator("main").get_by_role("button", name="Try again").click()
    wait_for_best(page, "image", "dog.png")


def test_an_unsupported_file_is_told_and_not_tried_again(page: Any, given: Path) -> None:
    page.watch.expect("status of 422")
    said = _fails(page, given / "odd.xyz")
    assert "xyz" in said.inner_text().replace("odd.xyz", "", 1)
    assert said.get_by_text("Try again").count() == 0


def test_an_upload_that_is_too_large_is_told_before_it_is_sent(page: Any, given: Path) -> None:
    limit = page.request.get("v1/status").json()["limits"]["body"]
    large = given / "large.png"
    large.touch()
    os.truncate(large, limit + 1)
    assert "this server accepts up to" in _fails(page, large).inner_text()


def test_an_upload_that_the_server_finds_too_large_is_told(page: Any, given: Path) -> None:
    def status(route: Any) -> None:
        answer = route.fetch()
        found = answer.json()
        found["limits"]["body"] *= 2  # as of a page that was opened before the limit changed
        route.fulfill(response=answer, body=json.dumps(found))

    page.watch.expect("status of 413|ERR_CONNECTION_RESET|ERR_ABORTED")
    page.route("**/v1/status", status)
    with page.expect_response("**/v1/status"):
        page.reload()
    large = given / "larger.png"
    large.touch()
    os.truncate(large, page.request.get("v1/status").json()["limits"]["body"] + 1)
    with page.expect_response(lambda answer: answer.status == 413):
        said = _fails(page, large)
    assert "larger than this server accepts" in said.inner_text()
    assert said.get_by_text("Try again").count() == 0
