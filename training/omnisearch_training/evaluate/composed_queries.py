"""Composed queries: a picture of a door plus the text "glass" should find items named "glass door".

There are no human judgements, so the ground truth is the names of the items: a target is right if its name has all
words of the query item's name and of the added text.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from omnisearch.binding.background import Background
from omnisearch.binding.config import RelevanceConfig
from omnisearch.binding.model import OmniBind
from omnisearch.search.rank.algebra import Odds, and_odds
from omnisearch.search.rank.calibration import Calibration
from omnisearch.spaces.towers import unit
from omnisearch.types import Floats, Modality
from omnisearch_training.datasets import Record
from omnisearch_training.datasets.split import source_id
from omnisearch_training.evaluate.ground_truth import Truth
from omnisearch_training.evaluate.metrics import Ranking, rank, rank_scores
from omnisearch_training.evaluate.recall import Question, Result, Side, encode_texts
from omnisearch_training.stages.features import Features

LONGEST = 5  # words: a longer caption is a sentence, and the rest of it is not a plausible term
WAYS = SUM, AND, ITEM_ALONE, TEXT_ALONE = "item + text", "item AND text", "item alone", "text alone"
_GLUE = frozenset({"and", "in", "of", "on", "or", "with"})


@dataclass(frozen=True)
class SumQuestion:
    """One query: the item at `row`, which shows `thing`, plus the words of `rest`."""

    row: int
    thing: str
    rest: str


def evaluate_composed(
    model: OmniBind, features: Features, records: Sequence[Record], sides: Mapping[Modality, Side], seed: int = 0
) -> list[Result]:
    """Evaluate media plus text for every pair of modalities, by sum and by AND, compared with each term alone."""
    results = []
    for asked, found in answer_composed(model, features, records, sides).items():
        for way, ranking in found.items():
            gain = None if way == SUM else found[SUM].gain(ranking, seed)
            results.append(Result(way, asked.query, asked.target, asked.truth, ranking.recall(seed), gain))
    return results


def answer_composed(
    model: OmniBind, features: Features, records: Sequence[Record], sides: Mapping[Modality, Side]
) -> dict[Question, dict[str, Ranking]]:
    """Rank the targets of every composed query, by each of WAYS."""
    if Modality.TEXT not in sides:
        return {}
    called = {record.id: source_id(record.captions[0]) for record in records}
    fused = {m: model.bind(m, side.embeddings) for m, side in sides.items() if m is not Modality.TEXT}
    names = {m: [called[row.key] for row in sides[m].rows] for m in fused}
    answers = {}
    for query, target in product(fused, repeat=2):
        sums = make_sums(names[query], names[target])
        if not sums:
            continue
        rests = list(dict.fromkeys(each.rest for each in sums))
        texts = model.bind(Modality.TEXT, encode_texts(model, features, rests))
        places = {rest: i for i, rest in enumerate(rests)}
        added = texts[[places[each.rest] for each in sums]]
        items = fused[query][[each.row for each in sums]]
        ways = {SUM: unit(items + added), ITEM_ALONE: items, TEXT_ALONE: added}
        right, things = answers_to(sums, names[target]), [each.thing for each in sums]
        own = [each.row for each in sums] if query is target else None
        found = {way: rank(vectors, fused[target], right, things, own) for way, vectors in ways.items()}
        lines = model.relevance(target, query), model.relevance(target, Modality.TEXT)
        joined = AndScores(Background(model.background), lines, target, (items, added), fused[target])
        found[AND] = rank_scores(joined.odds, len(fused[target]), right, things, own)
        answers[Question(f"{query} + text", target, Truth.BOTH)] = found
    return answers


@dataclass(frozen=True, eq=False)
class AndScores:
    """Scores of targets (m, dim) for the AND of two terms, (n, dim) each, as in a search."""

    background: Background
    lines: tuple[RelevanceConfig, RelevanceConfig]
    modality: Modality
    terms: tuple[Floats, Floats]
    targets: Floats

    def odds(self, rows: slice) -> Floats:
        """Return the log-odds of some queries: (rows, m)."""
        judged = [self._odds(term[rows], line) for term, line in zip(self.terms, self.lines, strict=True)]
        return and_odds(judged).astype(np.float32)

    def _odds(self, queries: Floats, line: RelevanceConfig) -> Odds:
        calibrations = [Calibration(*self.background.chance(q, self.modality), line) for q in queries]
        scores = queries @ self.targets.T
        return np.stack([each.odds(row) for each, row in zip(calibrations, scores, strict=True)])


def make_sums(asked: Sequence[str], offered: Collection[str]) -> list[SumQuestion]:
    """Split each offered name into a thing that a row of `asked` shows, and its other words."""
    rows, by_word = defaultdict(list), defaultdict(list)
    for row, name in enumerate(asked):
        rows[name].append(row)
    for thing in rows:
        by_word[thing.split(" ")[0]].append(thing)
    found: dict[SumQuestion, None] = {}
    for name in dict.fromkeys(offered):
        words = name.split(" ")
        for thing in (thing for word in dict.fromkeys(words) for thing in by_word[word]):
            shown = set(thing.split(" "))
            rest = " ".join(word for word in words if word not in shown | _GLUE)
            if shown < set(words) and rest and len(words) <= LONGEST:
                found |= dict.fromkeys(SumQuestion(row, thing, rest) for row in rows[thing])
    return list(found)


def answers_to(sums: Sequence[SumQuestion], target_names: Sequence[str]) -> list[set[int]]:
    """Return for each query the targets whose name has all its words."""
    holders = defaultdict(set)
    for i, name in enumerate(target_names):
        for word in name.split(" "):
            holders[word].add(i)
    return [set.intersection(*(holders[w] for w in f"{each.thing} {each.rest}".split(" "))) for each in sums]
