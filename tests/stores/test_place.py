"""Places as bytes."""

import pytest

from omnisearch.stores.place import PLACE_BYTES, Place
from omnisearch.types import Modality

LAST = (1 << 32) - 1


@pytest.mark.parametrize("item_id", ["0" * 32, "f" * 32, "0123456789abcdef" * 2])
@pytest.mark.parametrize(("segment", "segments", "unit"), [(0, 1, ""), (2, 3, "seconds"), (LAST, LAST, "characters")])
@pytest.mark.parametrize("modality", Modality)
def test_a_place_of_a_hash_comes_back(item_id: str, segment: int, segments: int, modality: Modality, unit: str) -> None:
    place = Place(item_id, segment, segments, modality, unit)
    packed = place.packed()
    assert packed is not None
    assert len(packed) == PLACE_BYTES
    assert Place.unpacked(packed) == place


@pytest.mark.parametrize(
    "item_id", ["", "item", "A" * 32, "a" * 30, "a" * 34, "aa " * 10 + "aa", "g" * 32, "\u0661" * 32]
)
def test_other_ids_are_not_packed(item_id: str) -> None:
    assert Place(item_id, 0, 1, Modality.TEXT, "").packed() is None
