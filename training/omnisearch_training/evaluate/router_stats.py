"""Router statistics: the mean combining factor of each branch over the items of every dataset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omnisearch.binding.model import OmniBind
from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.ground_truth import rows_of
from omnisearch_training.evaluate.recall import Side


@dataclass(frozen=True)
class Factors:
    """The combining factors of branches over n items of a dataset: means, which sum to one, and deviations."""

    dataset: str
    modality: Modality
    items: int
    mean: dict[str, float]
    deviation: dict[str, float]


def mean_factors(
    model: OmniBind, datasets: Mapping[str, Sequence[Record]], sides: Mapping[Modality, Side]
) -> list[Factors]:
    """Average the factors of modalities with several branches. Videos are left out, because they have no router."""
    found = []
    for modality, side in sides.items():
        branches = model.config.branches.get(modality, ())
        if len(branches) < 2:
            continue
        each = model.factors(modality, side.embeddings)
        drawn = {branch.name: each[f"{modality}:{branch.name}"] for branch in branches}
        for dataset, records in datasets.items():
            rows = rows_of(side.rows, modality, records)
            if rows:
                mean = {name: float(values[rows].mean()) for name, values in drawn.items()}
                deviation = {name: float(values[rows].std()) for name, values in drawn.items()}
                found.append(Factors(dataset, modality, len(rows), mean, deviation))
    return found
