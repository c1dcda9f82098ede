"""A benchmark: its data, its protocol, and the figures of the OmniBind paper."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from omnisearch.types import Modality
from omnisearch_training.datasets import Record, Split

PAPER = "arXiv 2407.11895"
BASE, LARGE, FULL = "omnibind-base", "omnibind-large", "omnibind-full"
PLAIN = "{}"


class Protocol(StrEnum):
    """The way a benchmark is evaluated.

    `retrieval`: both directions between `query`, which has files, and `target`, and their mean. `classification`: every
    item among the class names. `tagging`: the mean over classes of the average precision of the items with the label.
    """

    RETRIEVAL = "retrieval"
    CLASSIFICATION = "classification"
    TAGGING = "tagging"


@dataclass(frozen=True)
class Published:
    """Figures of the paper in per cent, by model, in the order of `metrics`; `source` names the table."""

    source: str
    metrics: tuple[str, ...]
    figures: Mapping[str, tuple[float, ...]]


def table_2(base: tuple[float, float], large: tuple[float, float], full: tuple[float, float]) -> Published:
    """Figures of retrieval: the mean of both directions of R@1 and R@5, for the three models."""
    return Published(f"{PAPER}, Table 2", ("R@1", "R@5"), {BASE: base, LARGE: large, FULL: full})


def table_3(base: tuple[float, float], large: tuple[float, float], full: tuple[float, float]) -> Published:
    """Figures of zero-shot classification: top-1 and top-5 accuracy, for the three models."""
    return Published(f"{PAPER}, Table 3", ("R@1", "R@5"), {BASE: base, LARGE: large, FULL: full})


def one_prompt(template: str) -> Callable[[Path], Sequence[str]]:
    """Return the prompts of a benchmark with one template, which does not depend on the folder of the data."""
    return lambda _: (template,)


@dataclass(frozen=True)
class Benchmark:
    """One benchmark.

    `items` and `classes` are the counts that a complete copy has. `source` says where to get the data, and `layout`
    which files `read` expects in the folder. `read` yields records from the folder, and may write files in another
    one: in retrieval their captions are the texts of the item; in classification `source_id` is the class and the
    caption its name; in tagging the captions are the names of all labels. `prompts` are the templates into which names
    of classes are put; a class is the mean of them.
    """

    name: str
    title: str
    protocol: Protocol
    query: Modality
    target: Modality
    items: int
    source: str
    layout: str
    read: Callable[[Path, Path], Iterator[Record]]
    classes: int = 0
    prompts: Callable[[Path], Sequence[str]] = field(default=one_prompt(PLAIN))
    published: Published | None = None
    note: str = ""

    @property
    def media(self) -> tuple[Modality, ...]:
        """The modalities of the files of an item."""
        return (self.query,) if self.target is Modality.TEXT else (self.query, self.target)


def item(key: str, captions: Sequence[str], files: Mapping[Modality, Path], group: str | None = None) -> Record:
    """Return an item of a benchmark; `group` is its class."""
    return Record(key, group or key, Split.TEST, tuple(captions), files, "")
