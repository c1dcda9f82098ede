"""Pseudo item pairs against aggregation: every space bound both ways to the model's anchor, and not bound at all."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from omnisearch.binding.config import IdentityConfig
from omnisearch.binding.model import OmniBind
from omnisearch.types import Floats, Modality, SpaceEmbeddings
from omnisearch_training.datasets import Record
from omnisearch_training.evaluate.ground_truth import Entry, trials
from omnisearch_training.evaluate.metrics import Ranking, rank
from omnisearch_training.evaluate.recall import Side
from omnisearch_training.model_report.space_costs import space_weights
from omnisearch_training.stages.aggregated_pairs import aggregate, groups_of
from omnisearch_training.stages.features import Features
from omnisearch_training.stages.pools import Pools
from omnisearch_training.stages.projectors import Anchor, BindConfig, train_projectors
from omnisearch_training.stages.pseudo_pairs import PairConfig, Pairs, RetrieverConfig, read_pairs, write_pairs

TEXT = Modality.TEXT
NEIGHBOURS = 16
NOT_BOUND, PSEUDO, AGGREGATED = "not bound", "pseudo pairs", "aggregation"
# Small, because the comparison is of pairs, and both ways get the same.
BIND = BindConfig(heads=("mix",), hidden=256, batch=512, epochs=20)


@dataclass(frozen=True, eq=False)
class PairWays:
    """The rankings of one space's items of a modality by names in the anchor, for each way of binding the space.

    `rows` is the number of tuples that were mined. A space of another width than the anchor has no NOT_BOUND.
    """

    space: str
    modality: Modality
    rows: int
    rankings: Mapping[str, Ranking]


def compare_pairs(
    model: OmniBind,
    features: Features,
    train: Mapping[Modality, Side],
    records: Sequence[Record],
    test: Mapping[Modality, Side],
    seed: int,
    config: BindConfig = BIND,
) -> Iterator[PairWays]:
    """Mine pairs from the training items, bind every space in each way, and ask for its test items by their names.

    The anchor is the first space that reads texts and has no projector. A modality is paired with texts by the space
    with the greatest weight among those that read both, and with another modality over texts. Nothing is compared if
    there is no anchor, or if no space joins a modality with texts.
    """
    anchor = _anchor(model)
    joined = _joining(model, train)
    if anchor is None or TEXT not in train or not joined:
        return
    names = [entry.key for entry in train[TEXT].rows]
    embeddings = {(s, m): rows for m in joined for (s, _), rows in train[m].embeddings.items()}
    embeddings |= _text_rows(model, features, names)
    groups = _numbered({m: train[m].rows for m in (TEXT, *joined)})
    pairs = _mine(embeddings, _retrievers(joined), seed)
    averaged, soft = aggregate(pairs, embeddings)
    ways = {
        PSEUDO: (embeddings, pairs, groups),  # config.k is 1: the nearest item alone
        AGGREGATED: (soft, averaged, groups_of(pairs, groups)),
    }
    asked = {(t.query, t.target): t for t in trials(records, {m: side.rows for m, side in test.items()})}
    for space in model.config.projectors:
        reads = [m for m in joined if (space, m) in embeddings and (TEXT, m) in asked]
        if space == anchor or not reads:
            continue
        bound = {
            way: train_projectors(space, rows, Anchor({anchor: 1}, rows), own, config, seed, shown)
            for way, (rows, own, shown) in ways.items()
        }
        for m in reads:
            items, texts = test[m].embeddings[space, m], test[TEXT].embeddings[anchor, TEXT]
            made: dict[str, Floats] = {NOT_BOUND: items} if items.shape[1] == texts.shape[1] else {}
            with torch.inference_mode():
                made |= {way: projector(torch.from_numpy(items)).numpy() for way, projector in bound.items()}
            trial = asked[TEXT, m]
            rankings = {
                way: rank(texts[trial.queries], rows[trial.targets], trial.answers, trial.groups)
                for way, rows in made.items()
            }
            yield PairWays(space, m, len(pairs.start), rankings)


def _anchor(model: OmniBind) -> str | None:
    reading = model.config.spaces(TEXT)
    kept = (n for n, each in model.config.projectors.items() if isinstance(each, IdentityConfig) and n in reading)
    return next(kept, None)


def _joining(model: OmniBind, train: Mapping[Modality, Side]) -> dict[Modality, str]:
    """Return the space that joins each modality with texts."""
    found = {}
    for m, side in train.items():
        weights = space_weights(model, m, side) if m in model.config.branches and m is not TEXT else {}
        joining = [space for space in weights if TEXT in model.spaces[space].spec.towers]
        if joining:
            found[m] = max(joining, key=lambda space: weights[space])
    return found


def _retrievers(joined: Mapping[Modality, str]) -> tuple[RetrieverConfig, ...]:
    direct = [RetrieverConfig(path=(TEXT, m), spaces=(space,)) for m, space in joined.items()]
    over = [RetrieverConfig(path=(a, TEXT, b), spaces=(joined[a], joined[b])) for a, b in combinations(joined, 2)]
    return tuple(direct + over)


def _text_rows(model: OmniBind, features: Features, names: Sequence[str]) -> SpaceEmbeddings:
    """Embed texts in every space that reads them, also in those whose text side the model does not use."""
    return {
        (name, TEXT): space.project(TEXT, features.texts(names, space.spec.towers[TEXT]))
        for name, space in model.spaces.items()
        if TEXT in space.spec.towers
    }


def _mine(embeddings: SpaceEmbeddings, retrievers: tuple[RetrieverConfig, ...], seed: int) -> Pairs:
    """Mine the nearest neighbours of every item."""
    ends = {end for retriever in retrievers for end in retriever.path}
    pools = Pools({key: rows for key, rows in embeddings.items() if key[1] in ends})
    smallest = min(pools.count(m) for m in ends)
    config = PairConfig(retrievers=retrievers, k=min(NEIGHBOURS, smallest), method="faiss")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pairs.parquet")
        write_pairs(path, pools, config, {"seed": seed})
        return read_pairs(path, config.k)


def _numbered(rows: Mapping[Modality, Sequence[Entry]]) -> dict[Modality, NDArray[np.int64]]:
    """Number the concepts across modalities."""
    numbers: dict[str, int] = {}
    return {
        m: np.array([numbers.setdefault(entry.concept, len(numbers)) for entry in own], np.int64)
        for m, own in rows.items()
    }
