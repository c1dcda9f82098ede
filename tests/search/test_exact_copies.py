"""Collections full of copies: relevance stays what it was, copies of the query file come first, bursts fold."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import load_settings
from omnisearch.query.expressions import Expression, ItemRef, Term
from omnisearch.query.query import Query
from omnisearch.search.engine import Engine
from omnisearch.search.plan.exact_copies import FIRST, IDENTICAL, MOST
from omnisearch.spaces.registry import load_space
from omnisearch.stores.base import Point
from omnisearch.types import Floats, Hit, Modality
from tests.search.planted import item, near, planted, units

IMAGE, AUDIO = Modality.IMAGE, Modality.AUDIO
OTHERS, COPIES, FRAMES = 100, 60, 80
Plant = Callable[[list[Point]], Engine]


@pytest.fixture
def plant(hashed_model: Path, tmp_path: Path) -> Iterator[Plant]:
    with ExitStack() as opened:
        count = iter(range(99))
        yield lambda points: opened.enter_context(planted(points, hashed_model, tmp_path / str(next(count))))


@pytest.fixture(scope="module")
def dim() -> int:
    return load_space("hashed", load_settings()).spec.dim


def others(random: np.random.Generator, dim: int, modality: Modality = AUDIO) -> list[Point]:
    return [p for n, row in enumerate(units(random, OTHERS, dim)) for p in item(f"other{n}", [row], modality)]


def hits(engine: Engine, expression: Expression, **fields: object) -> tuple[Hit, ...]:
    return engine.search(replace(Query(expression, limit=400, fold=False), **fields)).hits  # type: ignore[arg-type]


def vector(row: Floats) -> Term:
    return Term(tuple(row.tolist()))


def of(found: tuple[Hit, ...], id_: str) -> Hit:
    return next(hit for hit in found if hit.id == id_)


def test_copies_of_the_query_file_come_first_however_many_there_are(plant: Plant, dim: int) -> None:
    random = np.random.default_rng(0)
    bark = units(random, 1, dim)[0]
    rest = [*others(random, dim), *item("akin", [near(random, bark, 0.4)])]
    copies = [point for n in range(COPIES) for point in item(f"copy{n:02}", [bark])]
    full, plain = plant([*rest, *copies]), plant([*rest, *copies[:2]])
    asked = Term(ItemRef("copy00"))
    found = hits(full, asked)
    assert {hit.id for hit in found[: COPIES - 1]} == {f"copy{n:02}" for n in range(1, COPIES)}
    assert min(hit.relevance for hit in found[: COPIES - 1]) > 0.99
    assert of(found, "akin").relevance == pytest.approx(of(hits(plain, asked), "akin").relevance, abs=0.01)
    folded = hits(full, asked, fold=True)
    assert (len(folded[0].duplicates), folded[1].id) == (COPIES - 2, "akin")


def test_a_burst_does_not_change_what_other_hits_are_worth_and_folds(plant: Plant, dim: int) -> None:
    random = np.random.default_rng(1)
    query = units(random, 1, dim)[0]
    asked, dog, scene = vector(query), near(random, query, 0.45), near(random, query, 0.4)
    rest = [*others(random, dim, IMAGE), *item("dog", [dog], IMAGE)]
    # 0.995 squared is 0.99: frames have that cosine with each other.
    frames = [p for n in range(FRAMES) for p in item(f"frame{n:02}", [near(random, scene, 0.995)], IMAGE)]
    plain, burst = plant(rest), plant([*rest, *frames])
    alone, beside = of(hits(plain, asked), "dog"), of(hits(burst, asked), "dog")
    assert beside.relevance == pytest.approx(alone.relevance, abs=0.02)
    folded = hits(burst, asked, fold=True)
    shown = [hit for hit in folded if hit.id.startswith("frame")]
    assert len(shown) == 1
    assert len(shown[0].duplicates) == FRAMES - 1
    pages, cursor = [], ""
    while cursor is not None:
        page = burst.search(Query(asked, limit=3, cursor=cursor))
        pages += [(hit.id, hit.duplicates) for hit in page.hits]
        cursor = page.next_cursor
    assert pages == [(hit.id, hit.duplicates) for hit in folded]


@pytest.fixture
def films(plant: Plant, dim: int) -> Engine:
    """A film of three scenes, copies of it, and a film that shares one scene; a sound like the mean of all three."""
    random = np.random.default_rng(2)
    scenes = units(random, 3, dim)
    mean = scenes.sum(axis=0) / np.linalg.norm(scenes.sum(axis=0))
    again = [near(random, scene, 0.9995) for scene in scenes]
    return plant(
        [
            *others(random, dim),
            *item("film", list(scenes)),
            *item("copy", again),
            *item("longer", [*units(random, 2, dim), *scenes]),
            *item("shares", [scenes[0], *units(random, 2, dim)]),
            *item("mean", [near(random, mean, 0.97)]),
        ]
    )


def test_a_file_of_several_segments_is_found_by_all_of_them(films: Engine) -> None:
    found = hits(films, Term(ItemRef("film")))
    assert {hit.id for hit in found[:2]} == {"copy", "longer"}
    assert found[2].id == "mean"
    assert "shares" not in {hit.id for hit in found[:3]}
    itself = hits(films, Term(ItemRef("film")), include_self=True)
    assert {hit.id for hit in itself[:3]} == {"film", "copy", "longer"}


def test_what_a_copy_is_worth_is_explained(films: Engine) -> None:
    for hit in hits(films, Term(ItemRef("film")), explain=True)[:3]:
        assert hit.explanation is not None
        given = hit.explanation.calibration
        assert ("copy" in given) is (hit.id != "mean")
        odds = given["slope"] * (given["z"] - given["threshold"]) + given.get("copy", 0)
        assert hit.explanation.odds == pytest.approx(odds)


def test_operators_take_copies_as_certain(films: Engine) -> None:
    film, other = Term(ItemRef("film")), Term(ItemRef("other0"))
    without = [hit.id for hit in hits(films, other & ~film)]
    assert {"copy", "longer"} == set(without[-2:])
    either = hits(films, other | film)
    assert {"copy", "longer"} <= {hit.id for hit in either[:3]}
    both = hits(films, film & other)
    alone = hits(films, other)
    assert of(both, "copy").relevance == pytest.approx(of(alone, "copy").relevance, abs=1e-4)


def test_a_sum_and_a_vector_have_no_copies(films: Engine) -> None:
    film = Term(ItemRef("film"))
    for asked in (film + 0.5 * Term(ItemRef("mean")), vector(np.ones(films.model.dim, np.float32))):
        assert all("copy" not in hit.explanation.calibration for hit in hits(films, asked, explain=True))  # type: ignore[union-attr]


def test_an_excluded_item_is_no_copy_of_itself(films: Engine) -> None:
    assert "film" not in {hit.id for hit in hits(films, Term(ItemRef("film")))}


def test_more_copies_than_one_question_asks_for(plant: Plant, dim: int) -> None:
    random = np.random.default_rng(3)
    row = units(random, 1, dim)[0]
    count = 3 * FIRST
    assert count < MOST
    engine = plant([*others(random, dim), *(p for n in range(count) for p in item(f"copy{n}", [row]))])
    found = hits(engine, Term(ItemRef("copy0")), explain=True)
    certain = [hit.id for hit in found if "copy" in hit.explanation.calibration]  # type: ignore[union-attr]
    assert len(certain) == count - 1
    assert found[0].score > IDENTICAL
