"""A user's copy of a benchmark's data: read it, and refuse it if it is incomplete."""

import csv
import pickle
from collections.abc import Iterable
from pathlib import Path

from omnisearch.errors import UsageError
from omnisearch_training.benchmarks.base import Benchmark, Protocol
from omnisearch_training.datasets import Dataset, Record
from omnisearch_training.datasets.load import check

MANIFEST = "manifest.jsonl"
# The errors of readers of layouts when a file has another structure than they expect.
MALFORMED = (LookupError, TypeError, AttributeError, ValueError, csv.Error, pickle.UnpicklingError, EOFError)


def open_copy(benchmark: Benchmark, folder: Path, work: Path, partial: bool = False) -> list[Record]:
    """Read the items of a benchmark from a folder: from its `manifest.jsonl`, else in the benchmark's own layout.

    Raises:
        UsageError: the folder is no copy of the benchmark, two items share an id, an item has no caption, or, unless
            `partial`, the copy has another number of items or classes than the benchmark; says where to get the data.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder. {where(benchmark)}")
    listed = _read(benchmark, folder, work)
    missing = next((path for record in listed for path in _files(benchmark, record) if not path.is_file()), None)
    records = [record for record in listed if all(path.is_file() for path in _files(benchmark, record))]
    check({f"{benchmark.title} in {folder}": records})
    example = "" if missing is None else f"{missing} is missing. "
    if partial and not records:
        raise _no_copy(benchmark, folder, f"{example}It has no item")
    if not partial:
        check_count(benchmark, len(records), "items", benchmark.items, folder, example)
    if not partial and benchmark.protocol is not Protocol.RETRIEVAL:
        check_count(benchmark, len(classes_of(benchmark, records)), "classes", benchmark.classes, folder, example)
    return records


def check_count(benchmark: Benchmark, found: int, what: str, expected: int, folder: Path, example: str = "") -> None:
    """Refuse a wrong number of items or classes.

    Raises:
        UsageError: the numbers differ; names both, and where to get the data.
    """
    if found != expected:
        raise UsageError(
            f"{benchmark.title} has {expected:,} {what}, and {folder} has {found:,}. {example}{where(benchmark)}. With "
            "--partial an incomplete copy is evaluated, without a comparison with the paper"
        )


def classes_of(benchmark: Benchmark, records: Iterable[Record]) -> dict[str, str]:
    """Return the names of the classes by their keys, in the order of their first items."""
    found: dict[str, str] = {}
    for record in records:
        if benchmark.protocol is Protocol.TAGGING:
            found |= {label: label for label in record.captions}
        else:
            found.setdefault(class_of(record), record.captions[0])
    return found


def class_of(record: Record) -> str:
    """Return the key of a record's class: its source, or its name if it is its own source, as in manifests."""
    return record.captions[0] if record.source_id == record.id else record.source_id


def where(benchmark: Benchmark) -> str:
    """Say where to get the data of a benchmark, and which files its folder must have."""
    other = "" if MANIFEST in benchmark.layout else f", or a {MANIFEST}"
    return f"Get the data: {benchmark.source}; the folder needs {benchmark.layout}{other}"


def _read(benchmark: Benchmark, folder: Path, work: Path) -> list[Record]:
    """Read the items of a copy, and check their captions, the kinds of their files, and the prompts.

    Raises:
        UsageError: the folder has no listing, or a listing with another structure.
    """
    manifest = folder / MANIFEST
    try:
        listed = list(Dataset(benchmark.name, manifest) if manifest.is_file() else benchmark.read(folder, work))
        for prompt in benchmark.prompts(folder):
            prompt.format("")
        for record in listed:
            _check_item(benchmark, record)
    except FileNotFoundError as error:
        raise _no_copy(benchmark, folder, f"{error.filename} is missing") from None
    except OSError as error:
        raise _no_copy(benchmark, folder, f"{error.filename} cannot be read: {error.strerror}") from None
    except MALFORMED as error:
        raise _no_copy(benchmark, folder, f"not readable: {type(error).__name__}: {error}") from None
    return listed


def _check_item(benchmark: Benchmark, record: Record) -> None:
    """Check that an item has captions and the files that the benchmark needs.

    Raises:
        ValueError: one is missing; names the item.
    """
    if not record.captions or not all(isinstance(text, str) and text.strip() for text in record.captions):
        raise ValueError(f"item {record.id!r} has no caption, or an empty one")
    for text in record.captions:
        text.encode()  # JSON may have half a surrogate pair, which is no character
    for modality in benchmark.media:
        if modality not in record.files:
            raise ValueError(f"item {record.id!r} has no {modality}")
        record.files[modality].is_file()  # raises OSError if the system refuses the path, such as a name too long


def _no_copy(benchmark: Benchmark, folder: Path, problem: str) -> UsageError:
    return UsageError(f"{folder} is no copy of {benchmark.title}: {problem}. {where(benchmark)}")


def _files(benchmark: Benchmark, record: Record) -> list[Path]:
    """The files of a record that the benchmark needs."""
    return [record.files[modality] for modality in benchmark.media]
