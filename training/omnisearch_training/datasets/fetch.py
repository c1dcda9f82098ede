"""Fetch a declared dataset: download its packages, read its items, assign splits, check the count."""

import logging
import os
from pathlib import Path

from platformdirs import user_cache_path

from omnisearch.durable import replace_file
from omnisearch_training.datasets import DECLARATIONS, Declaration
from omnisearch_training.datasets.base import Draft, Record, Workshop
from omnisearch_training.datasets.fetch_package import PackageError, fetch_package
from omnisearch_training.datasets.manifest import Dataset, record_line
from omnisearch_training.datasets.split import Split, source_id, split_of

log = logging.getLogger(__name__)


def datasets_dir() -> Path:
    """Return the folder of datasets: OMNISEARCH_DATASETS_DIR, else the user's cache folder."""
    chosen = os.environ.get("OMNISEARCH_DATASETS_DIR")
    return Path(chosen) if chosen else user_cache_path("omnisearch") / "datasets"


def manifest_path(name: str, root: Path) -> Path:
    """Return the path of the records of a fetched dataset."""
    return root / "sets" / name / "records.jsonl"


def open_dataset(name: str, root: Path | None = None) -> Dataset:
    """Return a dataset by its declared name; it reads what `fetch` wrote to `root` (default: `datasets_dir()`)."""
    return Dataset(name, manifest_path(DECLARATIONS[name].name, root or datasets_dir()))


def fetch(declaration: Declaration, root: Path) -> Dataset:
    """Fetch a dataset unless it is on this machine. The manifest is written last, so its presence means complete.

    Raises:
        NotReadyError: a registry's client is not on this machine.
        PackageError: a package failed, or the count differs from the declaration.
    """
    manifest = manifest_path(declaration.name, root)
    if not manifest.is_file():
        manifest.parent.mkdir(parents=True, exist_ok=True)
        packages = {package.name: fetch_package(package, root) for package in declaration.packages}
        log.info("building %s", declaration.name)
        drafts = list(declaration.read(Workshop(packages, manifest.parent)))
        _check_count(declaration, len(drafts))
        lines = (record_line(_record(declaration, draft), manifest.parent) for draft in drafts)
        replace_file(manifest, "".join(lines))
    return Dataset(declaration.name, manifest)


def _check_count(declaration: Declaration, count: int) -> None:
    if abs(count - declaration.expected) > declaration.tolerance * declaration.expected:
        raise PackageError(
            f"dataset {declaration.name} gave {count} records, but about {declaration.expected} were expected "
            f"(tolerance {declaration.tolerance:.0%}): a package has changed; correct its declaration"
        )


def _record(declaration: Declaration, draft: Draft) -> Record:
    key = f"{declaration.name}/{draft.key}"
    # A held-out item is its own source: its chair does not put every other chair in the test split.
    held_out = declaration.held_out or draft.held_out
    source = key if held_out else source_id(draft.name)
    captions = tuple(dict.fromkeys((draft.name, *draft.details)))
    return Record(key, source, Split.TEST if held_out else split_of(source), captions, draft.files, declaration.licence)
