"""The pools of one split, from which pairs are mined, with the space embeddings of all items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omnisearch.types import Floats, Modality, SpaceEmbeddings
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import Split
from omnisearch_training.stages.crossfit import CrossFit
from omnisearch_training.stages.features import Features, Table
from omnisearch_training.stages.pools import UNKNOWN, Pools

TEXT = Modality.TEXT
# The sources of texts by the modality of their records: the labels of the decoupling loss. A text without an item has
# no source.
SOURCES = {Modality.IMAGE: "vision", Modality.AUDIO: "audio", Modality.POINT_CLOUD: "shape"}


@dataclass(frozen=True, eq=False)
class Items:
    """Records of one modality: row i of each tower's `features` (n, width) belongs to record i."""

    records: tuple[Record, ...]
    features: Mapping[str, Floats]

    @classmethod
    def join(cls, tables: Mapping[str, Table]) -> "Items":
        """Join the tables of several towers, with the records that all of them could read."""
        shared = set.intersection(*({record.id for record in table.records} for table in tables.values()))
        kept = {
            tower: [i for i, record in enumerate(table.records) if record.id in shared]
            for tower, table in tables.items()
        }
        tower = next(iter(tables))
        records = tuple(tables[tower].records[i] for i in kept[tower])
        return cls(records, {tower: table.features[kept[tower]] for tower, table in tables.items()})

    @classmethod
    def chain(cls, parts: Sequence["Items"]) -> "Items":
        """Concatenate the items of several datasets."""
        towers = parts[0].features
        features = {tower: np.concatenate([part.features[tower] for part in parts]) for tower in towers}
        return cls(tuple(record for part in parts for record in part.records), features)

    def with_features(self, name: str, rows: Floats) -> "Items":
        """Add features under another name: row i (of any shape) belongs to record i."""
        return Items(self.records, {**self.features, name: rows})

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "Items":
        """Return some rows."""
        features = {tower: each[rows] for tower, each in self.features.items()}
        return Items(tuple(self.records[i] for i in rows), features)

    def of(self, split: Split) -> "Items":
        """Return the rows of one split."""
        return self.take([i for i, record in enumerate(self.records) if record.split is split])

    @property
    def concepts(self) -> tuple[str, ...]:
        """The concept of each row."""
        return tuple(record.source_id for record in self.records)


@dataclass(frozen=True, eq=False)
class Gathered:
    """Space embeddings of every pool, the concept of each item, and the text of each item's plain name.

    `groups[m]` (n,) numbers the concepts across modalities; `names[m]` (n,) indexes the texts; `sources` (texts) are
    the sources of the texts.
    """

    embeddings: SpaceEmbeddings
    sources: Sequence[str]
    groups: Mapping[Modality, NDArray[np.int64]]
    names: Mapping[Modality, NDArray[np.int64]]

    @property
    def pools(self) -> Pools:
        """The pools for mining pairs."""
        return Pools(self.embeddings, self.sources)


def gather(
    items: Mapping[Modality, Items],
    wanted: Mapping[Modality, tuple[str, ...]],
    spaces: Mapping[str, CrossFit],
    features: Features,
) -> Gathered:
    """Embed the items and their captions in the spaces `wanted` of each modality."""
    concepts: dict[str, int] = {}
    texts: dict[str, tuple[str, str]] = {}  # text -> its source and its concept
    groups, names = {}, {}
    for m, each in items.items():
        groups[m] = np.array([concepts.setdefault(concept, len(concepts)) for concept in each.concepts])
        for record in each.records:
            for caption in record.captions:
                texts.setdefault(caption, (SOURCES.get(m, UNKNOWN), record.source_id))
    places = {text: i for i, text in enumerate(texts)}
    shown = {m: each for m, each in items.items() if m is not TEXT}
    for m, each in shown.items():
        names[m] = np.array([places[record.captions[0]] for record in each.records])
    about = [concept for _, concept in texts.values()]
    groups[TEXT] = np.array([concepts[concept] for concept in about])
    embeddings = {}
    for m, each in shown.items():
        for name in wanted[m]:
            rows = each.features[spaces[name].space.spec.towers[m]]
            embeddings[name, m] = spaces[name].project(m, rows, each.concepts)
    for name in wanted[TEXT]:
        rows = features.texts(list(texts), spaces[name].space.spec.towers[TEXT])
        embeddings[name, TEXT] = spaces[name].project(TEXT, rows, about)
    return Gathered(embeddings, [source for source, _ in texts.values()], groups, names)
