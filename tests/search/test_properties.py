"""What holds of every answer, whatever was asked of whatever index: random queries of an index of random items."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import reduce
from operator import and_, or_
from pathlib import Path

import numpy as np
import pytest

from omnisearch.binding.model import OmniBind
from omnisearch.config import Settings, load_settings
from omnisearch.query.condition_parser import parse_conditions
from omnisearch.query.expressions import Expression, ItemRef, Sum, Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.stores.base import Payload, Point
from omnisearch.stores.catalog import open_store
from omnisearch.stores.ids import point_id
from omnisearch.types import Hit, Modality, Segment

ITEMS, ALL = 60, 1000
TIMED = (Modality.AUDIO, Modality.VIDEO)
seeds = pytest.mark.parametrize("seed", range(4))


def random_points(random: np.random.Generator, number: int, dim: int) -> list[Point]:
    """An item of one to four segments, with a name, labels and numbers."""
    modality = list(Modality)[random.integers(len(Modality))]
    count = int(random.integers(1, 5)) if modality in TIMED else 1
    payload = Payload(
        item_id=f"{number:032x}",
        modality=modality,
        path=f"/{random.choice(['photos', 'Old photos', 'x'])}/{random.choice(['a', 'b'])}/{number}.{modality[:3]}",
        mime=f"{modality}/x",
        duration=float(random.uniform(1, 100)) if modality in TIMED else None,
        segments=count,
        size=int(random.integers(1, 4000)),
        mtime=float(random.integers(0, 2_000_000_000)),
        tags=tuple(tag for tag in ("holiday", "private") if random.random() < 0.4),
        meta={"author": str(random.choice(["ann", "bob"]))} if random.random() < 0.5 else {},
    )
    segments = [Segment()] if count == 1 else [Segment(n, 8.0 * n, 8.0 * n + 10, "seconds") for n in range(count)]
    rows = random.normal(size=(count, dim)).astype(np.float32)
    return [
        Point(point_id(payload.item_id, segment), row, replace(payload, segment=segment))
        for segment, row in zip(segments, rows, strict=True)
    ]


@pytest.fixture(scope="module")
def settings(hashed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(data_dir=tmp_path_factory.mktemp("data"), model=str(hashed_model), workers=1)


@pytest.fixture(scope="module")
def payloads(settings: Settings) -> dict[str, Payload]:
    """What the index holds, by item."""
    model = OmniBind.load(settings.model, settings)
    random = np.random.default_rng(0)
    points = [point for number in range(ITEMS) for point in random_points(random, number, model.dim)]
    named = {"model": model.name, "dim": model.dim, "fingerprint": model.fingerprint}
    with closing(open_store(settings, **named, create=True)) as store:
        store.upsert(points)
    return {point.payload.item_id: point.payload for point in points}


@pytest.fixture(scope="module")
def engine(settings: Settings, payloads: dict[str, Payload]) -> Iterator[Engine]:
    assert payloads
    with Engine.open(settings) as opened:
        yield opened


def random_sum(random: np.random.Generator, dim: int) -> Sum:
    """One to three items and vectors, some taken away; the first counts most."""
    weights = [2.0, *random.choice([-0.7, 0.5, 1.1], random.integers(0, 3))]
    sources = [
        ItemRef(f"{random.integers(ITEMS):032x}") if random.random() < 0.5 else tuple(random.normal(size=dim).tolist())
        for _ in weights
    ]
    return Sum(tuple(Term(source, float(weight)) for source, weight in zip(sources, weights, strict=True)))


def random_expression(random: np.random.Generator, dim: int) -> Expression:
    one, other = random_sum(random, dim), random_sum(random, dim)
    chosen: list[Expression] = [one, one & other, one | other, one & ~other]
    return chosen[random.integers(len(chosen))]


def hits(engine: Engine, expression: Expression, limit: int = ALL, **fields: object) -> tuple[Hit, ...]:
    """Every hit, each item by itself."""
    query = Query(expression, limit=limit, fold=False, include_self=True)
    return engine.search(replace(query, **fields)).hits  # type: ignore[arg-type]


def relevances(engine: Engine, expression: Expression) -> dict[str, float]:
    return {hit.id: hit.relevance for hit in hits(engine, expression)}


def same(found: tuple[Hit, ...], wanted: tuple[Hit, ...]) -> None:
    assert [hit.id for hit in found] == [hit.id for hit in wanted]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in wanted], abs=1e-5)
    assert [hit.relevance for hit in found] == pytest.approx([hit.relevance for hit in wanted], abs=1e-5)


@seeds
def test_order_of_terms_and_scale_of_weights_change_nothing(engine: Engine, seed: int) -> None:
    random = np.random.default_rng(seed)
    one, other = random_sum(random, engine.model.dim), random_sum(random, engine.model.dim)
    factor = float(random.uniform(0.01, 100))
    turned, scaled = (
        Sum(tuple(replace(term, weight=factor * term.weight) for term in total.terms[::-1])) for total in (one, other)
    )
    same(hits(engine, turned, 10), hits(engine, one, 10))
    same(hits(engine, scaled & turned, 10), hits(engine, one & other, 10))
    same(hits(engine, scaled | turned, 10), hits(engine, one | other, 10))


@seeds
def test_one_term_composed_is_one_term(engine: Engine, seed: int) -> None:
    term = random_sum(np.random.default_rng(seed), engine.model.dim).terms[0]
    alone = hits(engine, replace(term, weight=1.0), 10)
    for composed in (Sum((replace(term, weight=0.3),)), term + term, term + 0.5 * term):
        same(hits(engine, composed, 10), alone)


@seeds
def test_identical_media_is_hit_1(engine: Engine, payloads: dict[str, Payload], seed: int) -> None:
    item = list(payloads)[np.random.default_rng(seed).integers(ITEMS)]
    term = Term(ItemRef(item))
    for expression in (term, term & term, term | term):
        for modalities in (tuple(Modality), (payloads[item].modality,)):
            assert hits(engine, expression, 1, modalities=modalities)[0].id == item
    for segment in range(payloads[item].segments):
        first = hits(engine, Term(ItemRef(item, segment)), 1)[0]
        assert (first.id, first.score) == (item, pytest.approx(1, abs=1e-5))


@seeds
def test_and_or_and_not_bound_an_answer(engine: Engine, payloads: dict[str, Payload], seed: int) -> None:
    """NOT lowers, AND is never above its weakest term and OR never below its strongest: of every item.

    The first two sums have a picture or the like in common, which is far up for both until one is under NOT.
    """
    random = np.random.default_rng(seed)
    whole = [id_ for id_, payload in payloads.items() if payload.segments == 1]
    shared = Term(ItemRef(str(random.choice(whole))), 4.0)
    one, other, third = (random_sum(random, engine.model.dim) for _ in range(3))
    parts: list[Expression] = [Sum((shared, *one.terms)), Sum((shared, *other.terms)), third]
    each = [relevances(engine, part) for part in parts]
    assert set(each[0]) == {hit.id for hit in hits(engine, parts[0])}
    for id_, value in relevances(engine, reduce(and_, parts)).items():
        assert value <= min(found[id_] for found in each) + 1e-6
    for id_, value in relevances(engine, reduce(or_, parts)).items():
        assert value >= max(found[id_] for found in each) - 1e-6
    for id_, value in relevances(engine, parts[0] & ~parts[1]).items():
        assert value <= each[0][id_] + 1e-6
        assert id_ not in whole or value <= 1 - each[1][id_] + 1e-6


@seeds
def test_a_mixed_list_has_each_modality_s_list_in_it(engine: Engine, seed: int) -> None:
    random = np.random.default_rng(seed)
    expression = random_expression(random, engine.model.dim)
    for limit in (12, ALL):
        mixed = hits(engine, expression, limit)
        for modality in Modality:
            part = tuple(hit for hit in mixed if hit.modality is modality)
            alone = hits(engine, expression, limit, modalities=(modality,))
            same(part, alone[: len(part)])
            assert len(alone) == len(part) or limit < ALL


CONDITIONS = [
    "path:photos/**",
    "path:/x/**",
    "path:*.aud",
    "path:?ld*/a/**",
    "tag:holiday",
    "tag:private",
    "mime:text/*",
]
CONDITIONS += ["meta.author:ann", "size>2000", "size<=500", "duration<40", "mtime>=2000", "mtime<2020"]


@seeds
def test_a_filtered_search_is_the_whole_one_filtered_afterwards(
    engine: Engine, payloads: dict[str, Payload], seed: int
) -> None:
    random = np.random.default_rng(seed)
    left = 0
    for _ in range(3):
        expression = random_expression(random, engine.model.dim)
        chosen = random.choice(CONDITIONS, random.integers(1, 4), replace=False)
        where = parse_conditions([f"{random.choice(['', '!'])}{text}" for text in chosen])
        kept = tuple(h for h in hits(engine, expression) if all(one.holds(payloads[h.id]) for one in where))
        same(hits(engine, expression, where=where), kept)
        same(hits(engine, expression, 5, where=where), kept[:5])
        left += len(kept)
    assert left
