"""What a dataset is: a declaration, and records with captions, files and a split."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnisearch.errors import NotReadyError, UsageError
from omnisearch.types import Modality
from omnisearch_training.datasets.split import Split, split_of
from omnisearch_training.fetch_package import Package


@dataclass(frozen=True)
class Record:
    """One item. `captions[0]` is its plain name; the others say more of the same thing.

    Records that share a `source_id` show the same concept and are always in the same split.
    `files` is empty for text without media.
    """

    id: str
    source_id: str
    split: Split
    captions: tuple[str, ...]
    files: Mapping[Modality, Path]
    licence: str


@dataclass(frozen=True)
class Draft:
    """What a declaration says of one item; its split and its source id follow from its name.

    `details` are further captions, richest last.
    """

    key: str
    name: str
    files: Mapping[Modality, Path]
    details: tuple[str, ...] = ()
    held_out: bool = False


@dataclass(frozen=True)
class Workshop:
    """Where a dataset is built: its unpacked packages by name, and the folder `out` for what it makes of them."""

    packages: Mapping[str, Path]
    out: Path


@dataclass(frozen=True)
class Declaration:
    """One dataset: what it holds, where it is from, and how its items are read.

    `expected` is how many records a fetch has to give, `tolerance` the share by which a newer package may differ.
    `held_out` datasets are in the test split whole: nothing is ever trained on them.
    """

    name: str
    about: str
    modalities: tuple[Modality, ...]
    packages: tuple[Package, ...]
    licence: str
    expected: int
    read: Callable[[Workshop], Iterator[Draft]]
    tolerance: float = 0.05
    held_out: bool = False


@dataclass(frozen=True)
class Dataset:
    """A fetched dataset, or a user's own: an iterable of records that lie in a file of JSON lines."""

    name: str
    manifest: Path

    def __iter__(self) -> Iterator[Record]:
        """Give every record in the order of the manifest.

        Raises:
            NotReadyError: there is no manifest, so the dataset was not fetched.
            UsageError: a line is no record; the message names the file and the line.
        """
        if not self.manifest.is_file():
            raise NotReadyError(f"dataset {self.name} is not on this machine; run: omnisearch train fetch {self.name}")
        with self.manifest.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    yield _record(json.loads(line), self.manifest.parent)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise UsageError(f"{self.manifest}, line {number} is not a record: {error}") from None

    def split(self, split: Split) -> Iterator[Record]:
        """Give the records of one side."""
        return (record for record in self if record.split is split)


def record_line(record: Record, folder: Path) -> str:
    """Write a record as one line of a manifest in `folder`; paths become relative to it."""
    row = {
        "id": record.id,
        "source_id": record.source_id,
        "split": str(record.split),
        "captions": list(record.captions),
        "licence": record.licence,
        **{str(modality): _relative(path, folder) for modality, path in record.files.items()},
    }
    return json.dumps(row, ensure_ascii=False) + "\n"


def _relative(path: Path, folder: Path) -> str:
    # Relative, so that the cache can be moved as a whole.
    return Path(os.path.relpath(path, folder)).as_posix()


def _record(row: Mapping[str, Any], folder: Path) -> Record:
    captions = tuple(row["captions"])
    if not captions or not all(isinstance(caption, str) and caption for caption in captions):
        raise ValueError(f"captions must be one or more texts, not {row['captions']!r}")
    key = str(row["id"])
    source = str(row.get("source_id", key))
    return Record(
        id=key,
        source_id=source,
        split=Split(row["split"]) if "split" in row else split_of(source),
        captions=captions,
        files={modality: folder / row[modality] for modality in Modality if modality in row},
        licence=str(row.get("licence", "")),
    )
