"""The job `pull`: fetch and check the weight files of a model, and import a published model."""

import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

from omnisearch.config import Settings
from omnisearch.errors import StoppedError
from omnisearch.jobs.job import Job, Reporter


def run_pull(job: Job, settings: Settings, reporter: Reporter, stop: threading.Event) -> Mapping[str, Any]:
    """Pull the `model` of a job. Existing files are checked and kept, so an interrupted pull is resumed.

    Raises:
        StoppedError: `stop` was set.
        OmnisearchError: as `pull_all` and `install`.
    """
    from omnisearch.binding.installed import RELEASED, install
    from omnisearch.binding.needed_weights import needed_files
    from omnisearch.spaces.weights.pull import pull_all
    from omnisearch.spaces.weights.spec import WeightSpec

    model = job.params["model"]
    specs = needed_files([model], False, settings)
    sizes = [spec.held_to(settings.weights_dir)[1] or spec.size for spec in specs]
    total = None if None in sizes else sum(size for size in sizes if size is not None)
    done = 0

    def advance(spec: WeightSpec, count: int) -> None:
        nonlocal done
        done += count
        reporter.report(done, total, "bytes", spec.name)
        if stop.is_set():
            raise StoppedError("the pull was stopped; a retry continues with the remaining files")

    pull_all(specs, settings, lambda spec: partial(advance, spec))
    if model in RELEASED:
        install(model, settings)
    return {"model": model, "files": [spec.name for spec in specs], "bytes": done}
