"""Load datasets: declared ones by name, a user's own by path."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from omnisearch.errors import NotReadyError, UsageError
from omnisearch.wording import did_you_mean
from omnisearch_training.datasets import DECLARATIONS, Record
from omnisearch_training.datasets.fetch import datasets_dir, manifest_path, open_dataset
from omnisearch_training.datasets.user_dataset import open_own


def open_named(name: str) -> list[Record]:
    """Read the records of a declared dataset, or of the user's manifest or folder at this path.

    Raises:
        NotReadyError: the dataset was not fetched.
        UsageError: the name is neither a dataset nor a path.
    """
    if name in DECLARATIONS:
        return list(open_dataset(name))
    path = Path(name)
    if not path.exists():
        raise UsageError(f"{name!r} is neither a declared dataset nor a path{did_you_mean(name, DECLARATIONS)}")
    return list(open_own(path))


def open_data(wanted: Sequence[str], split: str | None) -> dict[str, list[Record]]:
    """Read the records of datasets and paths; by default those of every declared dataset on this machine.

    `split` None means the test split of declared datasets, and all records of the user's own, which are untrained.

    Raises:
        NotReadyError: a dataset was not fetched, or no dataset is on this machine.
        UsageError: a name is neither a dataset nor a path, a file is missing, or two records share an id.
    """
    found = {}
    for name, records in open_whole(wanted).items():
        side = split or ("test" if name in DECLARATIONS else None)
        found[name] = [record for record in records if side is None or record.split == side]
    return found


def open_whole(wanted: Sequence[str]) -> dict[str, list[Record]]:
    """Read all records of datasets and paths, whatever their split; by default of every declared dataset here.

    Raises:
        NotReadyError: as `open_data`.
        UsageError: as `open_data`.
    """
    names = wanted or [name for name in DECLARATIONS if manifest_path(name, datasets_dir()).is_file()]
    if not names:
        raise NotReadyError("no dataset is on this machine; run: omnisearch train fetch, or name a folder of media")
    found = {name: open_named(name) for name in dict.fromkeys(names)}
    check(found)
    return found


def check(data: Mapping[str, Iterable[Record]]) -> None:
    """Check that ids are unique in all data together and that files exist, before hours of work on them.

    `data` are the records by the name of their dataset or benchmark.

    Raises:
        UsageError: names the record, its dataset, and the file that is missing.
    """
    seen: dict[str, str] = {}
    for name, records in data.items():
        for record in records:
            if record.id in seen:
                whose = " and ".join(dict.fromkeys((seen[record.id], name)))
                raise UsageError(
                    f"two records of {whose} have the id {record.id!r}; ids must be unique, because pairs refer to them"
                )
            seen[record.id] = name
            for path in record.files.values():
                if not path.is_file():
                    raise UsageError(f"record {record.id!r} of {name} names {path}, which does not exist")
