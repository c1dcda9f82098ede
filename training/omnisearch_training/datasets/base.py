"""Datasets: a declaration, and records with captions, files and a split."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.datasets.fetch_package import Package
from omnisearch_training.datasets.split import Split


@dataclass(frozen=True)
class Record:
    """One item. `captions[0]` is its plain name; further captions describe the same thing in more detail.

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
    """An item as read by a declaration; its split and its source id are derived from its name.

    `details` are further captions, richest last.
    """

    key: str
    name: str
    files: Mapping[Modality, Path]
    details: tuple[str, ...] = ()
    held_out: bool = False


@dataclass(frozen=True)
class Workshop:
    """The input and output of building a dataset: its unpacked packages by name, and the folder `out` for new files."""

    packages: Mapping[str, Path]
    out: Path


@dataclass(frozen=True)
class Declaration:
    """One dataset: its description, its packages, and the function that reads its items.

    `expected` is the number of records, `tolerance` the share by which a newer package may differ from it.
    `held_out` datasets are completely in the test split, so nothing is trained on them.
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
