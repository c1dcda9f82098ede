"""A user's copy of a benchmark's data: read it, and refuse it if it is incomplete."""

from collections.abc import Iterable
from pathlib import Path

from omnisearch.errors import UsageError
from omnisearch_training.benchmarks.base import Benchmark, Protocol
from omnisearch_training.datasets import Dataset, Record
from omnisearch_training.datasets.load import check

MANIFEST = "manifest.jsonl"


def open_copy(benchmark: Benchmark, folder: Path, work: Path, partial: bool = False) -> list[Record]:
    """Read the items of a benchmark from a folder: from its `manifest.jsonl`, else in the benchmark's own layout.

    Raises:
        UsageError: the folder is no copy of the benchmark, two items share an id, or, unless `partial`, it has another
            number of items or classes than the benchmark; says where to get the data.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder. {where(benchmark)}")
    manifest = folder / MANIFEST
    try:
        listed = list(Dataset(benchmark.name, manifest) if manifest.is_file() else benchmark.read(folder, work))
    except (FileNotFoundError, KeyError, ValueError) as error:
        problem = f"{error.filename} is missing" if isinstance(error, FileNotFoundError) else f"not readable: {error!r}"
        raise UsageError(f"{folder} is no copy of {benchmark.title}: {problem}. {where(benchmark)}") from None
    missing = next((path for record in listed for path in _files(benchmark, record) if not path.is_file()), None)
    records = [record for record in listed if all(path.is_file() for path in _files(benchmark, record))]
    check(records)
    example = "" if missing is None else f"{missing} is missing. "
    if not partial or not records:
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


def _files(benchmark: Benchmark, record: Record) -> list[Path]:
    """The files of a record that the benchmark needs."""
    return [record.files[modality] for modality in benchmark.media]
