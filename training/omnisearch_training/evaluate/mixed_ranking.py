"""Evaluate mixed lists: one ranking of all modalities, by raw cosine and by several ways of calibration.

Run `python -m omnisearch_training.evaluate.mixed_ranking [MODALITY|DATASET]...`: tables in Markdown on stdout. The
collection holds all evaluated items and names. Each of them is a query, and every other item of the same concept, of
any modality, is relevant.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from omnisearch.binding.background import Background
from omnisearch.binding.model import OmniBind
from omnisearch.config import load_settings
from omnisearch.search.rank.background_sample import SIZE
from omnisearch.search.rank.calibration import NOTHING, Calibration, least
from omnisearch.types import Floats, Modality
from omnisearch_training.datasets.fetch import datasets_dir
from omnisearch_training.datasets.load import open_data
from omnisearch_training.evaluate.baselines import Variant, variants
from omnisearch_training.evaluate.recall import Side, encode
from omnisearch_training.stages.features import Features

FIRST = 10
MOST_QUERIES = 400  # of one modality
FUSED_AT = 60  # the constant of reciprocal rank fusion (Cormack et al. 2009)
SIZES, DRAWS = (100, 400, 1600), 16  # of collections, and how many of a small size
BOTH = "relevance"

Scores = NDArray[np.float64]
# Maps the scores of one query in every modality to values that one list is sorted by.
Way = Callable[[Modality, Floats, Mapping[Modality, Floats]], Mapping[Modality, Scores]]


@dataclass(frozen=True, eq=False)
class Collection:
    """Embeddings by modality, and the concept of each row."""

    rows: Mapping[Modality, Floats]
    concepts: Mapping[Modality, NDArray[np.object_]]

    @property
    def size(self) -> int:
        """The number of items."""
        return sum(map(len, self.rows.values()))


@dataclass(frozen=True)
class MixedOutcome:
    """The first ten of mixed lists: per cent of queries with a right item of any modality, mean per cent over
    the modalities that have one, and per cent of each modality among the ten.
    """

    way: str
    query: Modality
    queries: int
    any: float
    each: float
    share: Mapping[Modality, float]


def measure(name: str, way: Way, collection: Collection, query: Modality, seed: int = 0) -> MixedOutcome:
    """Query with up to MOST_QUERIES items of one modality; an item is not an answer to itself."""
    found = [_judge(values, right) for values, right in _asked(way, collection, query, seed)]
    columns = list(collection.rows)
    share = np.mean([[(modalities == i).mean() for i in range(len(columns))] for modalities, _, _ in found], axis=0)
    any_, each = (100 * float(np.mean([row[n] for row in found])) for n in (1, 2))
    shares = {m: 100 * float(part) for m, part in zip(columns, share, strict=True)}
    return MixedOutcome(name, query, len(found), any_, each, shares)


def silence(way: Way, collection: Collection, query: Modality, seed: int = 0) -> tuple[Scores, Scores]:
    """Return the best relevance of each query in the collection, and in the collection without its right items.

    A query without right items in the collection is left out.
    """
    answered, empty = [], []
    for values, right in _asked(way, collection, query, seed):
        odds, good = np.concatenate(list(values.values())), np.concatenate(list(right.values()))
        answered.append(odds.max())
        empty.append(odds[~good].max())
    return 1 / (1 + np.exp(-np.array(answered))), 1 / (1 + np.exp(-np.array(empty)))


def thinned(collection: Collection, size: int, seed: int) -> Collection:
    """Draw about `size` items, with the same share of each modality."""
    rng, total = np.random.default_rng(seed), collection.size
    kept = {m: rng.permutation(len(rows))[: round(size * len(rows) / total)] for m, rows in collection.rows.items()}
    rows = {m: collection.rows[m][which] for m, which in kept.items()}
    return Collection(rows, {m: collection.concepts[m][which] for m, which in kept.items()})


def silenced(model: OmniBind, collection: Collection, seed: int = 0) -> list[tuple[int, Scores, Scores]]:
    """Return `silence` for collections of growing sizes, with several draws of small ones: (size, with, without)."""
    found = []
    for size in (*(s for s in SIZES if s < collection.size), collection.size):
        best = []
        for draw in range(min(DRAWS, max(1, collection.size // size))):
            part = thinned(collection, size, seed + draw)
            best += [silence(ways(model, part, seed)[BOTH], part, query, seed) for query in part.rows]
        found.append((size, np.concatenate([one for one, _ in best]), np.concatenate([other for _, other in best])))
    return found


def in_cut(way: Way, collection: Collection, query: Modality, bar: float, seed: int = 0) -> Scores:
    """Return, for each query (n, 3), the number of items with a relevance of `bar` or more, and of right ones in and
    outside of this cut.

    The items of the query's own modality are left out: other names of the same thing are not searched for by date.
    """
    counts = []
    for values, right in _asked(way, collection, query, seed):
        others = [m for m in values if m is not query]
        inside = 1 / (1 + np.exp(-np.concatenate([values[m] for m in others]))) >= bar
        good = np.concatenate([right[m] for m in others]).astype(bool)
        if good.any():
            counts.append((inside.sum(), (inside & good).sum(), good.sum()))
    return np.array(counts, np.float64)


def cuts(model: OmniBind, collection: Collection, seed: int = 0) -> list[tuple[int, float, Scores]]:
    """Return `in_cut` of text queries for collections of growing sizes and two bars: (size, bar, counts)."""
    found = []
    for size in (*(s for s in SIZES[2:] if s < collection.size), collection.size):
        part = collection if size == collection.size else thinned(collection, size, seed)
        way = ways(model, part, seed)[BOTH]
        found += [(size, bar, in_cut(way, part, Modality.TEXT, bar, seed)) for bar in (least(size), 0.5)]
    return found


def raw(asked: Modality, query: Floats, scores: Mapping[Modality, Floats]) -> Mapping[Modality, Scores]:  # noqa: ARG001
    """Sort by the cosine."""
    return {m: row.astype(np.float64) for m, row in scores.items()}


def rank_fusion(
    asked: Modality,  # noqa: ARG001
    query: Floats,  # noqa: ARG001
    scores: Mapping[Modality, Floats],
) -> Mapping[Modality, Scores]:
    """Sort by the rank within the modality."""
    return {m: 1.0 / (FUSED_AT + 1 + (-row).argsort().argsort()) + 1e-9 * row for m, row in scores.items()}


def relevance(model: OmniBind, background: Background, by_query: bool = True) -> Way:
    """Sort by log-odds against a background, calibrated by pair of modalities or by target modality."""

    def way(asked: Modality, query: Floats, scores: Mapping[Modality, Floats]) -> Mapping[Modality, Scores]:
        return {
            m: Calibration(*background.chance(query, m), model.relevance(m, asked if by_query else None)).odds(row)
            for m, row in scores.items()
        }

    return way


def ways(model: OmniBind, collection: Collection, seed: int = 0) -> dict[str, Way]:
    """Return the compared ways: no calibration, rank fusion, and log-odds against each background and both."""
    rng = np.random.default_rng(seed)
    own = {m: rows[rng.permutation(len(rows))[:SIZE]] for m, rows in collection.rows.items()}
    both = {
        m: np.concatenate([model.background[m], rows]) if m in model.background else rows for m, rows in own.items()
    }
    found: dict[str, Way] = {
        "raw cosine": raw,
        "rank fusion": rank_fusion,
        "relevance, collection": relevance(model, Background(own)),
    }
    if model.background:
        found["relevance, shipped"] = relevance(model, Background(model.background))
        found["relevance, whatever asks"] = relevance(model, Background(both), by_query=False)
        found[BOTH] = relevance(model, Background(both))
    return found


def _asked(
    way: Way, collection: Collection, query: Modality, seed: int
) -> Iterator[tuple[Mapping[Modality, Scores], Mapping[Modality, NDArray[np.bool_]]]]:
    """Yield each query's values by modality, without its own row, and which rows are right."""
    rng = np.random.default_rng(seed)
    for own in np.sort(rng.permutation(len(collection.rows[query]))[:MOST_QUERIES]):
        vector, concept = collection.rows[query][own], collection.concepts[query][own]
        scores = {m: rows @ vector for m, rows in collection.rows.items()}
        right = {m: names == concept for m, names in collection.concepts.items()}
        scores[query], right[query] = np.delete(scores[query], own), np.delete(right[query], own)
        if any(good.any() for good in right.values()):
            yield way(query, vector, scores), right


