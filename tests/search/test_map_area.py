"""Areas of the map: which places lie inside, and which items a list, a count and a search then find."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from omnisearch.config import Settings
from omnisearch.errors import NotFoundError, QueryError
from omnisearch.query.area import Area, parse_area, write_area
from omnisearch.search.counts import count_items
from omnisearch.search.item_list import Selection, list_items, list_name
from omnisearch.search.map import MAP_FILE, Map, MapPoint, write_map
from omnisearch.search.map_area import KeptMap, is_inside
from omnisearch.stores.base import FIRST, Filter, Lookup, Order, VectorStore
from omnisearch.stores.catalog import open_store
from omnisearch.types import Modality
from tests.stores.samples import DIM, FINGERPRINT, MODEL, points, vector

SQUARE: Area = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
STAR: Area = ((0, 1), (0.6, -0.8), (-0.95, 0.3), (0.95, 0.3), (-0.6, -0.8))


def winding(area: Area, x: float, y: float) -> int:
    """How often a polygon winds around a place, by the angles between its corners."""
    turned = 0.0
    for (ax, ay), (bx, by) in zip(area, (*area[1:], area[0]), strict=True):
        step = np.arctan2(by - y, bx - x) - np.arctan2(ay - y, ax - x)
        turned += (step + np.pi) % (2 * np.pi) - np.pi
    return round(turned / (2 * np.pi))


@pytest.mark.parametrize("area", [SQUARE, STAR, STAR[::-1], ((-1, 0), (1, 0.1), (0.2, -0.9))])
def test_a_place_is_inside_if_the_polygon_winds_around_it_an_odd_number_of_times(area: Area) -> None:
    places = np.random.default_rng(0).uniform(-1, 1, (500, 2)).astype(np.float32)
    expected = [winding(area, float(x), float(y)) % 2 == 1 for x, y in places]
    assert is_inside(area, places).tolist() == expected
    assert 0 < sum(expected) < 500


def test_nothing_is_inside_of_a_line_or_a_point() -> None:
    places = np.array([[0, 0], [0.5, 0.5]], np.float32)
    for flat in (((0, 0), (1, 1), (0.5, 0.5)), ((0, 0),) * 3):
        assert not is_inside(flat, places).any()
    assert is_inside(SQUARE, np.empty((0, 2), np.float32)).shape == (0,)


def test_an_area_is_read_as_it_is_written() -> None:
    assert parse_area(write_area(STAR)) == STAR
    assert parse_area("") == ()
    for wrong in (
        "0,0;1,1",
        "0,0;1,1;1",
        "a,0;1,1;0,1",
        ";".join(["0,0"] * 101),
        "0,0;1,1;nan,0",
        "1e3,0;1,1;0,1",
        " ",
    ):
        with pytest.raises(QueryError, match="area"):
            parse_area(wrong)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    """Twenty items, and a map of which the first five lie in the square."""
    settings = Settings(data_dir=tmp_path)
    with closing(open_store(settings, model=MODEL, dim=DIM, fingerprint=FINGERPRINT, create=True)) as opened:
        opened.upsert(points(60))
        write(settings, [(n, 0.0 if n < 5 else 0.75) for n in range(20)])
        yield opened


def write(settings: Settings, items: list[tuple[int, float]]) -> None:
    placed = tuple(MapPoint(f"item-{n}", Modality.TEXT, x, 0.1) for n, x in items)
    write_map(Map("toy", 20, 1.7e9, placed), settings.index_dir)


def test_an_area_limits_lists_counts_and_lookups(store: VectorStore, tmp_path: Path) -> None:
    kept = KeptMap(tmp_path, "default")
    inside = {f"item-{n}" for n in range(5)}
    chosen = Selection(area=SQUARE, among=kept.inside(SQUARE))
    assert {p.item_id for p in list_items(store, chosen, Order(), 200).items} == inside
    assert count_items(store, chosen).items == 5
    looked_up = store.search([Lookup(vector(1), 60, Filter(among=kept.inside(SQUARE), segments=FIRST))])[0]
    assert {hit.place.item_id for hit in looked_up} == inside
    far = ((0.9, 0.9), (1, 0.9), (1, 1))
    assert kept.inside(far) == ()
    assert list_items(store, replace(chosen, among=()), Order(), 200).items == ()
    assert store.count(Filter(among=())) == 0
    assert kept.inside(()) is None
    assert list_name("c", chosen, "id") != list_name("c", replace(chosen, area=STAR), "id")


def test_the_map_is_read_again_once_it_has_changed(store: VectorStore, tmp_path: Path) -> None:
    kept = KeptMap(tmp_path, "default")
    assert len(kept.inside(SQUARE) or ()) == 5
    write(Settings(data_dir=tmp_path), [(7, 0.0)])
    assert kept.inside(SQUARE) == ("item-7",)
    (tmp_path / MAP_FILE).unlink()
    with pytest.raises(NotFoundError, match="/v1/jobs"):
        kept.inside(SQUARE)
