"""The library: folders, jobs as they run, failures and the model."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from omnisearch.config import Settings, load_settings
from omnisearch.jobs.job import Failure, Progress, State
from omnisearch.jobs.store import JobStore
from tests.page.conftest import BROWSER

pytestmark = BROWSER
OWNER = "a worker"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "photos" / "2023 <b>summer").mkdir(parents=True)
    return tmp_path / "photos"


@pytest.fixture
def settings(root: Path) -> Settings:
    return load_settings(index_roots=(root,))


@pytest.fixture
def store(page: Any, settings: Settings) -> Iterator[JobStore]:
    page.goto("./?view=library")
    with closing(JobStore.open(settings)) as store:
        yield store


def test_a_folder_is_chosen_and_indexed_and_its_progress_is_seen(page: Any, store: JobStore, root: Path) -> None:
    page.get_by_role("button", name="Add a folder").click()
    page.get_by_role("button", name="2023 <b>summer").click()
    page.get_by_text(str(root / "2023 <b>summer"), exact=True).wait_for()
    page.get_by_role("button", name="Index this folder").click()
    jobs = page.get_by_role("region", name="Jobs")
    jobs.get_by_text("waiting").wait_for()
    job = store.claim(OWNER)
    assert job is not None
    assert job.params["paths"] == [str(root / "2023 <b>summer")]
    store.beat(job, OWNER, Progress(2_000_000, 8_000_000, "bytes", "3 of 9 files"))
    jobs.get_by_text("2.00 MB of 8.00 MB · 3 of 9 files").wait_for()
    store.end(job, OWNER, State.DONE, Progress(8_000_000, 8_000_000, "bytes"), result={"indexed": 9})
    jobs.get_by_text("done").wait_for()
    jobs.get_by_text("indexed 9").wait_for()


def test_a_failed_job_says_why_and_runs_again(page: Any, store: JobStore, root: Path) -> None:
    page.get_by_role("button", name="Index", exact=True).click()
    page.get_by_text("waiting").wait_for()
    job = store.claim(OWNER)
    assert job is not None
    assert job.params["paths"] == [str(root)]
    store.end(job, OWNER, State.FAILED, Progress(), error=Failure("disk_full", "the disk of <i>/data</i> is full"))
    page.get_by_text("the disk of <i>/data</i> is full").wait_for()
    page.get_by_role("button", name="Run again").click()
    page.get_by_text("waiting").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("stopped").wait_for()


def test_a_job_of_another_client_appears_by_itself_and_a_drawn_map_disappears(page: Any, store: JobStore) -> None:
    page.get_by_text("No job ran yet.").wait_for()
    store.add("map", {})
    page.get_by_role("region", name="Jobs").get_by_text("Draw the map").wait_for()
    job = store.claim(OWNER)
    assert job is not None
    store.end(job, OWNER, State.DONE, Progress())
    page.get_by_text("No job ran yet.").wait_for()


def test_a_format_that_is_not_read_is_not_tried_again(page: Any, store: JobStore) -> None:
    row = {"path": "/a.xyz", "message": "this format is not read", "detail": "", "attempts": 1}

    def failures(route: Any) -> None:
        listed = [{**row, "reason": "unsupported_format"}]
        reasons = {"unsupported_format": 1, "damaged": 2}
        route.fulfill(json={"failures": listed, "reasons": reasons, "next_cursor": None})

    page.route("**/v1/failures?*", failures)
    page.reload()
    shown = page.get_by_role("region", name="Files that could not be read")
    shown.get_by_role("button", name="Try all again").wait_for()
    shown.get_by_role("button", name="unsupported format").click()
    shown.get_by_text("Save them in another format").wait_for()
    assert shown.get_by_role("button", name="Try all again").count() == 0


def test_without_what_reads_the_way_out_is_said(page: Any, store: JobStore) -> None:
    page.get_by_text("omnisearch models pull speech-en").wait_for()
    assert page.get_by_role("button", name="Read what is missing").is_disabled()
