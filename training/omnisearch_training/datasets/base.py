"""What a dataset is: a declaration, and records with captions, files and a split."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.datasets.fetch_package import Package
from omnisearch_training.datasets.split import Split


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
