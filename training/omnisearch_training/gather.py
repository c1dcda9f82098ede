"""The pools of one split: what pairs are mined from, with the space embeddings of everything in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omnisearch.spaces.base import Space
from omnisearch.types import Modality, SpaceEmbeddings
from omnisearch_training.features import Features, Table
from omnisearch_training.pairs import Pools

TEXT = Modality.TEXT
# What kind of thing a text was written about, by the modality of its record: the labels of the decoupling loss.
SOURCES = {Modality.IMAGE: "vision", Modality.AUDIO: "audio", Modality.POINT_CLOUD: "shape"}


@dataclass(frozen=True, eq=False)
class Gathered:
    """Space embeddings of every pool, which items show the same thing, and which text is each item's plain name.

    `groups[m]` (n,) numbers the concepts across modalities; `names[m]` (n,) indexes the texts; `sources` (texts) says
    what each text was written about.
    """

    embeddings: SpaceEmbeddings
    sources: Sequence[str]
    groups: Mapping[Modality, NDArray[np.int64]]
    names: Mapping[Modality, NDArray[np.int64]]

    @property
    def pools(self) -> Pools:
        """What pairs are mined from."""
        return Pools(self.embeddings, self.sources)


def gather(
    tables: Mapping[Modality, Table],
    wanted: Mapping[Modality, tuple[str, ...]],
    spaces: Mapping[str, Space],
    features: Features,
) -> Gathered:
    """Embed the tables' records and their captions in the spaces `wanted` of each modality."""
    concepts: dict[str, int] = {}
    texts: dict[str, tuple[str, int]] = {}
    groups, names = {}, {}
    for m, table in tables.items():
        groups[m] = np.array([concepts.setdefault(group, len(concepts)) for group in table.groups])
        for record, concept in zip(table.records, groups[m].tolist(), strict=True):
            for caption in record.captions:
                texts.setdefault(caption, (SOURCES[m], concept))
    places = {text: i for i, text in enumerate(texts)}
    for m, table in tables.items():
        names[m] = np.array([places[record.captions[0]] for record in table.records])
    groups[TEXT] = np.array([concept for _, concept in texts.values()])
    embeddings = {
        (name, m): spaces[name].project(m, table.features) for m, table in tables.items() for name in wanted[m]
    }
    for name in wanted[TEXT]:
        rows = features.texts(list(texts), spaces[name].spec.towers[TEXT])
        embeddings[name, TEXT] = spaces[name].project(TEXT, rows)
    return Gathered(embeddings, [source for source, _ in texts.values()], groups, names)
