"""Distances on the globe, and the boxes in which engines look for near items."""

import math

import numpy as np
import pytest

from omnisearch.query.positions import EARTH_KM, MAX_KM, NearCondition, distance_km


def by_vectors(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The distance from the angle between unit vectors."""
    (a, b), (c, d) = (np.radians(one), np.radians(other))
    first = np.array([math.cos(a) * math.cos(b), math.cos(a) * math.sin(b), math.sin(a)])
    second = np.array([math.cos(c) * math.cos(d), math.cos(c) * math.sin(d), math.sin(c)])
    return EARTH_KM * math.atan2(float(np.linalg.norm(np.cross(first, second))), float(first @ second))


def test_distances() -> None:
    random = np.random.default_rng(1)
    for _ in range(500):
        latitudes, longitudes = random.uniform(-90, 90, 2), random.uniform(-180, 180, 2)
        one, other = zip(latitudes, longitudes, strict=True)
        assert distance_km(*one, *other) == pytest.approx(by_vectors(one, other), abs=1e-4)
    assert distance_km(52.52, 13.405, 48.857, 2.352) == pytest.approx(878, abs=2)  # Berlin to Paris
    assert distance_km(10, 179.9, 10, -179.9) == pytest.approx(21.9, abs=0.1)


def test_the_box_holds_every_near_point() -> None:
    random = np.random.default_rng(2)
    inside = 0
    for _ in range(5_000):
        latitude, longitude = random.uniform(-90, 90), random.uniform(-180, 180)
        near = NearCondition(latitude, longitude, float(10 ** random.uniform(-2, math.log10(MAX_KM))))
        reach = near.km / 111 * 1.5
        other = (
            float(np.clip(latitude + random.uniform(-reach, reach), -90, 90)),
            (longitude + random.uniform(-reach, reach) * 3 + 180) % 360 - 180,
        )
        if distance_km(latitude, longitude, *other) > near.km:
            continue
        inside += 1
        for value, (low, high) in zip(other, near.box(), strict=True):
            assert low <= value <= high, (near, other)
    assert inside > 250


def test_a_small_box_is_small() -> None:
    (south, north), (west, east) = NearCondition(60.0, 10.0, 10).box()
    assert north - south == pytest.approx(0.18, abs=0.01)
    assert east - west == pytest.approx(0.36, abs=0.01)
