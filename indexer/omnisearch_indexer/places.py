"""Names of places, found offline: the town, the region and the country of a position.

The names and populations are those of GeoNames (CC BY 4.0), in the package reverse-geocode. Its tables take 2 s and
some 300 MiB to load, so they are loaded at the first position.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from omnisearch.metadata import MAX_TEXT, Metadata
from omnisearch.query.positions import distance_km

# A position farther from every town has no place: it is at sea, or in a desert.
MAX_KM = 100.0
# A point in the suburbs of a city lies nearer to the centre of a suburb: a city of this population is named too, if the
# point lies within a circle that would have this density of people.
CITY, PEOPLE_PER_KM2 = 500_000, 3000.0


def with_places(found: Sequence[Metadata]) -> list[Metadata]:
    """Return the metadata with the places of those that have a position and no place."""
    todo = [n for n, one in enumerate(found) if one.latitude is not None and not one.place]
    made = list(found)
    if todo:
        points = [(found[n].latitude, found[n].longitude) for n in todo]
        for n, place in zip(todo, place_names(points), strict=True):  # type: ignore[arg-type]
            made[n] = replace(found[n], place=place)
    return made


def place_names(points: Sequence[tuple[float, float]]) -> list[str]:
    """Return the place of each (latitude, longitude), such as `Sausalito, Marin County, California, United States`."""
    import reverse_geocode

    towns, cities = reverse_geocode.search(points), reverse_geocode.search(points, CITY)
    return [_name(*each) for each in zip(points, towns, cities, strict=True)]


def _name(point: tuple[float, float], town: Mapping[str, Any], city: Mapping[str, Any]) -> str:
    if _km(point, town) > MAX_KM:
        return ""
    names = [town["city"]]
    if city["country"] == town["country"] and _km(point, city) <= math.sqrt(
        city["population"] / PEOPLE_PER_KM2 / math.pi
    ):
        names.append(city["city"])
    names += [town.get("county", ""), town.get("state", ""), town["country"]]
    return ", ".join(dict.fromkeys(filter(None, names)))[:MAX_TEXT]


def _km(point: tuple[float, float], place: Mapping[str, Any]) -> float:
    return distance_km(*point, place["latitude"], place["longitude"])
