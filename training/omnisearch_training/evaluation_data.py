"""What to evaluate on: declared datasets by name, a user's own by path."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from omnisearch.errors import NotReadyError, UsageError
from omnisearch_training.datasets import DECLARATIONS, Record
from omnisearch_training.datasets.own import open_own
from omnisearch_training.fetch import datasets_dir, manifest_path, open_dataset


def open_data(wanted: Sequence[str], split: str | None) -> dict[str, list[Record]]:
    """Read the records of datasets and paths; without any, those of every declared dataset on this machine.

    `split` None means the test split of declared datasets, and all of one's own, on which nothing was trained.

    Raises:
        NotReadyError: a dataset was not fetched, or none at all was.
        UsageError: a name is neither a dataset nor a path, a file is missing, or two records share an id.
    """
    names = wanted or [name for name in DECLARATIONS if manifest_path(name, datasets_dir()).is_file()]
    if not names:
        raise NotReadyError("no dataset is on this machine; run: omnisearch train fetch, or name a folder of media")
    found = {}
    for name in dict.fromkeys(names):
        declared = name in DECLARATIONS
        side = split or ("test" if declared else None)
        opened: Iterable[Record] = open_dataset(name) if declared else open_own(_path(name))
        found[name] = [r for r in opened if side is None or r.split == side]
    _check(record for records in found.values() for record in records)
    return found


def _path(name: str) -> Path:
    path = Path(name)
    if not path.exists():
        near = get_close_matches(name, DECLARATIONS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"{name!r} is neither a declared dataset nor a path{hint}")
    return path


def _check(records: Iterable[Record]) -> None:
    seen: set[str] = set()
    for record in records:
        if record.id in seen:
            raise UsageError(f"two records have the id {record.id!r}; pairs are found by it, so it must be unique")
        seen.add(record.id)
        for path in record.files.values():
            if not path.is_file():
                raise UsageError(f"record {record.id!r} names {path}, which is not there")
