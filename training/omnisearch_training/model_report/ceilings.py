"""Ceilings: recall by each space alone, by equal factors, by the model's routers, and by an oracle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omnisearch.binding.model import OmniBind
from omnisearch.types import Modality
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.baselines import ONLY, variants
from omnisearch_training.evaluate.ground_truth import trials
from omnisearch_training.evaluate.metrics import Ranking, best_of
from omnisearch_training.evaluate.recall import Fused, Question, Side

MEAN, LEARNED, ORACLE = "equal factors", "routers", "oracle"
UNIFORM = "uniform"  # the name of the variant with equal factors


@dataclass(frozen=True, eq=False)
class Ceiling:
    """The rankings of one kind of query: by each space alone, MEAN, LEARNED and ORACLE.

    The oracle takes for each query the space alone that ranks its target best: the most that a router could reach that
    chooses one space. A mean of spaces can be better than the best of them, so the routers may exceed it.
    """

    question: Question
    rankings: Mapping[str, Ranking]

    @property
    def best(self) -> str:
        """The space that alone has the highest recall@10."""
        alone = [name for name in self.rankings if name.startswith(ONLY)]
        return max(alone, key=lambda name: self.rankings[name].recall().at[10])


def ceilings(model: OmniBind, records: Sequence[Record], sides: Mapping[Modality, Side]) -> list[Ceiling]:
    """Rank every kind of query whose modalities have several branches, in each of these ways."""
    bound, *others = [(variant, Fused(variant, sides)) for variant in variants(model)]
    found = []
    for trial in trials(records, {m: side.rows for m, side in sides.items()}):
        asked = {trial.query, trial.target}
        ranked = {v.name: fused.rank(trial) for v, fused in others if v.changed & asked and _compares(v.name)}
        alone = {name: ranking for name, ranking in ranked.items() if name.startswith(ONLY)}
        if len(alone) > 1:
            learned = bound[1].rank(trial)
            ways = {MEAN: ranked.get(UNIFORM, learned), LEARNED: learned, ORACLE: best_of(list(alone.values()))}
            found.append(Ceiling(Question(trial.query, trial.target, trial.truth), {**alone, **ways}))
    return found


def _compares(name: str) -> bool:
    return name.startswith(ONLY) or name == UNIFORM
