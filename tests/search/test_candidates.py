"""Expressions over a store of random vectors: retrieval by bounds answers as judging everything does."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnisearch.binding.config import RelevanceConfig
from omnisearch.query.expressions import Expression, Sum, Term
from omnisearch.search.plan.compose import QueryVector
from omnisearch.search.plan.embed import EmbeddedTerm
from omnisearch.search.present.explanation import make_hit
from omnisearch.search.present.hit_json import hit_json
from omnisearch.search.rank.calibration import Calibration
from omnisearch.search.rank.candidates import ModalitySearch, run_searches, word_lookups
from omnisearch.search.rank.scorer import RankedItem, Scorer, rank
from omnisearch.search.rank.threshold import DEPTH
from omnisearch.stores.base import Filter, Lookup, Payload, Point, Scored
from omnisearch.types import Floats, Modality, Segment

DIM = 8
A, B, C = (Term(name) for name in "abc")
CALIBRATION = Calibration(0.1, 0.2, RelevanceConfig(slope=1.5, threshold=1.0))
ITEMS = st.integers(1, 120)
seeds = st.integers(0, 10_000)
expressions = st.sampled_from([A & B, A | B, A & ~B, (A | B) & ~C, A & B & C, A >> B, (A & C) >> B, A | (B >> C)])


def units(rng: np.random.Generator, n: int) -> Floats:
    rows = rng.normal(size=(n, DIM)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Memory:
    """Sounds of one to five segments with random vectors; counts what it was asked."""

    def __init__(self, seed: int, items: int) -> None:
        rng = np.random.default_rng(seed)
        self.points: list[Point] = []
        for item in range(items):
            count = int(rng.integers(1, 6))
            for n, vector in enumerate(units(rng, count)):
                segment = Segment() if count == 1 else Segment(n, 8.0 * n, 8.0 * n + 10, "seconds")
                payload = Payload(
                    item_id=f"i{item}", modality=Modality.AUDIO, path=f"/{item}", segment=segment, segments=count
                )
                self.points.append(Point(f"p{item}-{n}", vector, payload))
        self.asked: Counter[str] = Counter()

    def search(self, lookups: Sequence[Lookup], with_vectors: bool = False) -> list[list[Scored]]:
        self.asked["search"] += 1
        assert with_vectors
        return [[p for p in self.nearest(each.vector) if self.passes(p, each)][: each.limit] for each in lookups]

    def passes(self, point: Point | Scored, lookup: Lookup) -> bool:
        chosen, item = lookup.filter, item_of(point)
        return point.id in (chosen.ids or {point.id}) and item in (chosen.item_ids or {item})

    def nearest(self, vector: Floats) -> list[Scored]:
        found = (Scored(p.id, float(p.vector @ vector), p.payload.place, p.vector, p.text_vector) for p in self.points)
        return sorted(found, key=lambda s: -s.score)


def item_of(point: Point | Scored) -> str:
    return point.place.item_id if isinstance(point, Scored) else point.payload.item_id


def judge_of(expression: Expression, seed: int) -> Scorer:
    vectors = units(np.random.default_rng(seed + 1), 3)
    leaves = {s: QueryVector(s, vectors["abc".index(str(s))], np.ones(1, np.float32)) for s in expression.leaves}
    return Scorer(expression, leaves, dict.fromkeys(leaves, CALIBRATION))


def searched(store: Memory, scorer: Scorer, limit: int) -> list[RankedItem]:
    chosen = Filter()
    search = ModalitySearch(scorer, limit, chosen, word_lookups(scorer.words, chosen))
    return run_searches(store, [search])[0]  # type: ignore[arg-type]


def everything(store: Memory) -> list[Scored]:
    return [Scored(p.id, 0.0, p.payload.place, p.vector, p.text_vector) for p in store.points]


def payloads(store: Memory) -> dict[str, Payload]:
    return {p.id: p.payload for p in store.points}


@given(seeds, ITEMS, st.integers(1, 20), expressions)
def test_the_first_hits_are_those_of_judging_everything(
    seed: int, items: int, limit: int, expression: Expression
) -> None:
    store, scorer = Memory(seed, items), judge_of(expression, seed)
    found = searched(store, scorer, limit)
    wanted = rank(scorer, everything(store))
    assert len(found) >= min(limit, len(wanted))
    wanted = wanted[: len(found)]
    assert [one.odds for one in found] == pytest.approx([one.odds for one in wanted], abs=1e-4)
    assert [one.point.place.item_id for one in found] == [one.point.place.item_id for one in wanted]


def test_a_large_collection_is_not_read_whole() -> None:
    store = Memory(0, 2000)
    searched(store, judge_of(A & B, 0), 5)
    assert store.asked["search"] <= 6  # three depths, and the other segments of the items of each
    assert len(store.points) > 16 * DEPTH


def test_items_whose_segments_are_all_found_are_not_read_again() -> None:
    store = Memory(0, 8)
    assert max(point.payload.segments for point in store.points) > 1
    assert len(store.points) < DEPTH
    searched(store, judge_of(A & B, 0), 5)
    assert store.asked == {"search": 1}


def test_only_sounds_and_videos_are_looked_up_for_then() -> None:
    store = Memory(0, 20)
    search = ModalitySearch(judge_of(A >> B, 0), 5, Filter(modalities=(Modality.IMAGE,)))
    assert run_searches(store, [search]) == [[]]  # type: ignore[arg-type]
    assert not store.asked


@given(seeds, expressions)
def test_a_hit_explains_its_score_and_its_odds(seed: int, expression: Expression) -> None:
    """In the formulas of docs/search.md: relevances multiply under AND and THEN, their complements under OR."""
    scorer = judge_of(expression, seed)
    embedded = {s.terms[0]: EmbeddedTerm(leaf.vector) for s, leaf in scorer.leaves.items()}
    store = Memory(seed, 20)
    for entry in rank(scorer, everything(store))[:5]:
        found = make_hit(entry, payloads(store), embedded, explain=True)
        assert found.explanation is not None
        check(found.explanation)
        assert found.explanation.relevance == found.relevance
        scores = [match.contribution for match in found.matched_by]
        assert min(abs(found.score - s) for s in (*scores, *(-s for s in scores))) < 1e-5
        assert json.loads(json.dumps(hit_json(found), allow_nan=False))["explanation"]["op"] == found.explanation.op


def check(found: object) -> None:
    parts = [np.exp(part.odds) for part in found.parts]  # type: ignore[attr-defined]
    op, odds = found.op, np.exp(found.odds)  # type: ignore[attr-defined]
    if op == "sum":
        given = found.calibration  # type: ignore[attr-defined]
        assert given["z"] == pytest.approx((found.score - given["mean"]) / given["spread"])  # type: ignore[attr-defined]
        assert np.log(odds) == pytest.approx(given["slope"] * (given["z"] - given["threshold"]))
    elif op == "not":
        assert -found.odds == pytest.approx(found.parts[0].odds)  # type: ignore[attr-defined]
    elif not parts:
        assert (op, odds) == ("then", 0)  # no earlier segment
    else:
        against = np.array(parts if op == "or" else [1 / part for part in parts])
        joined = np.expm1(np.log1p(against).sum())  # the product of 1 + O_i, less 1
        assert odds == pytest.approx(joined if op == "or" else 1 / joined)
    for part in found.parts:  # type: ignore[attr-defined]
        check(part)


@given(seeds)
def test_then_spans_its_moments_and_has_its_order(seed: int) -> None:
    store = Memory(seed, 30)
    for entry in rank(judge_of(A >> B, seed), everything(store)):
        embedded = {t: EmbeddedTerm(judge_of(A >> B, seed).leaves[Sum((t,))].vector) for t in (A, B)}
        found = make_hit(entry, payloads(store), embedded, explain=True)
        assert found.segment is not None
        assert found.explanation is not None
        first, last = (part.segment for part in found.explanation.parts)
        assert first is not None
        assert last is not None
        assert first.index < last.index
        assert (found.segment.start, found.segment.end) == (first.start, last.end)
    several = {i for i, points in groupby(store.points, lambda p: p.payload.item_id) if len(list(points)) > 1}
    found_items = {entry.point.place.item_id for entry in rank(judge_of(A >> B, seed), everything(store))}
    assert found_items == several