def _judge(
    values: Mapping[Modality, Scores], right: Mapping[Modality, NDArray[np.bool_]]
) -> tuple[NDArray[np.int64], float, float]:
    """Return the modality numbers of the first ten, whether any is right, and the share of modalities answered."""
    modality = np.concatenate([np.full(len(row), i) for i, row in enumerate(values.values())])
    first = np.argsort(-np.concatenate(list(values.values())), kind="stable")[:FIRST]
    good = np.concatenate(list(right.values()))[first]
    hits = [bool((good & (modality[first] == i)).any()) for i, each in enumerate(right.values()) if each.any()]
    return modality[first], float(good.any()), float(np.mean(hits))


def collect(variant: Variant, sides: Mapping[Modality, Side]) -> Collection:
    """Embed the evaluated items with one variant."""
    rows = {m: variant.bind(m, side.embeddings) for m, side in sides.items()}
    return Collection(rows, {m: np.array([e.concept for e in side.rows], object) for m, side in sides.items()})


def report(model: OmniBind, sides: Mapping[Modality, Side], seed: int = 0) -> str:
    """Measure everything and write it as Markdown."""
    outcomes: list[MixedOutcome] = []
    for variant in variants(model):
        if variant.name in ("bound", "not centred"):
            collection = collect(variant, sides)
            prefix = "" if variant.name == "bound" else "not centred, "
            for name, way in ways(variant.model, collection, seed).items():
                outcomes += [measure(prefix + name, way, collection, query, seed) for query in sides]
    bound = collect(next(variants(model)), sides)
    parts = [_table(outcomes, list(sides), {m: len(rows) for m, rows in bound.rows.items()})]
    if model.background:
        parts += [_silence_table(silenced(model, bound, seed)), _cut_table(cuts(model, bound, seed))]
    return "\n\n".join(parts) + "\n"


