"""`serve --read` queues one job that reads what the index lacks."""

from contextlib import closing
from pathlib import Path

from omnisearch.cli.serve import _queue_reading
from omnisearch.config import load_settings
from omnisearch.jobs.store import JobStore
from omnisearch_indexer.session import index_files


def test_a_job_is_queued_once_if_something_is_indexed(tmp_path: Path, hashed_model: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data", model=str(hashed_model), read="full")
    _queue_reading(settings)
    (tmp_path / "a.txt").write_text("a dog")
    index_files([tmp_path / "a.txt"], settings.model_copy(update={"read": "none"}))
    _queue_reading(settings)
    _queue_reading(settings)
    with closing(JobStore.open(settings)) as jobs:
        assert [(job.kind, job.params, job.collection) for job in jobs.page()] == [
            ("enrich", {"read": "full"}, "default")
        ]
