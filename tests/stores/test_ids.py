"""Ids of points."""

from math import inf, nextafter

from omnisearch.stores.ids import STEPS, is_point_id, point_id
from omnisearch.types import Segment


def test_the_id_of_a_segment_is_known_by_bounds_that_an_engine_has_read_a_little_differently() -> None:
    written = Segment(1, 8.0, 544448 / 44100, "seconds")
    id_, start, end = point_id("item", written), written.start, written.end
    assert start is not None
    assert end is not None
    for _ in range(STEPS):
        assert is_point_id(id_, "item", Segment(1, start, end, "seconds", "a part"))
        start, end = nextafter(start, inf), nextafter(end, -inf)
    assert is_point_id(point_id("item", Segment()), "item", Segment())


def test_the_id_of_another_segment_is_not_taken_for_it() -> None:
    segment = Segment(1, 8.0, 12.5, "seconds")
    id_ = point_id("item", segment)
    others = (
        Segment(2, 8.0, 12.5, "seconds"),
        Segment(1, 8.0, 12.500001, "seconds"),
        Segment(1, 8.0, 12.5),
        Segment(1),
    )
    assert not any(is_point_id(id_, "item", other) for other in others)
    assert not is_point_id(id_, "other", segment)
