"""The questions for a kind that was left out: its items are asked for by their names."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from omnisearch.types import Floats
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import Split
from omnisearch_training.evaluate.ground_truth import concept, names
from omnisearch_training.evaluate.metrics import Ranking, holders_of, rank
from omnisearch_training.stages.pool_embeddings import Items

Embed = Callable[[Sequence[str]], Floats]
Describe = Callable[[str], str | None]


@dataclass(frozen=True, eq=False)
class Questions:
    """The distinct names of a kind's items, the rows of the right items of each, and its concept."""

    names: tuple[str, ...]
    answers: tuple[Sequence[int], ...]
    groups: tuple[str, ...]

    def rank(self, queries: Floats, items: Floats) -> Ranking:
        """Rank the embeddings of the items (m, dim) for those of the names (n, dim)."""
        return rank(queries, items, self.answers, self.groups)


def questions(records: Sequence[Record]) -> Questions:
    """Return the questions for the items of a kind."""
    shown = names(records)
    holders = holders_of([concept(record) for record in records])
    return Questions(
        tuple(entry.key for entry in shown),
        tuple(holders[entry.concept] for entry in shown),
        tuple(entry.concept for entry in shown),
    )


def taught_without(items: Mapping[str, Items], kind: str) -> Items:
    """Return the train split of all kinds but one."""
    return Items.chain([each.of(Split.TRAIN) for other, each in items.items() if other != kind])


def caption_rows(records: Sequence[Record], embed: Embed, describe: Describe | None = None) -> list[Floats]:
    """Return the caption embeddings of each record, with a description as the last one if there is one."""
    said = []
    for record in records:
        more = describe(record.captions[0]) if describe else None
        said.append((*record.captions, *([more] if more else ())))
    flat = embed([caption for captions in said for caption in captions])
    return np.split(flat, np.cumsum([len(captions) for captions in said])[:-1])
