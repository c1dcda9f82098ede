"""A table of jobs in a folder of its own."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from omnisearch.jobs.store import JOBS_FILE, JobStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    with closing(JobStore(tmp_path / JOBS_FILE)) as store:
        yield store