def _table(outcomes: Sequence[MixedOutcome], modalities: Sequence[Modality], sizes: Mapping[Modality, int]) -> str:
    head = ["list sorted by", "query", "queries", "any@10", "each@10", *(f"{m} %" for m in modalities)]
    lines = [head, ["---", "---", *["--:"] * (len(head) - 2)]]
    total = sum(sizes.values())
    lines.append(["the collection", "", "", "", "", *(f"{100 * sizes[m] / total:.0f}" for m in modalities)])
    for o in outcomes:
        cells = [f"{o.any:.1f}", f"{o.each:.1f}", *(f"{o.share[m]:.0f}" for m in modalities)]
        lines.append([o.way, str(o.query), str(o.queries), *cells])
    for name in dict.fromkeys(o.way for o in outcomes):
        these = [o for o in outcomes if o.way == name]
        cells = [f"{np.mean([o.any for o in these]):.1f}", f"{np.mean([o.each for o in these]):.1f}"]
        cells += [f"{np.mean([o.share[m] for o in these]):.0f}" for m in modalities]
        lines.append([name, "mean of all", "", *cells])
    return _lines(lines)


def _silence_table(found: Sequence[tuple[int, Scores, Scores]]) -> str:
    head = ["items", "queries", "bar", "silent with a match", "without", f"below {NOTHING:g} with", "without"]
    lines = [head, ["--:"] * len(head)]
    for size, answered, empty in found:
        bars = least(size), NOTHING
        cells = [f"{100 * (values < bar).mean():.0f} %" for bar in bars for values in (answered, empty)]
        lines.append([f"{size:,}", f"{len(answered):,}", f"{bars[0]:.2f}", *cells])
    return _lines(lines)


def _cut_table(found: Sequence[tuple[int, float, Scores]]) -> str:
    head = ["items", "queries", "cut", "items in the cut", "right", "of all right ones", "empty"]
    lines = [head, ["--:"] * len(head)]
    for size, bar, counts in found:
        inside, right, known = counts.sum(axis=0)
        shares = right / max(inside, 1), right / known, (counts[:, 0] == 0).mean()
        cells = [
            f"{len(counts):,}",
            f"{bar:.2f}",
            f"{counts[:, 0].mean():.1f}",
            *(f"{100 * one:.0f} %" for one in shares),
        ]
        lines.append([f"{size:,}", *cells])
    return _lines(lines)


def _lines(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main() -> None:
    """Run from the command line with modalities and datasets by name; default: all on this machine."""
    settings = load_settings()
    model = OmniBind.load(settings.model, settings)
    modalities = [m for m in model.modalities if m in sys.argv[1:]] or model.modalities
    names = [name for name in sys.argv[1:] if name not in modalities]
    records = [record for each in open_data(names, None).values() for record in each]
    sides = encode(model, Features(datasets_dir() / "features", settings), records, modalities)
    sys.stdout.write(report(model, sides))


if __name__ == "__main__":
    main()
