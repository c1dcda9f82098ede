"""Zero-shot classification: the items of every dataset among the concepts of that dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omnisearch.binding.model import OmniBind
from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.ground_truth import rows_of
from omnisearch_training.evaluate.metrics import Recall, rank
from omnisearch_training.evaluate.recall import Side


@dataclass(frozen=True)
class Classified:
    """Recall@k of the right class for a dataset's items; `targets` is the number of classes."""

    dataset: str
    modality: Modality
    recall: Recall


def classify(
    model: OmniBind, datasets: Mapping[str, Sequence[Record]], sides: Mapping[Modality, Side], seed: int = 0
) -> list[Classified]:
    """Classify every item of each dataset with two concepts or more.

    A class is a concept; its text is the first plain name of the concept, without a prompt.
    """
    if Modality.TEXT not in sides:
        return []
    names = sides[Modality.TEXT].rows
    texts = model.bind(Modality.TEXT, sides[Modality.TEXT].embeddings)
    found = []
    for modality in (m for m in sides if m is not Modality.TEXT):
        rows, items = sides[modality].rows, model.bind(modality, sides[modality].embeddings)
        for dataset, records in datasets.items():
            showing = [record for record in records if modality in record.files]
            classes: dict[str, int] = {}
            for row in rows_of(names, Modality.TEXT, showing):
                classes.setdefault(names[row].concept, row)
            own = rows_of(rows, modality, showing)
            if own and len(classes) > 1:
                place = {concept: i for i, concept in enumerate(classes)}
                concepts = [rows[row].concept for row in own]
                ranking = rank(items[own], texts[list(classes.values())], [[place[c]] for c in concepts], concepts)
                found.append(Classified(dataset, modality, ranking.recall(seed)))
    return found
